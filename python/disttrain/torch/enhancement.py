"""Samples to samples: what `disttrain enhance` computes."""

import math

import torch

from ..errors import Error
from ..segments import DEFAULT_SECONDS, Segment, fade, segments


def enhance(module, samples, segment=DEFAULT_SECONDS, whole=False):
    """The enhanced signal of mono samples at the model's rate, as many as there are.

    `samples` are a one-dimensional tensor or NumPy array, and so is the result, float32. As in
    `disttrain enhance`, a recording longer than `segment` seconds (10 to 3600) is enhanced in
    overlapping segments, unless `whole`. Raises `Error` for samples that are empty, of another
    shape or not finite, and for a model that makes a number that is not finite.
    """
    is_tensor = torch.is_tensor(samples)
    parameter = next(module.parameters())
    signal = torch.as_tensor(samples)
    if signal.dim() != 1 or signal.is_complex() or not signal.is_floating_point():
        raise Error(
            f"samples of shape {list(signal.shape)} and type {signal.dtype}: give one channel of "
            "floats, full scale ±1")
    if not signal.numel():
        raise Error("there are no samples to enhance")
    signal = signal.to(parameter.device, torch.float32)
    _require_finite(signal, "sample {} is not a finite number; check what wrote the recording")
    front_end = module.configuration.front_end
    if module.configuration.bins != front_end.bins:
        raise Error(
            f'the model "{module.configuration.name}" takes spectra of {module.configuration.bins} '
            f"bins, but its front end makes {front_end.bins}; its bands must sum to that")
    count = signal.numel()
    parts = [Segment(0, count, 0, count)] if whole else segments(count, front_end, segment)
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            gain = _gain(module, signal)
            enhanced = _joined(module, signal * gain, parts) / gain
    finally:
        module.train(was_training)
    _require_finite(
        enhanced,
        f'the model "{module.configuration.name}" made a number that is not finite at sample {{}}; '
        "its weights are broken: take those of another epoch")
    # An inference tensor could not be used in a computation with gradients.
    enhanced = enhanced.clone()
    return enhanced if is_tensor else enhanced.cpu().numpy()


def _require_finite(signal, text):
    broken = (~torch.isfinite(signal)).nonzero()
    if len(broken):
        raise Error(text.format(int(broken[0])))


def _gain(module, signal):
    """The factor √(L/Σx²) that brings a whole noisy recording to the level of a model that takes an
    RMS of 1; 1 for digital silence, and for other models.
    """
    energy = float(signal.double().square().sum())
    if module.level != "utterance" or not 0 < energy < math.inf:
        return 1.0
    gain = (signal.numel() / energy) ** 0.5
    largest = torch.finfo(torch.float32).max
    return float(torch.tensor(gain, dtype=torch.float32)) if gain <= largest else 1.0


def spectrogram(signal, front_end):
    """The complex spectrum [1, F, T] of samples as the models take it.

    Samples too few for reflected edges are taken with zeros behind them, and so are those that are
    no whole number of hops where hops are longer than a quarter of a window.
    """
    count = signal.numel()
    if count <= front_end.n_fft // 2:
        count = front_end.n_fft
    if 4 * front_end.hop > front_end.n_fft:
        count = -(-count // front_end.hop) * front_end.hop
    signal = torch.nn.functional.pad(signal, (0, count - signal.numel()))
    return torch.stft(
        signal[None], front_end.n_fft, front_end.hop, window=_window(signal, front_end),
        center=True, pad_mode="reflect", return_complex=True)


def inverse(spectrum, front_end, count):
    """The first `count` samples of the signal of a spectrum [1, F, T]."""
    whole = max(count, (spectrum.shape[-1] - 1) * front_end.hop)
    return torch.istft(
        spectrum, front_end.n_fft, front_end.hop, window=_window(spectrum.real, front_end),
        center=True, length=whole)[0, :count]


def _window(like, front_end):
    return torch.hann_window(front_end.n_fft, dtype=like.dtype, device=like.device)


def _joined(module, signal, parts):
    front_end = module.configuration.front_end
    statistics = _statistics(module, signal, parts) if len(parts) > 1 else None
    result = torch.empty_like(signal)
    covered = 0
    for part in parts:
        spectrum = spectrogram(signal[part.start : part.end], front_end)
        output = inverse(module(spectrum, statistics), front_end, part.end - part.start)
        output = output[part.first - part.start : part.last - part.start]
        common = covered - part.first
        if common > 0:
            weight = torch.tensor(fade(common), dtype=output.dtype, device=output.device)
            earlier = result[part.first : covered]
            # Where both agree, the result is theirs to the last bit.
            output[:common] = earlier + weight * (output[:common] - earlier)
        result[part.first : part.last] = output
        covered = part.last
    return result


def _statistics(module, signal, parts):
    """Mean and variance of each band over the recording, each frame from the segment that uses it:
    otherwise a long pause would be normalised to the level of speech, and its noise kept.
    """
    front_end, bands = module.configuration.front_end, module.configuration.bands
    sums, squares, first = [0.0] * len(bands), [0.0] * len(bands), 0
    for part in parts:
        spectrum = spectrogram(signal[part.start : part.end], front_end)
        offset = part.start // front_end.hop
        is_last = part is parts[-1]
        end = offset + spectrum.shape[-1] if is_last else part.last // front_end.hop
        frames = spectrum[..., first - offset : end - offset].to(torch.complex128)
        for band, numbers in enumerate(module.band_split.numbers(frames)):
            sums[band] += float(numbers.sum())
            squares[band] += float(numbers.square().sum())
        first = end
    counts = [2 * width * first for width in bands]
    means = [total / count for total, count in zip(sums, counts)]
    return [
        (mean, max(0.0, square / count - mean * mean))
        for mean, square, count in zip(means, squares, counts)]
