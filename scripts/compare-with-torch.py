#!/usr/bin/env python3
"""Compares the modules of disttrain.torch with the program, and with the reference vectors.

    python3 -m venv torch-python && torch-python/bin/pip install './python[torch]'
    torch-python/bin/python scripts/compare-with-torch.py [.build/release/disttrain]

Run by hand after a change of a model, of a file's format or of the package: torch is too large for
the tests that run on every change. Every preset gets random weights, which Python writes and the
program reads; both enhance the same recordings. Outputs and gradients of the modules are held
against vectors of an implementation that is neither. Prints a line for each comparison, with the
largest difference over the largest value, then runs python/tests; status 1 if a limit is exceeded.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

import numpy
import soundfile
import torch
from safetensors import safe_open

import disttrain.torch as package
from disttrain.configuration import Configuration, Mamba
from disttrain.torch.__main__ import main as command
from disttrain.torch.bands import BandSplit, MaskDecoder
from disttrain.torch.enhancement import inverse, spectrogram
from disttrain.torch.lstm import LSTMBlock
from disttrain.torch.mamba import BiMamba, CrossBandMLP
from disttrain.torch.mamba import Mamba as MambaModule

FIXTURES = ROOT / "Tests/Fixtures"
SAME, OUTPUT, GRADIENT, TRANSFORM = 5e-6, 5e-6, 5e-5, 2e-6
# A front end unlike that of the presets, whose hop is half of its window.
FULL_BAND = {"sample_rate": 48_000, "n_fft": 960, "hop": 480}


class Comparison:
    """The table of comparisons, and whether all are within their limits."""

    def __init__(self):
        self.failed = 0
        self.worst = {}

    def add(self, what, found, expected, limit):
        """Compares arrays of one shape."""
        found, expected = (numpy.asarray(x, numpy.float64) for x in (found, expected))
        if found.shape != expected.shape:
            self.line(what, f"shape {found.shape}, not {expected.shape}", math.inf, limit)
            return
        largest = numpy.abs(expected).max()
        difference = numpy.abs(found - expected).max()
        self.line(what, "", difference / largest if largest else difference, limit)

    def line(self, what, text, value, limit):
        # Not a number is no agreement.
        is_good = value <= limit
        self.failed += not is_good
        if limit == SAME and is_good:
            self.worst["program"] = max(self.worst.get("program", 0), value)
        print(f"{'ok  ' if is_good else 'FAIL'} {value:.1e} (at most {limit:.0e})  {what} {text}",
              flush=True)


def vectors(name):
    with safe_open(FIXTURES / "golden" / f"{name}.safetensors", framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()


def pairs(tensor):
    """A complex tensor of a real one with a last axis of two."""
    return torch.view_as_complex(tensor.contiguous())


def loss(estimate, target):
    def modulus(x):
        # The root's gradient at 0 is 0 here, as the loss defines it.
        square = torch.view_as_real(x).square().sum(-1)
        return torch.where(square > 0, square.clamp(min=1e-45).sqrt(), square)

    compressed = [(modulus(x) + 1e-10) ** 0.3 for x in (estimate, target)]
    return 0.5 * modulus(estimate - target).mean() + 0.5 * (
        compressed[0] - compressed[1]).abs().mean()


def gradients(comparison, name, module, tensors):
    """Compares the gradients of all parameters, and prints the worst."""
    worst, count = 0.0, 0
    for key, parameter in module.named_parameters():
        expected = tensors[f"grad.param.{key}"]
        difference = (parameter.grad - expected).abs().max() / expected.abs().max()
        worst, count = max(worst, float(difference)), count + 1
    comparison.line(f"{name}: gradients of {count} parameters", "", worst, GRADIENT)


def parameters(tensors):
    return {key[len("param.") :]: t for key, t in tensors.items() if key.startswith("param.")}


def whole_models(comparison):
    """The tiny models of every system: outputs, loss and gradients."""
    names = sorted(path.stem for path in (FIXTURES / "golden").glob("e2e_*.safetensors"))
    assert len(names) == 5, names
    for name in names:
        tensors, metadata = vectors(name)
        sizes = json.loads(metadata["config"])
        trunk = {
            "bimamba": {"paths": sizes.get("blocks"), "mamba": sizes.get("mamba")},
            "unimamba": {"mamba": sizes.get("mamba")}, "lstm": {"expand": 2}}
        kind = {"bsrnn": "lstm"}.get(sizes["kind"], sizes["kind"])
        document = {
            "name": name, "title": name, "bands": sizes["bands"], "features": sizes["N"],
            "layers": sizes["layers"], "trunk": {"kind": kind, **trunk[kind]},
            "decoder": {"expansion": sizes["e"], "mask_taps": sizes["taps"]}}
        module = package.model(Configuration.parse(json.dumps(document), name))
        module.load_state_dict(parameters(tensors))
        estimate = module(pairs(tensors["in.X"]))
        comparison.add(
            f"{name}: output", torch.view_as_real(estimate).detach(), tensors["out"], OUTPUT)
        value = loss(estimate, pairs(tensors["in.S"]))
        comparison.add(f"{name}: loss", value.detach(), tensors["loss"], OUTPUT)
        value.backward()
        gradients(comparison, name, module, tensors)


def modules(comparison):
    """The parts, among them sizes that no preset has."""
    def run(name, module, *inputs):
        tensors, _ = vectors(name)
        module.load_state_dict(parameters(tensors))
        output = module(*(
            pairs(tensors[key]) if key == "in.X" else tensors[key] for key in inputs))
        if output.is_complex():
            output = torch.view_as_real(output)
        comparison.add(f"{name}: output", output.detach(), tensors["out"], OUTPUT)
        (output * tensors["in.gout"]).sum().backward()
        gradients(comparison, name, module, tensors)

    for name, features, sizes in (
        ("mamba_n24_s16", 24, Mamba(16, 4, 1)), ("mamba_n24_s16_L2", 24, Mamba(16, 4, 1)),
        ("mamba_n128_s16", 128, Mamba(16, 4, 1)), ("mamba_n24_s12_expand2", 24, Mamba(12, 4, 2)),
    ):
        run(name, MambaModule(features, sizes), "in.x")
    for path in ("intra", "cross"):
        tensors, _ = vectors(f"bimamba_{path}")
        inner, states = tensors["param.fwd.A_log"].shape
        run(f"bimamba_{path}", BiMamba(path, inner, Mamba(states, 4, 1)), "in.x")
    for axis in ("time", "band"):
        features = vectors(f"bsrnn_{axis}")[0]["in.x"].shape[-1]
        run(f"bsrnn_{axis}", LSTMBlock(axis, features, 2 * features), "in.x")
    run("crossmlp", CrossBandMLP(vectors("crossmlp")[0]["in.x"].shape[-1]), "in.x")
    for name in ("bandsplit_tiny", "bandsplit_full30", "bandsplit_full31"):
        state = parameters(vectors(name)[0])
        count = sum(key.startswith("fcs.") and key.endswith(".bias") for key in state)
        bands = [state[f"norms.{k}.bias"].shape[0] // 2 for k in range(count)]
        run(name, BandSplit(bands, state["fcs.0.bias"].shape[0]), "in.X")
    for name, expansions, taps in (
        ("decoder_uniform_tap3", (4, 4, 4), 3), ("decoder_adaptive_tap1", (2, 3, 4), 1),
        ("decoder_e2_tap3", (2, 2, 2), 3),
    ):
        features = vectors(name)[0]["in.Z"].shape[-1]
        run(name, MaskDecoder((2, 3, 8), features, expansions, taps), "in.Z", "in.X")


def transform(comparison):
    tensors, _ = vectors("stft")
    front = package.preset("abl1").front_end
    for key in ("a", "b"):
        signals, arbitrary = tensors[f"in.signal_{key}"], pairs(tensors[f"in.M_{key}"])
        spectra = [spectrogram(signal, front) for signal in signals]
        comparison.add(
            f"stft {key}", torch.view_as_real(torch.cat(spectra)), tensors[f"stft_{key}"],
            TRANSFORM)
        back = [inverse(m[None], front, signals.shape[1]) for m in arbitrary]
        comparison.add(
            f"inverse stft {key}", torch.stack(back), tensors[f"istft_of_M_{key}"], TRANSFORM)


def recordings(folder):
    """Writes recordings: real speech, too short for a spectrum, no whole hops, long."""
    speech, rate = soundfile.read(FIXTURES / "enhance/input.wav", dtype="float32")
    generator = numpy.random.default_rng(1)
    for name, count in (
        ("speech", len(speech)), ("short", 100), ("odd", 11_003), ("long", 400_001),
    ):
        samples = numpy.resize(speech, count)
        samples = samples + 0.01 * generator.standard_normal(count).astype(numpy.float32)
        soundfile.write(folder / f"{name}.wav", samples, rate, subtype="FLOAT")


def with_random_weights(configuration, seed):
    """A module away from its first values: no zero biases, no equal rows."""
    torch.manual_seed(seed)
    module = package.model(configuration).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return module


def program(comparison, binary):
    """The same weights and recordings through both."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        recordings(folder)
        weights = folder / "weights.safetensors"

        def compare(what, file, module, recording, *options, **settings):
            source, target = folder / f"{recording}.wav", folder / "out.wav"
            result = subprocess.run(
                [binary, "enhance", "--weights", file, "--format", "float", *options, source,
                 target], capture_output=True, text=True)
            if result.returncode:
                comparison.line(f"{what}, {recording}:", result.stderr.strip(), math.inf, SAME)
                return
            samples = soundfile.read(source, dtype="float32")[0]
            comparison.add(
                f"{what}, {recording} {' '.join(options)}",
                package.enhance(module, samples, **settings),
                soundfile.read(target, dtype="float32")[0], SAME)

        for seed, preset in enumerate(package.preset_names()):
            module = with_random_weights(package.preset(preset), seed)
            package.save(module, weights)
            for recording in ("speech", "short", "odd"):
                compare(preset, weights, module, recording)

        trained = FIXTURES / "enhance/trained.safetensors"
        module = package.load(trained)
        compare("trained", trained, module, "long", "--segment", "10", segment=10)
        compare("trained", trained, module, "long", "--whole", whole=True)
        subprocess.run(
            [binary, "enhance", "--weights", trained, folder / "speech.wav", folder / "o.wav"],
            check=True, capture_output=True)
        command(["enhance", "--weights", str(trained), str(folder / "speech.wav"),
                 str(folder / "p.wav")])
        both = [
            soundfile.read(folder / f, dtype="int16")[0].astype(int) for f in ("o.wav", "p.wav")]
        comparison.line(
            "trained, 16-bit files: steps", "", int(numpy.abs(both[0] - both[1]).max()), 1)

        # A level matters where the norms' epsilon does.
        quiet = soundfile.read(folder / "speech.wav", dtype="float32")[0] * numpy.float32(1e-3)
        soundfile.write(folder / "quiet.wav", quiet, 16_000, subtype="FLOAT")
        compare("trained", trained, module, "quiet")
        module.level = "utterance"
        package.save(module, weights)
        compare("trained, level of an utterance", weights, module, "quiet")
        compare("trained, level of an utterance", weights, module, "long", "--segment", "10",
                segment=10)

        wide = {**package.preset("abl3").json(), "front_end": FULL_BAND, "bins": 481,
                "bands": [1] + [20] * 24, "features": 16, "layers": 1,
                "decoder": {"expansion": 2, "mask_taps": 3}}
        module = with_random_weights(Configuration.parse(json.dumps(wide), "48 kHz"), 9)
        package.save(module, weights)
        for recording in ("speech", "short", "odd"):
            samples, _ = soundfile.read(folder / f"{recording}.wav", dtype="float32")
            soundfile.write(folder / f"{recording}.wav", samples, 48_000, subtype="FLOAT")
            compare("48 kHz", weights, module, recording)

    expected = soundfile.read(FIXTURES / "enhance/expected.wav", dtype="float32")[0]
    samples = soundfile.read(FIXTURES / "enhance/input.wav", dtype="float32")[0]
    module = package.load(
        FIXTURES / "enhance/weights.safetensors", FIXTURES / "enhance/tiny.json")
    comparison.add(
        "weights of PyTorch, float64", package.enhance(module, samples), expected, OUTPUT)


