"""Modules, files and the command line; needs torch, so scripts/compare-with-torch.py runs it."""

import argparse
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

import numpy
import soundfile
import torch
from safetensors.torch import load_file, save_file

from disttrain import checksums
from disttrain.parameters import parameter_shapes
from disttrain.torch import Error, enhance, load, model, preset, preset_names, save
from disttrain.torch.__main__ import main

FIXTURES = pathlib.Path(__file__).parents[2] / "Tests" / "Fixtures"
TINY = str(FIXTURES / "enhance" / "tiny.json")
TRAINED = FIXTURES / "enhance" / "trained.safetensors"


class TorchTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.path = self.root / "w.safetensors"
        self.notes = []

    def refused(self, action, *texts):
        with self.assertRaises(Error) as caught:
            action()
        for text in texts:
            self.assertIn(text, str(caught.exception))

    def load(self, path=None, preset=None):
        return load(path or self.path, preset, self.notes.append)

    def assert_equal(self, first, second):
        one, two = first.state_dict(), second.state_dict()
        self.assertEqual(list(one), list(two))
        for name in one:
            self.assertTrue(torch.equal(one[name], two[name]), name)

    def command(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(argument) for argument in arguments])
        return status, out.getvalue(), err.getvalue()


class ModelTests(TorchTest):
    def test_names_and_shapes(self):
        for name in preset_names():
            shapes = {n: tuple(t.shape) for n, t in model(name).state_dict().items()}
            self.assertEqual(shapes, parameter_shapes(preset(name)), name)

    def test_first_values(self):
        state = model("abl2").state_dict()
        a = state["layers.0.intra.fwd.A_log"]
        self.assertTrue(torch.allclose(a.exp(), torch.arange(1.0, 17).expand_as(a)))
        steps = torch.nn.functional.softplus(state["layers.3.cross.bwd.dt_proj.bias"])
        self.assertTrue(9e-4 < float(steps.min()) < 3e-3 and 0.04 < float(steps.max()) < 0.1001)
        for name in ("band_split.fcs.3.bias", "decoder.fc2.29.bias"):
            self.assertEqual(float(state[name].abs().max()), 0)
        lstm = model("bsrnn").state_dict()
        recurrent = lstm["band.4.lstm.weight_hh_l0_reverse"]
        self.assertTrue(torch.allclose(recurrent.T @ recurrent, torch.eye(128), atol=1e-5))
        self.assertEqual(float(lstm["time.0.lstm.bias_ih_l0"].abs().max()), 0)

    def test_both_forms_of_a_spectrum(self):
        module = model(TINY)
        spectrum = torch.randn(2, 257, 5, dtype=torch.complex64)
        pairs = torch.stack([spectrum.real, spectrum.imag], 1)
        out = module(spectrum)
        self.assertTrue(torch.equal(module(pairs), torch.stack([out.real, out.imag], 1)))

    def test_gradients_reach_every_parameter(self):
        for name in preset_names():
            module = model(name)
            module(torch.randn(1, 257, 3, dtype=torch.complex64)).abs().sum().backward()
            for key, parameter in module.named_parameters():
                self.assertIsNotNone(parameter.grad, f"{name} {key}")


