"""Reads, runs and writes the models of disttrain in Python.

`disttrain.torch` holds them as plain torch modules. The modules beside it read configurations,
names, shapes and files with nothing but Python, so that they can be checked without torch.
"""

from .errors import Error

__all__ = ["Error", "__version__"]
__version__ = "0.3.0.dev0"
