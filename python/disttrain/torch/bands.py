"""The two ends of every model: from the spectrum to features of bands, and back with a mask."""

import torch
from torch import nn
from torch.nn import functional as F


class BandSplit(nn.Module):
    """Features Z[B, K, T, N] of a spectrum X[B, F, T]: per band of w bins a GroupNorm over 2w
    numbers (re, im, re, im, …) and all frames, and a linear layer.
    """

    def __init__(self, bands, features):
        super().__init__()
        self.bands = tuple(bands)
        self.norms = nn.ModuleList(nn.GroupNorm(1, 2 * width) for width in bands)
        self.fcs = nn.ModuleList(nn.Linear(2 * width, features) for width in bands)

    def numbers(self, spectrogram):
        """The numbers [B, 2w, T] of each band."""
        parts = torch.view_as_real(spectrogram).split(self.bands, 1)
        return [part.transpose(2, 3).flatten(1, 2) for part in parts]

    def forward(self, spectrogram, statistics=None):
        """`statistics` are (mean, variance) of each band in the whole of a longer recording."""
        features = []
        for band, x in enumerate(self.numbers(spectrogram)):
            norm = self.norms[band]
            if statistics is None:
                x = norm(x)
            else:
                mean, variance = statistics[band]
                x = (x - mean) / (variance + norm.eps) ** 0.5
                x = x * norm.weight[:, None] + norm.bias[:, None]
            features.append(self.fcs[band](x.transpose(1, 2)))
        return torch.stack(features, 1)


class MaskDecoder(nn.Module):
    """The enhanced spectrum of Z[B, K, T, N] and X[B, F, T]: per band of w bins
    `GLU(Linear(tanh(Linear(GroupNorm(Z[k])))))`, which are a complex mask of `taps` frames.
    """

    def __init__(self, bands, features, expansions, taps):
        super().__init__()
        self.taps = taps
        self.norms = nn.ModuleList(nn.GroupNorm(1, features) for _ in bands)
        self.fc1 = nn.ModuleList(nn.Linear(features, e * features) for e in expansions)
        self.fc2 = nn.ModuleList(
            nn.Linear(e * features, 4 * taps * width) for width, e in zip(bands, expansions))

    def mask(self, z):
        """The mask [B, F, T, taps]."""
        masks = []
        for band, (norm, fc1, fc2) in enumerate(zip(self.norms, self.fc1, self.fc2)):
            x = norm(z[:, band].transpose(1, 2)).transpose(1, 2)
            x = F.glu(fc2(torch.tanh(fc1(x))), -1)
            x = torch.view_as_complex(x.unflatten(-1, (-1, self.taps, 2)).contiguous())
            masks.append(x.transpose(1, 2))
        return torch.cat(masks, 1)

    def forward(self, z, spectrogram):
        mask, frames = self.mask(z), spectrogram.shape[-1]
        # Frames outside of the utterance are zero.
        padded = F.pad(spectrogram, (self.taps // 2, self.taps // 2))
        return sum(mask[..., j] * padded[..., j : j + frames] for j in range(self.taps))
