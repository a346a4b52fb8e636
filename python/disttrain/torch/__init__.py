"""The models of disttrain as plain torch modules.

    from disttrain.torch import load, enhance, save
    module = load("checkpoints_abl3/best.safetensors")
    enhanced = enhance(module, samples)        # mono, float, at the model's rate
    save(module, "weights.safetensors")        # for disttrain enhance, evaluate, train

`model("abl3")` makes one with random first values; the keys of every state_dict are the names in
the program's files. The command line is `python -m disttrain.torch`.
"""

import sys

from .installed import missing

# Before the modules below, which import these packages.
if missing("torch", "safetensors"):
    # While `python -m disttrain.torch` looks for its module, "-m" is the name of the program.
    if sys.argv[:1] == ["-m"]:
        sys.exit("error: " + missing("torch", "safetensors"))
    raise ModuleNotFoundError(missing("torch", "safetensors"))

from ..configuration import Configuration, preset, preset_names
from ..errors import Error
from .enhancement import enhance
from .files import load, save
from .model import SpeechEnhancer, model

__all__ = [
    "Configuration", "Error", "SpeechEnhancer", "enhance", "load", "model", "preset",
    "preset_names", "save",
]
