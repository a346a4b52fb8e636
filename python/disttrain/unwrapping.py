"""Finds the weights of a model in whatever a training program wrapped around them."""

from collections.abc import Mapping

from .errors import Error, listed
from .parameters import LANDMARK, prefixes
from .weights import fitting_preset

# Levels of dictionaries that are searched.
DEEPEST = 6


def state_dicts(content):
    """Every (path, dictionary) in nested dictionaries with a name that ends in the landmark, or in
    none of them the largest with tensors.
    """
    found, largest = [], ((), {})

    def search(value, path):
        nonlocal largest
        names = [key for key in value if isinstance(key, str)]
        tensors = [key for key in names if hasattr(value[key], "shape")]
        if prefixes(tensors):
            found.append((path, value))
        if len(tensors) > len(largest[1]):
            largest = (path, {key: value[key] for key in tensors})
        if len(path) < DEEPEST:
            for key in names:
                if isinstance(value[key], Mapping):
                    search(value[key], (*path, key))

    search(content, ())
    return found, largest


def unwrapped(content, file, key=None):
    """The dictionary of the model's tensors under our names, and sentences about how it was found.

    `key` chooses among several models: the path of keys and the prefix, joined by dots. Raises
    `Error` if there is no model, or if there are several and no `key`.
    """
    if not isinstance(content, Mapping):
        raise Error(f"{file}: holds no dictionary of tensors; save model.state_dict()")
    found, (path, largest) = state_dicts(content)
    models = {}
    for path_of, tensors in found:
        for prefix in prefixes(tensors):
            models[".".join([*path_of, prefix.rstrip(".")] if prefix else path_of)] = (
                tensors, prefix)
    if key is not None:
        models = {label: model for label, model in models.items() if label == key}
        if not models:
            raise Error(f'{file}: there are no weights of a model under the key "{key}"')
    if not models:
        where = f' under "{".".join(path)}"' if path else ""
        if not largest:
            raise Error(f"{file}: holds no tensors; save model.state_dict()")
        if any(name.split(".")[-2:][0].startswith(("lstm_t", "norm_t")) for name in largest):
            raise Error(
                f"{file}: these are the names of the published BSRNN; convert the file with "
                "scripts/rename-bsrnn-weights.py")
        raise Error(
            f"{file}: {len(largest)} tensors{where}, and none is {LANDMARK}, so they fit no "
            "preset: " + listed(largest))
    if len(models) > 1:
        raise Error(
            f"{file}: holds {len(models)} models; choose one with --key: {listed(sorted(models))}")
    (label, (tensors, prefix)), = models.items()
    notes = [f'{file}: the weights were found under "{label}"'] if label else []
    own = {n[len(prefix):]: t for n, t in tensors.items() if n.startswith(prefix)}
    others = [n for n in tensors if not n.startswith(prefix)]
    if others:
        notes.append(f"{file}: {len(others)} other entries were left out: {listed(others)}")
    return own, notes


def configuration_of(tensors, types, presets, file):
    """The one of the configurations that {name: tensor} are of, by names and shapes.

    `types` are the names of the tensors' types. Raises `Error` with what differs.
    """
    odd = [name for name, tensor in tensors.items() if not hasattr(tensor, "shape")]
    if odd:
        raise Error(f"{file}: {len(odd)} entries are no tensors: {listed(odd)}")
    found = {name: (types[name], tuple(tensor.shape)) for name, tensor in tensors.items()}
    try:
        return fitting_preset(found, presets)
    except Error as error:
        raise Error(f"{file}: {error}") from None