class FileTests(TorchTest):
    def test_there_and_back(self):
        for name in preset_names():
            module = model(name)
            save(module, self.path, {"origin": "a test"})
            loaded = self.load()
            self.assert_equal(module, loaded)
            self.assertEqual(loaded.configuration, module.configuration)
            self.assertFalse(loaded.training)
            first = self.path.read_bytes()
            save(loaded, self.path, {"origin": "a test"})
            self.assertEqual(self.path.read_bytes(), first)
        self.assertEqual(self.notes, [])

    def test_checksums_in_lanes(self):
        data = numpy.random.default_rng(1).integers(0, 256, 1_500_001, numpy.uint8).tobytes()
        expected = checksums._bytewise(0x1234 ^ 0xFFFFFFFF, data) ^ 0xFFFFFFFF
        self.assertEqual(checksums.crc32c(data, 0x1234), expected)

    def test_large_damage_is_found(self):
        save(model("abl3"), self.path)
        contents = bytearray(self.path.read_bytes())
        contents[-5_000_000] ^= 4
        self.path.write_bytes(contents)
        self.refused(self.load, "checksum of its tensors")

    def test_types(self):
        module = self.load(TRAINED)
        for dtype in (torch.float16, torch.bfloat16, torch.float64):
            save_file({n: t.to(dtype) for n, t in module.state_dict().items()}, self.path)
            loaded = self.load(preset=TINY)
            self.assertIn("become float32", self.notes[-1])
            for name, tensor in loaded.state_dict().items():
                self.assertEqual(tensor.dtype, torch.float32)
                expected = module.state_dict()[name].to(dtype).to(torch.float32)
                self.assertTrue(torch.equal(tensor, expected))
        state = dict(module.state_dict())
        state["decoder.fc1.0.bias"] = torch.zeros(16, dtype=torch.int64)
        save_file(state, self.path)
        self.refused(lambda: self.load(preset=TINY), "no floats: decoder.fc1.0.bias (I64)")

    def test_broken_weights(self):
        module = self.load(TRAINED)
        state = dict(module.state_dict())
        state["decoder.fc1.0.bias"] = torch.full((16,), float("nan"))
        save_file(state, self.path)
        self.refused(lambda: self.load(preset=TINY), "decoder.fc1.0.bias (16 elements)")
        self.refused(lambda: self.load(preset="abl3"), "wrong shape")
        self.refused(self.load, "which model")
        del state["decoder.fc1.0.bias"]
        save_file(state, self.path)
        self.refused(lambda: self.load(preset=TINY), "1 missing: decoder.fc1.0.bias [16]")
        with torch.no_grad():
            module.decoder.fc1[0].bias.fill_(float("inf"))
        self.refused(lambda: save(module, self.path), "not finite")
        module.decoder.fc1[0].bias = torch.nn.Parameter(torch.zeros(3))
        self.refused(lambda: save(module, self.path), "decoder.fc1.0.bias")
        self.refused(lambda: save(model(TINY), self.path, {"format": "x"}), "format")
        self.refused(lambda: save(model(TINY), self.root / "no" / "w"), "No such file")

    def test_averaged_weights_of_a_checkpoint(self):
        own = self.load(TRAINED).state_dict()
        content = dict(own)
        content.update({f"adam.exp_avg.{n}": torch.ones_like(t) for n, t in own.items()})
        content["discriminator.layers.0.weight"] = torch.full((3,), float("nan"))
        save_file(content, self.path)
        self.assert_equal(self.load(preset=TINY), self.load(TRAINED))
        content.update({f"ema.{n}": 2 * t for n, t in own.items()})
        save_file(content, self.path)
        for name, tensor in self.load(preset=TINY).state_dict().items():
            self.assertTrue(torch.equal(tensor, 2 * own[name]))


class EnhanceTests(TorchTest):
    def test_output_has_the_input_s_form(self):
        module = self.load(TRAINED).train()
        samples = 0.1 * torch.randn(3000)
        tensor = enhance(module, samples)
        array = enhance(module, samples.double().numpy())
        self.assertTrue(module.training and not tensor.requires_grad)
        self.assertIsInstance(array, numpy.ndarray)
        self.assertEqual((array.dtype, array.shape), (numpy.float32, (3000,)))
        self.assertTrue(numpy.array_equal(array, tensor.numpy()))
        for count in (1, 2, 255, 256, 257, 511, 512, 513):
            self.assertEqual(len(enhance(module, samples[:count])), count)

    def test_bad_samples(self):
        module = self.load(TRAINED)
        for samples, text in (
            (torch.zeros(0), "no samples"), (torch.zeros(2, 9), "one channel"),
            (torch.zeros(9, dtype=torch.int16), "floats"),
            (torch.tensor([0.0, float("nan")]), "sample 1 is not a finite"),
        ):
            self.refused(lambda: enhance(module, samples), text)
        with torch.no_grad():
            module.decoder.fc1[0].bias.fill_(float("nan"))
        self.refused(lambda: enhance(module, torch.ones(900)), "weights are broken")
        self.refused(lambda: enhance(model(TINY), torch.ones(9), segment=1), "10 to 3600")


