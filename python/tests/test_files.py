"""Configurations, headers, checksums and the choice of tensors: needs nothing but Python."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

from disttrain import Error, checksums
from disttrain.configuration import Configuration, FrontEnd, preset, preset_names
from disttrain.parameters import parameter_shapes
from disttrain.safetensors_file import SafetensorsFile, serialized, write_atomically
from disttrain.segments import fade, segments
from disttrain.unwrapping import configuration_of, unwrapped
from disttrain.weights import WeightFile

FIXTURES = pathlib.Path(__file__).parents[2] / "Tests" / "Fixtures"
TINY = {
    "name": "tiny", "title": "Tiny", "bands": [2, "3x2"], "features": 4, "layers": 1,
    "trunk": {"kind": "bimamba", "paths": ["intra", "cross"],
              "mamba": {"d_state": 2, "d_conv": 2, "expand": 1}},
    "decoder": {"expansion": [1, 2, 1], "mask_taps": 1},
}


def tiny(**changes):
    return Configuration.parse(json.dumps({**TINY, **changes}), "tiny.json")


def packed(tensors, metadata=None):
    """The bytes of a file of {name: (type, shape, bytes)}, without checksums."""
    members, offset = {"__metadata__": metadata or {}}, 0
    for name, (dtype, shape, data) in tensors.items():
        members[name] = {
            "dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(members).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(d for _, _, d in tensors.values())


def zeros(shapes, dtype="F32", size=4):
    result = {}
    for name, shape in shapes.items():
        count = size
        for extent in shape:
            count *= extent
        result[name] = (dtype, shape, bytes(count))
    return result


class FileTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "w.safetensors"

    def refused(self, action, *texts):
        with self.assertRaises(Error) as caught:
            action()
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for text in texts:
            self.assertIn(text, message)

    def write(self, contents):
        self.path.write_bytes(contents)
        return self.path

    def chosen(self, tensors, configuration=None, metadata=None):
        file = WeightFile(self.write(packed(tensors, metadata)))
        names = file.chosen(file.model(configuration))
        return names, file.notes(names)


class ConfigurationTests(FileTest):
    def test_presets_survive_their_text(self):
        self.assertGreater(len(preset_names()), 5)
        for name in preset_names():
            self.assertEqual(Configuration.parse(preset(name).text(), name), preset(name))

    def test_every_deviation_is_named(self):
        mamba, decoder = TINY["trunk"]["mamba"], TINY["decoder"]
        cases = [
            ({"feature": 4}, "feature"), ({"features": True}, "features", "integer"),
            ({"features": 4.0}, "features"), ({"features": 0}, "between"),
            ({"features": "4"}, "integer"), ({"name": "a/b"}, "name"), ({"name": ".a"}, "name"),
            ({"title": ""}, "title"), ({"bands": []}, "empty"), ({"bands": ["3x"]}, "3x10"),
            ({"bands": ["3x0", 8]}, "positive"), ({"bands": ["1x9999"]}, "longer"),
            ({"bins": 9}, "bands"), ({"layers": None}, "layers"),
            ({"trunk": {"kind": "semamba"}}, "trunk.kind", "bimamba"),
            ({"trunk": {**TINY["trunk"], "paths": ["intra", "intra"]}}, "trunk.paths"),
            ({"trunk": {**TINY["trunk"], "mamba": {**mamba, "d_state": 0}}}, "trunk.mamba.d_state"),
            ({"trunk": {**TINY["trunk"], "mamba": {"d_state": 2}}}, "trunk.mamba", "missing"),
            ({"decoder": {**decoder, "mask_taps": 2}}, "odd"),
            ({"decoder": {**decoder, "expansion": [1, 2]}}, "decoder.expansion", "3 bands"),
            ({"front_end": {"n_fft": 16, "hop": 9}}, "hop"), ({"front_end": {}}, "257"),
            ({"published": {"parameters": 1}}, "pesq"),
            ({"features": 8192, "layers": 256}, "smaller"),
        ]
        for changes, *texts in cases:
            with self.subTest(changes=changes):
                self.refused(lambda: tiny(**changes), "tiny.json", *texts)
        for text in ('{"name": 1, "name": 2}', "{", "[]", '{"layers": NaN}', "[" * 100_000):
            with self.subTest(text=text[:20]):
                self.refused(lambda: Configuration.parse(text, "tiny.json"), "tiny.json")
        self.refused(lambda: preset("abl9"), "abl9", "abl1")

    def test_bands_of_a_front_end(self):
        front = tiny(front_end={"n_fft": 16, "hop": 4}, bands=[3, "3x2"])
        self.assertEqual(front.front_end, FrontEnd(16_000, 16, 4))
        self.assertEqual(Configuration.parse(front.text(), "x"), front)


class ChecksumTests(FileTest):
    def test_known_value(self):
        self.assertEqual(checksums.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(checksums.crc32c(b"6789", checksums.crc32c(b"12345")), 0xE3069283)
        self.assertEqual(checksums.crc32c(b""), 0)

    def test_zeros_matrix(self):
        for count in (0, 1, 2, 63, 64, 1000):
            matrix = checksums._zeros(count)
            for register in (1, 0x80000000, 0xDEADBEEF):
                self.assertEqual(
                    checksums._applied(matrix, register),
                    checksums._bytewise(register, bytes(count)))

    def test_files_of_the_program(self):
        """Names, shapes and checksums of every file of weights that past versions wrote."""
        weights = [
            p for p in (FIXTURES / "history").rglob("*.safetensors")
            if p.parent.name not in ("packs", "nonfinite") and p.name.startswith(
                ("best", "step", "last"))]
        self.assertGreater(len(weights), 30)
        averaged = 0
        for path in weights:
            file = WeightFile(path)
            names = file.chosen(file.model())
            self.assertEqual(file.is_checkpoint, not path.name.startswith("best"), path)
            prefix = "ema." if file.has_average else ""
            self.assertEqual(names, {n: prefix + n for n in parameter_shapes(file.model())})
            self.assertEqual(len(file.notes(names)), int(file.is_checkpoint))
            averaged += file.has_average
        self.assertGreater(averaged, 3)

    def test_every_damage_is_found(self):
        configuration = tiny()
        tensors = {
            n: (s, d) for n, (_, s, d) in zeros(parameter_shapes(configuration)).items()}
        contents = serialized(tensors, {"configuration": configuration.text(), "note": "ü"})
        file = WeightFile(self.write(contents))
        self.assertEqual(file.file.metadata["note"], "ü")
        self.assertIn("checksum.weights", file.file.metadata)
        file.chosen(file.model())
        end = 8 + struct.unpack("<Q", contents[:8])[0]
        text = contents[8:end].rstrip(b" ")
        for index in [*range(0, 8 + len(text), 7), *range(end, len(contents), 97)]:
            damaged = bytearray(contents)
            damaged[index] ^= 1 << index % 8
            self.refused(lambda: WeightFile(self.write(bytes(damaged))), str(self.path))
        for length in [0, 1, 7, 8, 9, end - 1, end, end + 4, len(contents) - 1]:
            self.refused(lambda: WeightFile(self.write(contents[:length])), str(self.path))
        self.refused(lambda: WeightFile(self.write(contents + b"\0")), "belong to no tensor")

    def test_writing_is_all_or_nothing(self):
        self.write(b"before")

        def fail(name):
            pathlib.Path(name).write_bytes(b"half")
            raise OSError(28, "No space left on device")

        self.refused(lambda: write_atomically(self.path, fail), "No space left")
        self.assertEqual(self.path.read_bytes(), b"before")
        self.assertEqual(len(list(self.path.parent.iterdir())), 1)


class WeightFileTests(FileTest):
    def test_other_files_are_named(self):
        cases = [
            (b"", "truncated"), (b"PK\3\4" + bytes(80), "convert"),
            (b"\x80\2" + bytes(80), "convert"),
            (b'{"a": 1}' * 9, "JSON"), (b"RIFF" + b"\xff" * 80, "WAV"),
            (b"version https://git-lfs.github.com/spec/v1\n" + b"x" * 50, "Git LFS"),
            (struct.pack("<Q", 2) + b"[]", "no JSON object"),
            (struct.pack("<Q", 4) + b"nope", "not JSON"),
        ]
        for contents, text in cases:
            with self.subTest(text=text):
                self.refused(lambda: WeightFile(self.write(contents)), str(self.path), text)
        self.refused(lambda: WeightFile(self.path.parent), "is a folder", self.path.name)
        self.refused(lambda: WeightFile(self.path.parent / "none"), "No such file")

    def test_malformed_entries(self):
        good = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
        for change in (
            {"dtype": "F31"}, {"dtype": []}, {"shape": [-1]}, {"shape": ["1"]}, {"shape": 1},
            {"shape": [True]}, {"shape": [2]}, {"data_offsets": [0]}, {"data_offsets": [4, 0]},
            {"data_offsets": [4, 8]},
        ):
            with self.subTest(change=change):
                text = json.dumps({"a": {**good, **change}}).encode()
                contents = struct.pack("<Q", len(text)) + text + bytes(4)
                self.refused(lambda: SafetensorsFile(self.write(contents)), '"a"')

    def test_the_model_has_to_be_known(self):
        tensors = zeros(parameter_shapes(tiny()))
        self.refused(lambda: self.chosen(tensors), "which model")
        names, notes = self.chosen(tensors, tiny())
        self.assertEqual((set(names), notes), (set(tensors), []))
        metadata = {"configuration": tiny().text()}
        self.chosen(tensors, tiny(name="other", title="Other"), metadata)
        self.refused(
            lambda: self.chosen(tensors, tiny(features=8), metadata), 'for the model "tiny"')
        self.refused(lambda: self.chosen(tensors, None, {"configuration": "{}"}), "is missing")
        self.refused(lambda: self.chosen(tensors, tiny(), {"level": "peak"}), '"peak"', "utterance")

    def test_faults_are_listed(self):
        tensors = zeros(parameter_shapes(tiny()))
        del tensors["layers.0.cross.fwd.D"]
        tensors["decoder.fc1.0.bias"] = ("F32", (2, 2), bytes(16))
        tensors["decoder.fc1.1.bias"] = ("I64", (8,), bytes(64))
        tensors["extra.weight"] = ("F32", (1,), bytes(4))
        self.refused(
            lambda: self.chosen(tensors, tiny()), "1 missing: layers.0.cross.fwd.D [4]",
            "1 unexpected: extra.weight [1]",
            "1 of the wrong shape: decoder.fc1.0.bias [2, 2] instead of [4]",
            "1 no floats: decoder.fc1.1.bias (I64)")
        prefixed = zeros({"module." + n: s for n, s in parameter_shapes(tiny()).items()})
        self.refused(lambda: self.chosen(prefixed, tiny()), 'begin with "module."', "convert")
        semamba = zeros({"dense_encoder.dense_conv_1.0.weight": (4, 2, 1, 1)})
        self.refused(lambda: self.chosen(semamba, tiny()), "missing", "dense_encoder")

    def test_other_types_become_float32(self):
        for dtype, size in (("F16", 2), ("BF16", 2), ("F64", 8)):
            _, notes = self.chosen(zeros(parameter_shapes(tiny()), dtype, size), tiny())
            self.assertEqual(len(notes), 1)
            self.assertIn(dtype, notes[0])

    def test_checkpoints(self):
        shapes = parameter_shapes(tiny())
        tensors = zeros(shapes)
        tensors.update(zeros({f"adam.exp_avg.{n}": s for n, s in shapes.items()}))
        tensors.update(zeros({
            "discriminator.layers.0.weight": (1,), "frozen.decoder.fc1.0.bias": (4,),
            "later": (2,)}))
        names, notes = self.chosen(tensors, tiny())
        self.assertEqual(names, {n: n for n in shapes})
        self.assertIn("checkpoint: the weights", notes[0])
        tensors["layers.0.intra.fwd.E"] = ("F32", (1,), bytes(4))
        self.refused(lambda: self.chosen(tensors, tiny()), "unexpected: layers.0.intra.fwd.E")
        del tensors["layers.0.intra.fwd.E"]
        tensors.update(zeros({f"ema.{n}": s for n, s in shapes.items()}))
        names, notes = self.chosen(tensors, tiny())
        self.assertEqual(names, {n: f"ema.{n}" for n in shapes})
        self.assertIn("averaged weights", notes[0])
        del tensors["ema.layers.0.cross.fwd.D"]
        self.refused(lambda: self.chosen(tensors, tiny()), "missing: layers.0.cross.fwd.D")


class Shaped:
    """A stand-in for a tensor."""

    def __init__(self, *shape):
        self.shape = shape


class UnwrappingTests(FileTest):
    own = {name: Shaped(*shape) for name, shape in parameter_shapes(tiny()).items()}

    def test_wrapped_models_are_found(self):
        for wrap in (
            lambda d: d, lambda d: {"model": d, "epoch": 3}, lambda d: {"a": {"state_dict": d}},
            lambda d: {"module." + n: t for n, t in d.items()},
            lambda d: {"state_dict": {
                "net._orig_mod." + n: t for n, t in d.items()} | {"loss.weight": Shaped(3)}},
        ):
            tensors, notes = unwrapped(wrap(self.own), "f.pth")
            self.assertEqual(tensors, self.own)
            self.assertLess(len(notes), 3)
        self.assertIn("loss.weight", notes[1])

    def test_several_models_need_a_key(self):
        content = {"generator": self.own, "ema": {"module." + n: t for n, t in self.own.items()}}
        self.refused(lambda: unwrapped(content, "f.pth"), "ema.module, generator", "--key")
        self.assertEqual(unwrapped(content, "f.pth", "ema.module")[0], self.own)
        self.refused(lambda: unwrapped(content, "f.pth", "best"), '"best"')

    def test_others_are_refused(self):
        for content, *texts in (
            ([1], "dictionary"), ({}, "no tensors"), ({"model": {"conv.weight": Shaped(1)}},
                                                      'under "model"', "conv.weight"),
            ({"lstm_t1.weight_ih_l0": Shaped(1)}, "rename-bsrnn-weights.py"),
        ):
            self.refused(lambda: unwrapped(content, "f.pth"), "f.pth", *texts)

    def test_names_and_shapes_decide(self):
        presets = [tiny(), tiny(name="narrow", features=2)]
        types = {name: "F32" for name in self.own}
        self.assertEqual(configuration_of(self.own, types, presets, "f"), presets[0])
        other = {**self.own, "odd": Shaped(1)}
        self.refused(
            lambda: configuration_of(other, {**types, "odd": "F32"}, presets, "f"),
            '"tiny"', "unexpected: odd")
        self.refused(lambda: configuration_of({"n": 3}, {}, presets, "f"), "no tensors: n")
        named = [preset(name) for name in preset_names()]
        for configuration in named:
            shaped = {n: Shaped(*s) for n, s in parameter_shapes(configuration).items()}
            found = configuration_of(shaped, dict.fromkeys(shaped, "F32"), named, "f")
            self.assertEqual(found.name, configuration.name)


class SegmentTests(FileTest):
    def test_segments_cover_the_recording(self):
        front = FrontEnd()
        self.assertEqual(segments(160_000, front, 10), [(0, 160_000, 0, 160_000)])
        for count in (160_001, 160_127, 200_000, 400_003, 3_000_000):
            cut = segments(count, front, 10)
            self.assertGreater(len(cut), 1)
            self.assertEqual((cut[0].first, cut[-1].last), (0, count))
            for one, two in zip(cut, cut[1:]):
                self.assertEqual(one.last - two.first, 12_032)
                self.assertTrue(one.start <= one.first < one.last <= one.end)
                self.assertGreaterEqual(one.end - one.last, 3 * 12_032)
            for segment in cut:
                self.assertEqual(segment.start % front.hop, 0)
                self.assertLess(segment.end - segment.start, 160_000 + front.hop)
        self.refused(lambda: segments(10, front, 5), "10 to 3600")
        self.assertAlmostEqual(sum(fade(8)), 4)


class InstalledTests(unittest.TestCase):
    def test_missing_packages_are_named(self):
        def message(*arguments):
            # Without site-packages there is no torch, whatever is installed.
            result = subprocess.run(
                [sys.executable, "-B", "-S", *arguments], capture_output=True, text=True,
                env={"PYTHONPATH": str(pathlib.Path(__file__).parents[1])})
            self.assertEqual(result.returncode, 1)
            return result.stderr.strip().split("\n")

        sentence = (
            "disttrain.torch needs torch and safetensors; in the root of the repository, "
            "pip install './python[torch]' installs all that it needs")
        self.assertEqual(
            message("-c", "import disttrain.torch")[-1], f"ModuleNotFoundError: {sentence}")
        self.assertEqual(
            message("-m", "disttrain.torch", "convert", "a", "b"), [f"error: {sentence}"])


if __name__ == "__main__":
    unittest.main()
