#!/usr/bin/env python3
"""Renames the weights of the published BSRNN (github.com/sungwon23/BSRNN) to those of bsrnn31.

    python3 scripts/rename-bsrnn-weights.py saved_model/gene_epoch_99_0.012 bsrnn31.safetensors
    disttrain enhance --weights bsrnn31.safetensors --preset bsrnn31 noisy.wav enhanced.wav

IN is what torch.save wrote of the model's state_dict (whatever its name ends in; needs torch in this
Python), or a .safetensors file (needs nothing). OUT is a safetensors file, float32. The numbers stay
what they are, only their names change. Python 3.9 or later.
"""

import argparse
import array
import json
import os
import re
import struct
import sys

LSTM = r"(?:weight|bias)_(?:ih|hh)_l0"
AFFINE = r"weight|bias"

# The published name's pattern, its number counting from 1, and what becomes of it.
RULES = [
    (rf"band_split\.norm([1-9]\d{{0,2}})\.({AFFINE})", "band_split.norms.{}.{}"),
    (rf"band_split\.fc([1-9]\d{{0,2}})\.({AFFINE})", "band_split.fcs.{}.{}"),
    (rf"norm_t([1-9]\d{{0,2}})\.({AFFINE})", "time.{}.norm.{}"),
    (rf"lstm_t([1-9]\d{{0,2}})\.({LSTM})", "time.{}.lstm.{}"),
    (rf"fc_t([1-9]\d{{0,2}})\.({AFFINE})", "time.{}.fc.{}"),
    (rf"norm_k([1-9]\d{{0,2}})\.({AFFINE})", "band.{}.norm.{}"),
    (rf"lstm_k([1-9]\d{{0,2}})\.({LSTM}(?:_reverse)?)", "band.{}.lstm.{}"),
    (rf"fc_k([1-9]\d{{0,2}})\.({AFFINE})", "band.{}.fc.{}"),
    (rf"mask_decoder\.norm([1-9]\d{{0,2}})\.({AFFINE})", "decoder.norms.{}.{}"),
    # fc112 is the first layer (fc1) of band 12.
    (rf"mask_decoder\.fc1([1-9]\d{{0,2}})\.({AFFINE})", "decoder.fc1.{}.{}"),
    (rf"mask_decoder\.fc2([1-9]\d{{0,2}})\.({AFFINE})", "decoder.fc2.{}.{}"),
]

# Keys that a training program may have wrapped around the state_dict, and prefixes of its names.
CONTAINERS = ("state_dict", "model_state_dict", "generator_state_dict", "generator", "model")
PREFIXES = ("module.", "_orig_mod.", "generator.", "model.")


class Refused(Exception):
    """A file that cannot be converted, in one sentence."""


def listed(names, most=8):
    """The first names, and how many more there are."""
    names = sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def floats(kind, data):
    """The numbers of a safetensors array as float32, little-endian."""
    if kind == "F32":
        return data
    if kind == "BF16":
        halves = struct.unpack(f"<{len(data) // 2}H", data)
        return struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves))
    letter, size = {"F16": ("e", 2), "F64": ("d", 8)}[kind]
    count = len(data) // size
    return struct.pack(f"<{count}f", *struct.unpack(f"<{count}{letter}", data))


def read_safetensors(path):
    """Shape and float32 bytes of every tensor, by name."""
    with open(path, "rb") as file:
        whole = file.read()
    try:
        (length,) = struct.unpack("<Q", whole[:8])
        header = json.loads(whole[8 : 8 + length].decode("utf-8"))
        data = whole[8 + length :]
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            size = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}.get(entry["dtype"])
            if size is None:
                raise Refused(f"{path}: {name} is of type {entry['dtype']}, not of floats")
            count = 1
            for extent in entry["shape"]:
                count *= extent
            if not 0 <= begin <= end <= len(data) or end - begin != size * count:
                raise ValueError(name)
            try:
                numbers = floats(entry["dtype"], data[begin:end])
            except OverflowError:
                raise Refused(f"{path}: {name} has numbers that float32 does not hold") from None
            tensors[name] = (list(entry["shape"]), numbers)
        return tensors
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise Refused(f"{path} is no whole safetensors file ({error})") from None


