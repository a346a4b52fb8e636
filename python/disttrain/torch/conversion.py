"""Weights of a model that was trained in PyTorch, to a file of ours."""

import pickle
import re

import torch

from ..configuration import preset as read_preset, preset_names
from ..errors import Error
from ..safetensors_file import kind_of
from ..unwrapping import configuration_of, unwrapped
from ..weights import WeightFile
from .files import load, read_tensors, require_finite, save, with_weights

_TYPES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}


def convert(source, target, preset=None, key=None, trusted=False, note=print):
    """Writes the weights in `source` to `target`, a safetensors file that says which model it is.

    `source` is what torch.save wrote of a state_dict, alone or nested in dictionaries, or a
    safetensors file; prefixes such as "module." go. Names and shapes say which preset it is, unless
    `preset` does (a name, or the path of a configuration). Where there are several models, `key`
    chooses one, such as "ema.module". `trusted` allows pickles that run code of the file.

    Returns the module. Raises `Error` with every name that fits no preset.
    """
    presets = [read_preset(preset)] if preset else [read_preset(name) for name in preset_names()]
    if not _is_safetensors(source):
        content = _read_pickle(source, trusted)
    elif WeightFile(source).configuration is not None:
        module = load(source, presets[0] if preset else None, note)
        save(module, target)
        return module
    else:
        content = read_tensors(source)
    tensors, notes = unwrapped(content, source, key)
    tensors = {n: torch.as_tensor(t) if hasattr(t, "shape") else t for n, t in tensors.items()}
    types = {
        n: _TYPES.get(t.dtype, str(t.dtype)) for n, t in tensors.items() if torch.is_tensor(t)}
    configuration = configuration_of(tensors, types, presets, source)
    for sentence in notes:
        note(sentence)
    changed = sorted(set(types.values()) - {"F32"})
    if changed:
        note(f"{source}: weights of type {', '.join(changed)} became float32")
    state = {name: tensor.detach().to(torch.float32) for name, tensor in tensors.items()}
    require_finite(state, source)
    module = with_weights(configuration, state)
    save(module, target)
    return module


def _is_safetensors(path):
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError as error:
        raise Error(f"{path}: the file cannot be read: {error.strerror}") from None
    # Eight bytes are the length of the header; no header takes up terabytes.
    if start[8:9] == b"{" and start[5:8] == b"\0\0\0":
        return True
    if start[:4] == b"PK\3\4" or start[:1] == b"\x80":
        return False
    if kind_of(start):
        raise Error(f"{path}: is no file of weights but {kind_of(start)}")
    return str(path).endswith(".safetensors")


def _read_pickle(path, trusted):
    try:
        content = torch.load(path, map_location="cpu", weights_only=not trusted)
        return content.state_dict() if isinstance(content, torch.nn.Module) else content
    except pickle.UnpicklingError as error:
        objects = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"objects of {objects.group(1)}" if objects else "other objects"
        raise Error(
            f"{path}: holds {what} beside tensors, and to read them runs code of the file; save "
            "model.state_dict() alone, or give --trust if you trust the file") from None
    except Exception as error:  # torch.load raises whatever the pickle machine meets.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Error(f"{path}: cannot be read as a file of torch.save: {reason}") from None
