"""The models: band split, trunk and mask decoder."""

import torch
from torch import nn

from ..configuration import Configuration, preset
from ..weights import LEVELS
from .bands import BandSplit, MaskDecoder
from .lstm import LSTMBlock
from .mamba import BiMamba, CrossBandMLP, UniMamba


class SpeechEnhancer(nn.Module):
    """A model from a complex spectrum X[B, F, T] to the enhanced one of the same shape.

    Real spectra [B, 2, F, T] (real and imaginary parts) are taken, too, and give such. The keys of
    the state_dict are the names in the program's files of weights. Subclasses add the trunk.

    `level` is the level of the signals that the model takes, which `enhance` brings about and
    `save` writes: "none" as recorded, "utterance" for an RMS of 1.
    """

    level = LEVELS[0]

    def __init__(self, configuration):
        super().__init__()
        c = self.configuration = configuration
        self.band_split = BandSplit(c.bands, c.features)
        self.make_trunk(c.layers, c.features, c.trunk)
        self.decoder = MaskDecoder(c.bands, c.features, c.expansions, c.mask_taps)
        for end in (self.band_split, self.decoder):
            end.apply(_initialize)

    def make_trunk(self, layers, features, sizes):
        """Adds the layers between band split and decoder."""
        raise NotImplementedError

    def trunk(self, z):
        """Applies them to features Z[B, K, T, N]."""
        raise NotImplementedError

    def forward(self, spectrogram, statistics=None):
        """`statistics` of the band split are those of the whole for a part of a recording."""
        if not spectrogram.is_complex():
            pairs = spectrogram.permute(0, 2, 3, 1).contiguous()
            enhanced = torch.view_as_real(self(torch.view_as_complex(pairs), statistics))
            return enhanced.permute(0, 3, 1, 2)
        return self.decoder(self.trunk(self.band_split(spectrogram, statistics)), spectrogram)


def _initialize(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


class BiMambaEnhancer(SpeechEnhancer):
    """`abl1`, `abl2`, `abl3`: layers of bidirectional Mambas, over time and over bands."""

    def make_trunk(self, layers, features, sizes):
        self.layers = nn.ModuleList(
            nn.ModuleDict({path: BiMamba(path, features, sizes.mamba) for path in sizes.paths})
            for _ in range(layers))

    def trunk(self, z):
        for layer in self.layers:
            for block in layer.values():
                z = block(z)
        return z


class UniMambaEnhancer(SpeechEnhancer):
    """`unimamba`: layers of Mambas forward in time, and an MLP that sees each band alone."""

    def make_trunk(self, layers, features, sizes):
        self.layers = nn.ModuleList(
            nn.ModuleDict({"time": UniMamba(features, sizes.mamba)}) for _ in range(layers))
        self.cross_mlp = CrossBandMLP(features)
        _initialize(self.cross_mlp.fc)

    def trunk(self, z):
        for layer in self.layers:
            z = layer["time"](z)
        return self.cross_mlp(z)


class LSTMEnhancer(SpeechEnhancer):
    """`bsrnn`, `bsrnn31`: all LSTMs over time, then all over bands."""

    def make_trunk(self, layers, features, sizes):
        hidden = sizes.expand * features
        for axis in ("time", "band"):
            blocks = nn.ModuleList(LSTMBlock(axis, features, hidden) for _ in range(layers))
            for block in blocks:
                _initialize(block.fc)
            setattr(self, axis, blocks)

    def trunk(self, z):
        for block in [*self.time, *self.band]:
            z = block(z)
        return z


_KINDS = {"bimamba": BiMambaEnhancer, "unimamba": UniMambaEnhancer, "lstm": LSTMEnhancer}


def model(name):
    """A model with random first values: of a preset's name, the path of a configuration, or a
    `Configuration`. Raises `Error`.
    """
    configuration = name if isinstance(name, Configuration) else preset(name)
    return _KINDS[configuration.trunk.kind](configuration)
