"""The packages that `disttrain.torch` needs, and a sentence about those that are missing."""

import importlib.util


def missing(*names):
    """A sentence about the packages of `names` that are not installed; "" if all are."""
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    return (
        f"disttrain.torch needs {' and '.join(absent)}; in the root of the repository, "
        "pip install './python[torch]' installs all that it needs")
