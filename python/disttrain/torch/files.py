"""Files of weights, to modules and back."""

import sys
import warnings

import torch
from safetensors import SafetensorError, safe_open

from .. import __version__
from ..configuration import Configuration, preset as read_preset
from ..errors import Error, listed
from ..parameters import parameter_shapes
from ..safetensors_file import serialized, write_atomically
from ..weights import LEVELS, WeightFile
from .model import model


def load(path, preset=None, note=warnings.warn):
    """The module with the weights of a file, in evaluation mode, float32.

    Takes everything that `disttrain enhance --weights` takes: best.safetensors, a checkpoint of a
    run (its averaged weights if there are any, else its weights), and an export with the same names
    and without metadata, for which `preset` names the model or the path of its configuration.
    float16, bfloat16 and float64 become float32.

    `note` gets a sentence about a checkpoint, or about types that were changed. Raises `Error` for
    a file that is broken, damaged, of another model, or whose weights are not finite.
    """
    asked = preset
    if preset is not None and not isinstance(preset, Configuration):
        asked = read_preset(preset)
    file = WeightFile(path)
    configuration = file.model(asked)
    names = file.chosen(configuration)
    weights = read_tensors(file.path, names.values())
    state = {ours: weights[name].to(torch.float32) for ours, name in names.items()}
    require_finite(state, file.path)
    module = with_weights(configuration, state)
    module.level = file.level
    for sentence in file.notes(names):
        note(sentence)
    return module


def read_tensors(path, names=None):
    """The tensors of these names, or all of them, in a safetensors file."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in names or file.keys()}
    except (SafetensorError, OSError) as error:
        raise Error(f"{path}: cannot be read: {error}") from None


def require_finite(tensors, path):
    """Refuses tensors with elements that are infinite or no numbers."""
    broken = {name: int((~torch.isfinite(t)).sum()) for name, t in tensors.items()}
    broken = [f"{name} ({count} elements)" for name, count in broken.items() if count]
    if broken:
        raise Error(
            f"{path}: {len(broken)} tensors are not finite: {listed(broken)}; take the weights of "
            "another epoch")


def with_weights(configuration, state):
    """A module of the configuration with these weights, in evaluation mode."""
    module = model(configuration)
    module.load_state_dict(state)
    return module.eval()


def save(module, path, metadata=None):
    """Writes the weights of a module as safetensors, float32, with its configuration and checksums:
    `disttrain enhance`, `evaluate` and `load` need nothing else.

    The file takes its name only when it is complete, and equal weights give equal bytes. `metadata`
    are further texts by key. Raises `Error` for weights that are not finite or do not fit the
    module's configuration, and for a disk that cannot be written.
    """
    configuration = module.configuration
    state = {
        name: tensor.detach().to("cpu", torch.float32).contiguous()
        for name, tensor in module.state_dict().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    expected = parameter_shapes(configuration)
    if shapes != expected:
        odd = {item[0] for item in set(shapes.items()) ^ set(expected.items())}
        raise Error(
            f'{path}: the module is not of its configuration "{configuration.name}" any more: '
            + listed(sorted(odd)))
    require_finite(state, path)
    texts = dict(metadata or {})
    if any(not isinstance(text, str) for pair in texts.items() for text in pair):
        raise Error(f"{path}: metadata must be texts by text")
    own = {
        "configuration": configuration.text(), "program": f"disttrain.torch {__version__}",
        "format": "pt"}
    if module.level not in LEVELS:
        raise Error(f'{path}: the level "{module.level}" is none of {listed(LEVELS)}')
    if module.level != LEVELS[0]:
        own["level"] = module.level
    taken = sorted(set(texts) & {*own, "level"})
    if taken:
        raise Error(f"{path}: the metadata {listed(taken)} is the writer's own; use another key")
    tensors = {name: (shapes[name], _little_endian(state[name])) for name in expected}
    contents = serialized(tensors, {**texts, **own})

    def write(name):
        with open(name, "wb") as file:
            file.write(contents)

    write_atomically(path, write)


def _little_endian(tensor):
    numbers = tensor.numpy()
    return (numbers.byteswap() if sys.byteorder == "big" else numbers).tobytes()