def past_files(comparison, binary):
    """Checkpoints and best weights of past versions, with and without averaged weights."""
    with tempfile.TemporaryDirectory() as name:
        target = pathlib.Path(name) / "out.wav"
        source = FIXTURES / "enhance/input.wav"
        samples = soundfile.read(source, dtype="float32")[0]
        files = sorted((FIXTURES / "history").glob("*/runs/*/*.safetensors"))
        files = [
            f for f in files if "0.2.0-dev" not in f.parts
            and (f.name.startswith(("best", "step")) or "0.1.0" in f.parts)]
        assert len(files) > 15, files
        for file in files:
            module = package.load(file, note=lambda _: None)
            what = file.relative_to(FIXTURES / "history")
            if module.configuration.front_end.sample_rate != 16_000:
                continue
            subprocess.run(
                [binary, "enhance", "--weights", file, "--format", "float", source, target],
                check=True, capture_output=True)
            comparison.add(
                what, package.enhance(module, samples),
                soundfile.read(target, dtype="float32")[0], SAME)


def main(arguments):
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    binary = pathlib.Path(arguments[0] if arguments else ROOT / ".build/release/disttrain")
    if not binary.exists():
        print(f"compare-with-torch: {binary}: no such program; build it", file=sys.stderr)
        return 2
    # Steps of the scan are too small to share.
    torch.set_num_threads(1)
    comparison = Comparison()
    whole_models(comparison)
    modules(comparison)
    transform(comparison)
    program(comparison, binary)
    past_files(comparison, binary)
    print(f"largest difference from {binary.name}: {comparison.worst['program']:.1e}; "
          f"{comparison.failed} failures")
    suite = unittest.defaultTestLoader.discover(str(ROOT / "python/tests"))
    passed = unittest.TextTestRunner().run(suite).wasSuccessful()
    return 0 if passed and not comparison.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
