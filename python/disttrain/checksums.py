"""CRC-32C, and the checksums that weights and checkpoints carry in their metadata.

`checksum.GROUP` covers the bytes of a group's tensors in the order of their data, `checksum.header`
all other metadata and the tensors' names, types, shapes and places; docs/files.md has the rules.
"""

import struct

from .errors import Error

PREFIX = "checksum."
HEADER = "header"
OTHER_TENSORS = "weights"
_POLYNOMIAL = 0x82F63B78


def _entry(value):
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = [_entry(byte) for byte in range(256)]
# Lanes that NumPy takes a byte further at a time; shorter data are not worth it.
_LANES = 4096


def _bytewise(register, data):
    for byte in data:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 255]
    return register


def _applied(matrix, register):
    result, column = 0, 0
    while register:
        if register & 1:
            result ^= matrix[column]
        register >>= 1
        column += 1
    return result


def _zeros(count):
    """The matrix over GF(2), by columns, that takes the register past `count` bytes of zeros."""
    power = [_bytewise(1 << bit, b"\0") for bit in range(32)]
    matrix = [1 << bit for bit in range(32)]
    while count:
        if count & 1:
            matrix = [_applied(power, column) for column in matrix]
        power = [_applied(power, column) for column in power]
        count >>= 1
    return matrix


def crc32c(data, start=0):
    """The checksum of bytes, which follow others with the checksum `start`."""
    view = memoryview(data).cast("B") if len(data) else b""
    register = start ^ 0xFFFFFFFF
    length = len(view) // _LANES
    if length >= 64:
        # The checksum is linear: lanes are independent, each with a register of zero.
        import numpy

        table = numpy.array(_TABLE, numpy.uint32)
        lanes = numpy.frombuffer(view, numpy.uint8, _LANES * length).reshape(_LANES, length)
        registers = numpy.zeros(_LANES, numpy.uint32)
        for column in numpy.ascontiguousarray(lanes.T):
            registers = registers >> 8 ^ table[(registers ^ column) & 255]
        matrix = _zeros(length)
        for lane in registers.tolist():
            register = _applied(matrix, register) ^ lane
        view = view[_LANES * length :]
    return _bytewise(register, view) ^ 0xFFFFFFFF


def header_checksum(metadata, entries):
    """The checksum of metadata and of (name, type, shape, begin, end) in the order of the data."""
    def number(value):
        return struct.pack("<q", value)

    def text(value):
        encoded = value.encode("utf-8")
        return number(len(encoded)) + encoded

    others = sorted((k, v) for k, v in metadata.items() if k != PREFIX + HEADER)
    parts = [number(len(others))]
    for key, value in others:
        parts += [text(key), text(value)]
    parts.append(number(len(entries)))
    for name, dtype, shape, begin, end in entries:
        parts += [text(name), text(dtype), number(len(shape)), *map(number, (*shape, begin, end))]
    return f"{crc32c(b''.join(parts)):08x}"


def verify(path, metadata, entries, data):
    """Compares the contents of a file with its checksums, if it has any. Raises `Error`.

    `data` are the bytes behind the header.
    """
    stored = {k[len(PREFIX) :]: v for k, v in metadata.items() if k.startswith(PREFIX)}
    if not stored:
        return
    # The header comes first, because the names of tensors and groups depend on it.
    found = {HEADER: header_checksum(metadata, entries)}
    _compare(path, stored, found)
    longest_first = sorted(set(stored) - {HEADER}, key=len, reverse=True)
    registers = {}
    for name, _, _, begin, end in entries:
        group = next((g for g in longest_first if name.startswith(g + ".")), OTHER_TENSORS)
        registers[group] = crc32c(data[begin:end], registers.get(group, 0))
    _compare(path, stored, {group: f"{value:08x}" for group, value in registers.items()})


def _compare(path, stored, found):
    for group, checksum in sorted(found.items()):
        contents = "its header" if group == HEADER else f'its tensors of "{group}"'
        if group not in stored:
            raise Error(
                f"{path}: the file is damaged: the checksum of {contents} is missing; copy it "
                "again")
        if stored[group] != checksum:
            raise Error(
                f"{path}: the file is damaged: the checksum of {contents} is {checksum}, but the "
                f"file says {stored[group]}; copy it again")
