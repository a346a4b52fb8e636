"""Recordings: mono files at the model's rate."""

import pathlib

import numpy
import soundfile

from ..errors import Error, counted
from ..safetensors_file import write_atomically

FORMATS = {"WAV", "WAVEX", "RF64", "FLAC", "AIFF", "AU", "CAF", "W64", "NIST", "OGG"}
ENDINGS = (".wav", ".flac")


def read(path, rate):
    """The samples of a mono file, float32. Raises `Error` for another rate, and other faults."""
    if not pathlib.Path(path).is_file():
        raise Error(f"{path}: no such file")
    try:
        with soundfile.SoundFile(str(path)) as file:
            if file.format not in FORMATS:
                raise Error(f"{path}: is of the format {file.format}; convert it to .wav")
            if file.samplerate != rate:
                raise Error(
                    f"{path}: expected {rate} Hz, found {file.samplerate} Hz; resample first")
            if file.channels != 1:
                raise Error(
                    f"{path}: has {counted(file.channels, 'channel')}; mix it down to mono")
            promised, samples = file.frames, file.read(dtype="float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise Error(f"{path}: cannot be read as audio: {error}") from None
    if not len(samples):
        raise Error(f"{path}: holds no samples")
    if len(samples) < promised:
        raise Error(
            f"{path}: truncated: the header promises {promised} samples, the file holds "
            f"{len(samples)}")
    return samples


def require_format(path, form):
    """The ending of an output. Raises `Error` for one that cannot hold samples of this form."""
    ending = pathlib.Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise Error(f"{path}: the extension must be .wav or .flac")
    if form == "float" and ending == ".flac":
        raise Error(f"{path}: FLAC holds no float samples; use .wav, or --format pcm16")
    return ending


def write(path, samples, rate, form):
    """Writes mono samples as WAV or FLAC, by the extension, of the form "pcm16" (rounded, clamped
    to full scale) or "float" (WAV only). Returns how many were clamped.
    """
    ending = require_format(path, form)
    clamped = 0
    if form == "pcm16":
        scaled = numpy.rint(samples * numpy.float32(32768))
        clamped = int(((scaled > 32767) | (scaled < -32768)).sum())
        samples = scaled.clip(-32768, 32767).astype(numpy.int16)
    subtype = "PCM_16" if form == "pcm16" else "FLOAT"

    def encode(name):
        try:
            soundfile.write(name, samples, rate, subtype=subtype, format=ending[1:].upper())
        except soundfile.SoundFileError as error:
            raise OSError(None, str(error)) from None

    write_atomically(path, encode)
    return clamped


def pairs(source, target):
    """The (input, output) files of two files, of a file and a folder, or of two folders, in which
    every .wav and .flac goes to the same name. Makes the folders. Raises `Error`.
    """
    source, target = pathlib.Path(source), pathlib.Path(target)
    if not source.exists():
        raise Error(f"{source}: no such file or folder")
    if source.is_dir():
        if target.exists() and not target.is_dir():
            raise Error(f"{target}: is a file, but a folder of recordings needs a folder")
        inside = target.resolve()
        found = sorted(
            p for p in source.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file()
            and inside not in p.resolve().parents)
        if not found:
            raise Error(f"{source}: holds no .wav or .flac file, nor does a folder in it")
        result = [(p, target / p.relative_to(source)) for p in found]
    else:
        result = [(source, target / source.name if target.is_dir() else target)]
    inputs = {p.resolve() for p, _ in result}
    for _, output in result:
        if output.resolve() in inputs:
            raise Error(f"{output}: would be overwritten; choose another output")
        if source.is_dir():
            try:
                output.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Error(f"{output.parent}: cannot be made: {error.strerror}") from None
    return result
