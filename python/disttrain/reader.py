"""Strict access to JSON: every deviation is an error that names file, key and value."""

import json

from .errors import Error, listed

LONGEST_LIST = 4096


def _unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice}" occurs twice')
    return members


def _no_constant(text):
    raise ValueError(f"{text} is no number of JSON")


def parse_json(text, file):
    """The value in JSON text (bytes or str) that errors call `file`. Raises `Error`."""
    try:
        if isinstance(text, (bytes, bytearray)):
            text = text.decode("utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Error(f"{file}: is not JSON: {error}") from None


class Reader:
    """One object of a JSON document; `path` is its key from the top."""

    def __init__(self, value, file, path=""):
        self.file, self.path = file, path
        if not isinstance(value, dict):
            raise Error(f"{file}: {path or 'the document'} must be an object {{ … }}")
        self.members = value

    def __contains__(self, key):
        return key in self.members

    def _name(self, key):
        return f"{self.path}.{key}" if self.path else key

    def allow(self, *keys):
        """Refuses all other keys."""
        unknown = sorted(set(self.members) - set(keys))
        if unknown:
            raise Error(
                f'{self.file}: unknown key "{self._name(unknown[0])}"; allowed here are '
                + listed(keys, most=len(keys)))

    def value(self, key):
        """The value of a key that has to be there."""
        if key not in self.members:
            raise Error(f'{self.file}: the key "{self._name(key)}" is missing')
        return self.members[key]

    def impossible(self, key, requirement):
        """The error for the value of `key`, which violates `requirement`, such as "must be odd"."""
        value = json.dumps(self.members.get(key))
        value = value if len(value) <= 200 else value[:200] + "…"
        return Error(f'{self.file}: "{self._name(key)}" is {value}, but {requirement}')

    def is_integer(self, key):
        """Whether the value is an integer; true and 1.0 are none."""
        return type(self.value(key)) is int

    def integer(self, key, low, high, default=None):
        """The integer of a key, between `low` and `high`."""
        if default is not None and key not in self.members:
            return default
        if not self.is_integer(key):
            raise self.impossible(key, "must be an integer")
        value = self.members[key]
        if not low <= value <= high:
            raise self.impossible(key, f"must be between {low} and {high}")
        return value

    def text(self, key):
        """The text of a key, not empty."""
        value = self.value(key)
        if not isinstance(value, str) or not value:
            raise self.impossible(key, "must be a text that is not empty")
        return value

    def list(self, key):
        """The items of a key's list."""
        value = self.value(key)
        if not isinstance(value, list):
            raise self.impossible(key, "must be a list")
        return value

    def object(self, key):
        """A reader of the object of a key."""
        return Reader(self.value(key), self.file, self._name(key))

    def repeated(self, key, low, high):
        """The numbers of a list in which "3x10" is ten 3s."""
        numbers = []
        for item in self.list(key):
            number, count = item, 1
            if isinstance(item, str):
                parts = item.split("x")
                if len(parts) == 2 and all(p.isascii() and p.isdigit() for p in parts):
                    number, count = int(parts[0]), int(parts[1])
            if type(number) is not int:
                raise self.impossible(
                    key, 'must be a list of integers and repeats such as "3x10"')
            if not low <= number <= high:
                raise self.impossible(key, f"every number must be between {low} and {high}")
            if not 0 < count <= LONGEST_LIST - len(numbers):
                raise self.impossible(
                    key,
                    f"repeats must be positive and the list no longer than {LONGEST_LIST}")
            numbers += [number] * count
        if not numbers:
            raise self.impossible(key, "the list must not be empty")
        return tuple(numbers)
