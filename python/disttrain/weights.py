"""Which tensors of a file are the weights of a model, and everything that keeps them from it."""

from .configuration import Configuration
from .errors import Error, counted, listed
from .parameters import parameter_shapes, prefixes
from .safetensors_file import SafetensorsFile

AVERAGE = "ema."
# Types that become float32 without a change of meaning.
FLOATS = ("F32", "F16", "BF16", "F64")
# Levels of the signals that models take: as recorded, or each noisy utterance at an RMS of 1.
LEVELS = ("none", "utterance")


class WeightFile:
    """A file of weights: best.safetensors, a checkpoint of a run, or an export of PyTorch.

    `configuration` is that of the model in the file, None if the file holds none; `level` is the
    level of the signals that it takes.
    """

    def __init__(self, path):
        self.file = SafetensorsFile(path)
        self.path = self.file.path
        text = self.file.metadata.get("configuration")
        self.configuration = None if text is None else Configuration.parse(
            text, f"the configuration in {self.path}")
        self.level = self.file.metadata.get("level", LEVELS[0])
        if self.level not in LEVELS:
            raise Error(
                f'{self.path}: takes signals of the level "{self.level}", and this version of the '
                f"package knows {listed(LEVELS)}; install a later one")

    @property
    def is_checkpoint(self):
        """Whether the file holds moments of the optimizer, as a checkpoint does."""
        return any(entry.name.startswith("adam.") for entry in self.file.entries)

    @property
    def has_average(self):
        """Whether the file holds averaged weights."""
        return any(entry.name.startswith(AVERAGE) for entry in self.file.entries)

    def model(self, asked=None):
        """The configuration of the model: the file's own, which `asked` may not contradict."""
        own = self.configuration
        if own is None and asked is None:
            raise Error(
                f"{self.path}: does not say which model it is of (a file from another program?); "
                "name the preset, or let python -m disttrain.torch convert find it")
        if own and asked and own.architecture != asked.architecture:
            raise Error(
                f'{self.path}: was written for the model "{own.name}", which differs from the '
                f'preset "{asked.name}"; omit the preset to take the file\'s own')
        return asked or own

    def chosen(self, configuration):
        """The name in the file of each parameter, by the parameter's: as `disttrain enhance` does,
        the averaged weights of a checkpoint if it has any, else its weights.

        Raises `Error` with every missing, unexpected, wrongly shaped and wrongly typed tensor.
        """
        prefix = AVERAGE if self.is_checkpoint and self.has_average else ""
        shapes = parameter_shapes(configuration)
        names = {name: prefix + name for name in shapes}
        found = {
            entry.name[len(prefix) :]: entry for entry in self.file.entries
            if entry.name.startswith(prefix)}
        if self.is_checkpoint:
            # A run's state has other tensors; only those in the model's own groups can be wrong.
            groups = {name.split(".")[0] for name in shapes}
            found = {name: e for name, e in found.items() if name.split(".")[0] in groups}
        faults = differences(shapes, {n: (e.dtype, e.shape) for n, e in found.items()})
        if faults:
            written = self.configuration.name if self.configuration else None
            other = f' (they were written for "{written}")' if written not in (
                None, configuration.name) else ""
            raise Error(
                f'{self.path}: the weights do not fit the model "{configuration.name}"{other}: '
                + faults + self._prefix_hint(found))
        return names

    def _prefix_hint(self, found):
        prefix = next((p for p in prefixes(found) if p), None)
        return "" if prefix is None else (
            f'; the names begin with "{prefix}": python -m disttrain.torch convert removes that')

    def notes(self, names):
        """Sentences that a user should know: that this is a checkpoint, that types were changed."""
        notes = []
        if self.is_checkpoint:
            kind = "averaged weights" if self.has_average else "weights"
            notes.append(
                f"{self.path} is a checkpoint: the {kind} of that step are used; the weights that "
                "validated best are in best.safetensors, if there are any")
        types = sorted({self.file.by_name[name].dtype for name in names.values()} - {"F32"})
        if types:
            notes.append(
                f"{self.path} holds weights of type {listed(types)}; they become float32")
        return notes


def differences(shapes, found):
    """A clause with every difference between parameters {name: shape} and tensors {name: (type,
    shape)}; empty if there is none.
    """
    common = [name for name in shapes if name in found]
    kinds = [
        ("missing", [f"{n} {list(s)}" for n, s in shapes.items() if n not in found]),
        ("unexpected", [f"{n} {list(s)}" for n, (_, s) in found.items() if n not in shapes]),
        ("of the wrong shape", [
            f"{n} {list(found[n][1])} instead of {list(shapes[n])}" for n in common
            if tuple(found[n][1]) != tuple(shapes[n])]),
        ("no floats", [f"{n} ({found[n][0]})" for n in common if found[n][0] not in FLOATS]),
    ]
    return "; ".join(f"{len(items)} {kind}: {listed(items)}" for kind, items in kinds if items)


def fitting_preset(found, presets):
    """The one of `presets` whose names and shapes are those of {name: (type, shape)}.

    Raises `Error` with the differences from the preset that comes nearest.
    """
    def agreement(configuration):
        shapes = parameter_shapes(configuration)
        return sum(n in found and tuple(found[n][1]) == shapes[n] for n in shapes) - sum(
            n not in shapes for n in found)

    nearest = max(presets, key=agreement)
    faults = differences(parameter_shapes(nearest), found)
    if faults:
        raise Error(
            f"{counted(len(found), 'tensor')} fit no preset; from the nearest, "
            f'"{nearest.name}", differ {faults}')
    return nearest
