"""The three systems: BandSplit, BiMamba blocks, mask decoder, and the loss.

Spectrograms are [B, T, F, 2] here (re, im last), B utterances of T frames and F bins.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

from bimamba import EPSILON, BiMamba, compiled
from products import tanh_layers

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Models" / "Presets"


def expanded(entries):
    """A preset's list, in which "3x10" stands for ten threes."""
    values = []
    for entry in entries:
        value, _, count = str(entry).partition("x")
        values += [int(value)] * int(count or 1)
    return values


def load_preset(name):
    """The constructor's arguments for a preset's name."""
    preset = json.loads((PRESETS / f"{name}.json").read_text())
    bands = expanded(preset["bands"])
    expansion = preset["decoder"]["expansion"]
    return {
        "bands": bands,
        "features": preset["features"],
        "layers": preset["layers"],
        "paths": preset["trunk"]["paths"],
        "mamba": preset["trunk"]["mamba"],
        "expansions": (
            expanded(expansion) if isinstance(expansion, list) else [expansion] * len(bands)
        ),
        "taps": preset["decoder"]["mask_taps"],
    }


@compiled
def _normalise_bands(z, weight, bias):
    """GroupNorm of each band of z [B, K, T, N] over frames and features, as [K, B, T, N]."""
    mean = z.mean((2, 3), keepdim=True)
    variance = (z - mean).square().mean((2, 3), keepdim=True)
    z = (z - mean) * torch.rsqrt(variance + EPSILON) * weight + bias
    return z.transpose(0, 1).contiguous()


@compiled
def _masked(value, gate, x, taps: int):
    """GLU and complex filter: value and gate [B, T, F, taps, 2], x [B, T, F, 2]."""
    mask = value * torch.sigmoid(gate)
    frames = x.shape[1]
    around = (taps - 1) // 2
    padded = F.pad(x, (0, 0, 0, 0, around, around))
    real, imaginary = 0, 0
    for tap in range(taps):
        m, p = mask[:, :, :, tap], padded[:, tap : tap + frames]
        real = real + m[..., 0] * p[..., 0] - m[..., 1] * p[..., 1]
        imaginary = imaginary + m[..., 0] * p[..., 1] + m[..., 1] * p[..., 0]
    return torch.stack([real, imaginary], -1)


class _Modulus(torch.autograd.Function):
    """|x| over the last axis (re, im), with gradient 0 at 0."""

    @staticmethod
    def forward(context, x):
        modulus = x.square().sum(-1).sqrt()
        context.save_for_backward(x, modulus)
        return modulus

    @staticmethod
    def backward(context, gradient):
        x, modulus = context.saved_tensors
        factor = torch.where(modulus > 0, gradient / modulus, 0)
        return factor[..., None] * x


def loss_of(estimate, target):
    """Half the mean complex error and half the mean error of magnitudes to the power of 0.3."""
    modulus = _Modulus.apply
    compressed = (modulus(estimate) + 1e-10) ** 0.3 - (modulus(target) + 1e-10) ** 0.3
    return 0.5 * modulus(estimate - target).mean() + 0.5 * compressed.abs().mean()


class BandSplit(torch.nn.Module):
    def __init__(self, bands, features):
        super().__init__()
        self.bands = bands
        self.norms = torch.nn.ModuleList(torch.nn.GroupNorm(1, 2 * w, EPSILON) for w in bands)
        self.fcs = torch.nn.ModuleList(torch.nn.Linear(2 * w, features) for w in bands)

    def forward(self, x):
        parts = x.flatten(2).split([2 * w for w in self.bands], 2)
        z = []
        for part, norm, fc in zip(parts, self.norms, self.fcs):
            part = norm(part.transpose(1, 2)).transpose(1, 2)
            z.append(fc(part))
        return torch.stack(z, 1)


class MaskDecoder(torch.nn.Module):
    def __init__(self, bands, features, expansions, taps):
        super().__init__()
        self.bands, self.taps = bands, taps
        self.norms = torch.nn.ModuleList(torch.nn.GroupNorm(1, features, EPSILON) for _ in bands)
        self.fc1 = torch.nn.ModuleList(torch.nn.Linear(features, e * features) for e in expansions)
        self.fc2 = torch.nn.ModuleList(
            torch.nn.Linear(e * features, 4 * taps * w) for w, e in zip(bands, expansions)
        )

    def forward(self, z, x):
        batch, _, frames, features = z.shape
        weight = torch.stack([norm.weight for norm in self.norms])
        bias = torch.stack([norm.bias for norm in self.norms])
        normal = _normalise_bands(z, weight[:, None], bias[:, None])
        values, gates = [], []
        for n, fc1, fc2 in zip(normal.unbind(0), self.fc1, self.fc2):
            n = n.view(batch * frames, features)
            value, gate = tanh_layers(n, fc1.weight, fc1.bias, fc2.weight, fc2.bias).chunk(2, 1)
            values.append(value)
            gates.append(gate)
        shape = (batch, frames, sum(self.bands), self.taps, 2)
        return _masked(
            torch.cat(values, 1).view(shape), torch.cat(gates, 1).view(shape), x, self.taps
        )


class Enhancer(torch.nn.Module):
    def __init__(self, bands, features, layers, paths, mamba, expansions, taps):
        super().__init__()
        self.band_split = BandSplit(bands, features)
        self.layers = torch.nn.ModuleList(
            torch.nn.ModuleDict({path: BiMamba(features, path, mamba) for path in paths})
            for _ in range(layers)
        )
        self.decoder = MaskDecoder(bands, features, expansions, taps)
        for part in (self.band_split, self.decoder):
            for layer in part.modules():
                if isinstance(layer, torch.nn.Linear):
                    torch.nn.init.xavier_uniform_(layer.weight)
                    torch.nn.init.zeros_(layer.bias)

    def forward(self, x):
        z = self.band_split(x)
        for layer in self.layers:
            for block in layer.values():
                z = block(z)
        return self.decoder(z, x)