def read_torch(path):
    """The same of a file that torch.save wrote."""
    try:
        import torch
    except ImportError:
        raise Refused(
            f"{path} is not called .safetensors, and to read a file of torch.save this Python needs "
            "torch: install it, or save the weights with safetensors.torch.save_file"
        ) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise Refused(f"{path} cannot be loaded as weights: {reason}") from None
    while isinstance(content, dict) and not any(torch.is_tensor(v) for v in content.values()):
        inner = next((content[k] for k in CONTAINERS if isinstance(content.get(k), dict)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, dict) or not content:
        raise Refused(f"{path} holds no state_dict")
    tensors = {}
    for name, tensor in content.items():
        if not torch.is_tensor(tensor):
            raise Refused(f"{path}: {name} is no tensor, so this is no state_dict")
        numbers = array.array("f", tensor.detach().to(torch.float32).flatten().tolist())
        if sys.byteorder == "big":
            numbers.byteswap()
        tensors[name] = (list(tensor.shape), numbers.tobytes())
    return tensors


def plain(name):
    """The name without what wraps the model."""
    found = True
    while found:
        found = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
        name = name[len(found) :]
    return name


def rename(tensors, path):
    """The same tensors under our names; complete, or an error that says what is not."""
    renamed, unplaced = {}, []
    for name, tensor in tensors.items():
        for pattern, target in RULES:
            match = re.fullmatch(pattern, plain(name))
            if match:
                ours = target.format(int(match.group(1)) - 1, match.group(2))
                if ours in renamed:
                    raise Refused(f"{path} has two tensors for {ours}, one of them {name}")
                renamed[ours] = tensor
                break
        else:
            unplaced.append(name)
    if unplaced:
        raise Refused(
            f"{path} has {len(unplaced)} tensors that the published BSRNN does not have: "
            + listed(unplaced)
        )
    missing = expected(renamed) - set(renamed)
    if missing:
        raise Refused(f"{path} lacks {len(missing)} tensors: {listed(missing)} (our names)")
    return renamed


def count(names, *groups):
    """How many numbered parts there are below these groups, by their highest number."""
    numbers = [-1]
    for name in names:
        for group in groups:
            if name.startswith(group + "."):
                numbers.append(int(name[len(group) + 1 :].split(".")[0]))
    return max(numbers) + 1


def expected(names):
    """Every name of a model with as many bands and layers as these speak of."""
    bands = max(
        1, count(names, "band_split.norms", "band_split.fcs", "decoder.norms", "decoder.fc1",
                 "decoder.fc2"))
    layers = max(1, count(names, "time", "band"))
    affine = ("weight", "bias")
    lstm = [f"{kind}_{side}_l0" for kind in affine for side in ("ih", "hh")]
    result = set()
    for group in ("band_split.norms", "band_split.fcs", "decoder.norms", "decoder.fc1",
                  "decoder.fc2"):
        result |= {f"{group}.{k}.{part}" for k in range(bands) for part in affine}
    for axis in ("time", "band"):
        for i in range(layers):
            result |= {f"{axis}.{i}.{part}.{kind}" for part in ("norm", "fc") for kind in affine}
            result |= {f"{axis}.{i}.lstm.{kind}" for kind in lstm}
            if axis == "band":
                result |= {f"{axis}.{i}.lstm.{kind}_reverse" for kind in lstm}
    return result


def write_safetensors(path, tensors):
    """Writes the tensors, in the place of a former file only when all is there."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {
            "dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for _, data in tensors.values():
                file.write(data)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN")
    parser.add_argument("output", metavar="OUT.safetensors")
    arguments = parser.parse_args()
    try:
        path = arguments.input
        is_safetensors = path.endswith(".safetensors")
        tensors = rename((read_safetensors if is_safetensors else read_torch)(path), path)
        write_safetensors(arguments.output, tensors)
    except Refused as error:
        sys.exit(f"rename-bsrnn-weights.py: error: {error}")
    except OSError as error:
        sys.exit(f"rename-bsrnn-weights.py: error: {error.filename}: {error.strerror}")
    print(
        f"renamed {len(tensors)} tensors: {count(tensors, 'band_split.norms')} bands, "
        f"{count(tensors, 'time')} layers, {len(tensors['time.0.norm.weight'][1]) // 4} features")


if __name__ == "__main__":
    main()
