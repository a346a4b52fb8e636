"""The header of a safetensors file, checked, and the bytes of a file to be written.

The values of tensors are read through the package `safetensors`; names, types, shapes and metadata
are read here, where nothing has to be installed and every fault can be named.
"""

import json
import os
import struct
from collections import namedtuple

from . import checksums
from .errors import Error, listed
from .reader import parse_json

Entry = namedtuple("Entry", "name dtype shape begin end")
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}
_KINDS = [
    (b"version https://git-lfs", "a pointer of Git LFS; run git lfs pull"),
    (b"RIFF", "a WAV file"), (b"fLaC", "a FLAC file"), (b"OggS", "an Ogg file"),
    (b"PK\3\4", "a zip archive, such as a checkpoint of PyTorch; convert it with "
     "python -m disttrain.torch convert"),
    (b"\x80\2", "a pickle of Python; convert it with python -m disttrain.torch convert"),
    (b"\x1f\x8b", "a gzip archive; unpack it"), (b"\x89HDF", "an HDF5 file"),
    (b"{", "a JSON file"), (b"<", "an HTML or XML page"),
]


def kind_of(start):
    """The kind of a file by its first bytes, with a remedy; None if it is not known."""
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), None)


class SafetensorsFile:
    """A whole file in memory: `metadata`, and `entries` in the order of their data."""

    def __init__(self, path):
        self.path = str(path)
        if os.path.isdir(path):
            inside = sorted(n for n in os.listdir(path) if n.endswith(".safetensors"))
            raise Error(
                f"{path}: is a folder; give a file of weights in it: {listed(inside) or 'none'}")
        try:
            with open(path, "rb") as file:
                self.bytes = file.read()
        except OSError as error:
            raise Error(f"{path}: the file cannot be read: {error.strerror}") from None
        start = self.bytes[:64]
        length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
        if len(start) < 8 or length > len(self.bytes) - 8:
            kind = kind_of(start)
            if kind:
                raise Error(f"{path}: is no safetensors file but {kind}")
            raise Error(
                f"{path}: the file is truncated or no safetensors file: it has {len(self.bytes)} "
                "bytes, fewer than its header; copy it again")
        self.metadata, self.entries = self._parse(self.bytes[8 : 8 + length])
        self.data = memoryview(self.bytes)[8 + length :]
        self._require_whole()
        self.by_name = {entry.name: entry for entry in self.entries}
        checksums.verify(self.path, self.metadata, self.entries, self.data)

    def _parse(self, text):
        members = parse_json(text, f"the header of {self.path}")
        if not isinstance(members, dict):
            raise Error(f"{self.path}: the header is no JSON object; the file is damaged")
        metadata = members.pop("__metadata__", {})
        if not isinstance(metadata, dict) or any(type(v) is not str for v in metadata.values()):
            raise Error(f"{self.path}: the metadata is no object of texts; the file is damaged")
        entries = [self._entry(name, fields) for name, fields in members.items()]
        return metadata, sorted(entries, key=lambda e: (e.begin, e.end, e.name))

    def _entry(self, name, fields):
        try:
            dtype, shape, (begin, end) = (
                fields["dtype"], tuple(fields["shape"]), fields["data_offsets"])
            numbers = (*shape, begin, end)
            bits = _BITS[dtype]
        except (KeyError, TypeError, ValueError):
            numbers = (-1,)
        if any(type(n) is not int or n < 0 for n in numbers):
            raise Error(
                f'{self.path}: the entry of tensor "{name}" is malformed; the file is damaged')
        size = bits
        for extent in shape:
            size *= extent
        if size % 8 or end - begin != size // 8:
            raise Error(
                f'{self.path}: the file is damaged: tensor "{name}" of shape {list(shape)} and '
                f"type {dtype} has {end - begin} bytes")
        return Entry(name, dtype, shape, begin, end)

    def _require_whole(self):
        expected = 0
        for entry in self.entries:
            if entry.end > len(self.data):
                raise Error(
                    f'{self.path}: the file is truncated: tensor "{entry.name}" should end at byte '
                    f"{entry.end} of the data, which has {len(self.data)}; copy it again")
            if entry.begin != expected:
                raise Error(
                    f'{self.path}: the file is damaged: tensor "{entry.name}" begins at byte '
                    f"{entry.begin} of the data, not at {expected}")
            expected = entry.end
        if expected != len(self.data):
            raise Error(
                f"{self.path}: the file is damaged: its last {len(self.data) - expected} bytes "
                "belong to no tensor")


def serialized(tensors, metadata):
    """The bytes of a file of float32 tensors, {name: (shape, little-endian bytes)}, with checksums.

    Equal contents give equal bytes, which the package `safetensors` does not promise of metadata.
    """
    entries, offset = [], 0
    register = 0
    for name, (shape, data) in tensors.items():
        entries.append(Entry(name, "F32", tuple(shape), offset, offset + len(data)))
        register = checksums.crc32c(data, register)
        offset += len(data)
    metadata = {k: v for k, v in metadata.items() if not k.startswith(checksums.PREFIX)}
    metadata[checksums.PREFIX + checksums.OTHER_TENSORS] = f"{register:08x}"
    metadata[checksums.PREFIX + checksums.HEADER] = checksums.header_checksum(metadata, entries)
    members = {"__metadata__": metadata}
    for entry in entries:
        members[entry.name] = {
            "dtype": entry.dtype, "shape": list(entry.shape),
            "data_offsets": [entry.begin, entry.end]}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *(data for _, data in tensors.values())])


def write_atomically(path, write):
    """Calls `write` with the name of a file that takes the name `path` only when it is complete."""
    folder, name = os.path.split(os.fspath(path))
    stem, extension = os.path.splitext(name)
    temporary = os.path.join(folder, f".{stem}.{os.getpid()}{extension}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise Error(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