class LevelTests(TorchTest):
    def test_level_is_brought_about_and_kept(self):
        module = self.load(TRAINED)
        samples = 1e-4 * torch.randn(3000)
        gain = float((1 / samples.double().square().mean()).sqrt())
        expected = enhance(module, samples * gain) / gain
        module.level = "utterance"
        save(module, self.path)
        loaded = self.load()
        self.assertEqual(loaded.level, "utterance")
        found = enhance(loaded, samples)
        self.assertLess(float((found - expected).abs().max() / expected.abs().max()), 1e-5)
        louder = enhance(loaded, 64 * samples)
        self.assertLess(float((louder / 64 - found).abs().max() / found.abs().max()), 1e-5)
        module.level = "none"
        plain = enhance(module, samples)
        self.assertGreater(float((plain - found).abs().max() / found.abs().max()), 1e-3)
        loaded.level = "utterance"
        for silence in (torch.zeros(900), torch.full((900,), 1e-45)):
            self.assertTrue(bool(torch.isfinite(enhance(loaded, silence)).all()))
        module.level = "loud"
        self.refused(lambda: save(module, self.path), "loud")
        self.refused(lambda: save(self.load(TRAINED), self.path, {"level": "none"}), "level")


class CommandTests(TorchTest):
    def convert(self, content, *arguments):
        torch.save(content, self.root / "f.pth")
        return self.command("convert", self.root / "f.pth", self.path, *arguments)

    def test_wrapped_state_dicts(self):
        state = model("bsrnn").state_dict()
        prefixed = {"module." + n: t for n, t in state.items()}
        for content in (
            state, prefixed, {"model": prefixed, "optimizer": {"lr": 1e-3}, "epoch": 3},
            {"generator": state, "discriminator": {"conv.weight": torch.ones(1)}},
            {"state_dict": {"model." + n: t.half() for n, t in state.items()}},
        ):
            status, out, err = self.convert(content)
            self.assertEqual(status, 0, err)
            self.assertIn('"bsrnn"', out)
            loaded = self.load().state_dict()
            for name in state:
                self.assertTrue(torch.allclose(loaded[name], state[name], rtol=1e-3, atol=1e-6))
        self.assertIn("F16", err)
        self.assertIn("state_dict.model", err)

    def test_legacy_pickles_and_safetensors(self):
        state = model(TINY).state_dict()
        torch.save(state, self.root / "old.pt", _use_new_zipfile_serialization=False)
        save_file({"module." + n: t for n, t in state.items()}, self.root / "f.safetensors")
        for source in ("old.pt", "f.safetensors"):
            status, _, err = self.command(
                "convert", self.root / source, self.path, "--preset", TINY)
            self.assertEqual(status, 0, err)
            for name, tensor in self.load().state_dict().items():
                self.assertTrue(torch.equal(tensor, state[name]))
        status, _, err = self.command("convert", TRAINED, self.path)
        self.assertEqual(status, 0, err)
        self.assert_equal(self.load(), self.load(TRAINED))

    def test_refusals(self):
        state = model("unimamba").state_dict()
        renamed = {n.replace("A_log", "A"): t for n, t in state.items()}
        renamed["layers.0.time.mamba.dt_proj.bias"] = torch.full((128,), 3)
        ones = torch.ones(1)
        cases = [
            (renamed, "unimamba", "layers.0.time.mamba.A_log", "layers.0.time.mamba.A ", "int64"),
            ({"dense_encoder.weight": ones}, "dense_encoder.weight", "fit no preset"),
            ({"a": state, "b": state}, "--key"),
            ({"args": argparse.Namespace(a=1), "model": state}, "--trust", "Namespace"),
            (torch.ones(3), "dictionary"), ({}, "no tensors"),
            ({**state, "cross_mlp.fc.bias": torch.full((128,), float("nan"))}, "not finite"),
        ]
        for content, *texts in cases:
            status, _, err = self.convert(content)
            self.assertEqual(status, 1)
            self.assertEqual(err.count("error: "), 1, err)
            for text in texts:
                self.assertIn(text, err)
            self.assertFalse(self.path.exists())
        status, _, err = self.convert(cases[3][0], "--trust")
        self.assertEqual(status, 0, err)
        self.path.unlink()
        for contents in (b"", b"nothing", b"PK\3\4" + bytes(99), b'{"a": 1}', bytes(200)):
            (self.root / "f.pth").write_bytes(contents)
            status, _, err = self.command("convert", self.root / "f.pth", self.path)
            self.assertEqual((status, err.count("\n")), (1, 1), err)
            self.assertIn("f.pth", err)
        whole = (self.root / "whole.pth", self.root / "half.pth")
        torch.save(state, whole[0])
        whole[1].write_bytes(whole[0].read_bytes()[:100_000])
        status, _, err = self.command("convert", whole[1], self.path)
        self.assertEqual((status, err.count("\n")), (1, 1), err)
        self.assertFalse(self.path.exists())
        self.assertEqual(self.command("convert", self.root / "none", self.path)[0], 1)

    def test_recordings(self):
        folder = self.root / "in" / "deep"
        folder.mkdir(parents=True)
        loud = 0.9 * numpy.sign(numpy.sin(numpy.arange(4000) / 9)).astype(numpy.float32)
        soundfile.write(folder / "a.wav", loud, 16_000)
        soundfile.write(folder / "b.flac", loud, 16_000)
        enhance_command = ("enhance", "--weights", TRAINED)
        out = self.root / "out"
        status, text, err = self.command(*enhance_command, self.root / "in", out)
        self.assertEqual((status, text), (0, "enhanced 2 recordings\n"), err)
        samples, rate = soundfile.read(out / "deep" / "b.flac", dtype="float32")
        self.assertEqual((len(samples), rate), (4000, 16_000))
        noisy = soundfile.read(folder / "b.flac", dtype="float32")[0]
        expected = enhance(self.load(TRAINED), noisy)
        expected = expected.clip(-1, 32767 / 32768)
        self.assertLess(numpy.abs(samples - expected).max(), 0.51 / 32768)
        soundfile.write(folder / "c.wav", loud, 8000)
        soundfile.write(folder / "d.wav", numpy.stack([loud, loud], 1), 16_000)
        (folder / "e.wav").write_bytes(b"RIFF nothing")
        soundfile.write(folder / "f.wav", loud * float("nan"), 16_000, subtype="FLOAT")
        soundfile.write(folder / "g.wav", loud[:0], 16_000)
        status, _, err = self.command(*enhance_command, self.root / "in", self.root / "out2")
        self.assertEqual((status, err.count("error: ")), (1, 5), err)
        for text in ("c.wav: expected 16000 Hz, found 8000", "d.wav: has 2 channels", "e.wav",
                     "f.wav: sample 0 is not a finite", "g.wav: holds no samples"):
            self.assertIn(text, err)
        self.assertEqual(len(list((self.root / "out2" / "deep").iterdir())), 2)
        one = folder / "a.wav"
        for arguments, text in (
            ((one, one), "overwritten"), ((one, self.root / "a.mp3"), ".wav or .flac"),
            (("--format", "float", one, self.root / "a.flac"), "FLAC holds no float"),
            ((self.root / "no.wav", out), "no such file"), ((out / "deep", one), "is a file"),
        ):
            status, _, err = self.command(*enhance_command, *arguments)
            self.assertEqual(status, 1)
            self.assertIn(text, err)


if __name__ == "__main__":
    sys.exit(unittest.main())
