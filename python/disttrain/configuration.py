"""Configurations of models: presets, JSON files, and the metadata of weights."""

import json
import math
import pathlib
from dataclasses import dataclass
from typing import Optional, Tuple

from .errors import Error, listed
from .reader import Reader, parse_json

PRESET_FOLDER = pathlib.Path(__file__).parent / "presets"
AXES = ("intra", "cross")
PARAMETER_LIMIT = 1 << 31


@dataclass(frozen=True)
class Mamba:
    """The sizes of a Mamba besides its width N: states, taps of the convolution, expansion."""

    d_state: int
    d_conv: int
    expand: int

    @classmethod
    def read(cls, reader):
        reader.allow("d_state", "d_conv", "expand")
        return cls(
            reader.integer("d_state", 1, 256), reader.integer("d_conv", 1, 64),
            reader.integer("expand", 1, 16))

    def json(self):
        return {"d_state": self.d_state, "d_conv": self.d_conv, "expand": self.expand}


@dataclass(frozen=True)
class BiMambaTrunk:
    """Layers of bidirectional Mamba blocks, one for each of `paths`."""

    paths: Tuple[str, ...]
    mamba: Mamba
    kind = "bimamba"

    @classmethod
    def read(cls, reader):
        reader.allow("kind", "paths", "mamba")
        paths = reader.list("paths")
        if not paths or any(path not in AXES for path in paths) or len(set(paths)) != len(paths):
            raise reader.impossible(
                "paths", 'must be a list of different paths out of "intra", "cross"')
        return cls(tuple(paths), Mamba.read(reader.object("mamba")))

    def json(self):
        return {"kind": self.kind, "paths": list(self.paths), "mamba": self.mamba.json()}


@dataclass(frozen=True)
class UniMambaTrunk:
    """Layers of Mambas forward in time, and an MLP behind them."""

    mamba: Mamba
    kind = "unimamba"

    @classmethod
    def read(cls, reader):
        reader.allow("kind", "mamba")
        return cls(Mamba.read(reader.object("mamba")))

    def json(self):
        return {"kind": self.kind, "mamba": self.mamba.json()}


@dataclass(frozen=True)
class LSTMTrunk:
    """Layers of LSTMs over time, then of bidirectional ones over bands, with `expand`·N units."""

    expand: int
    kind = "lstm"

    @classmethod
    def read(cls, reader):
        reader.allow("kind", "expand")
        return cls(reader.integer("expand", 1, 16))

    def json(self):
        return {"kind": self.kind, "expand": self.expand}


TRUNKS = {trunk.kind: trunk for trunk in (BiMambaTrunk, LSTMTrunk, UniMambaTrunk)}


@dataclass(frozen=True)
class FrontEnd:
    """Sample rate in hertz, and window and hop of the spectra in samples."""

    sample_rate: int = 16_000
    n_fft: int = 512
    hop: int = 128

    @classmethod
    def read(cls, reader):
        reader.allow("sample_rate", "n_fft", "hop")
        front = cls(
            reader.integer("sample_rate", 8000, 48_000, default=cls.sample_rate),
            reader.integer("n_fft", 16, 8192, default=cls.n_fft),
            reader.integer("hop", 1, 4096, default=cls.hop))
        if front.n_fft % 2:
            raise reader.impossible("n_fft", "must be even")
        if front.hop > front.n_fft // 2:
            raise reader.impossible(
                "hop" if "hop" in reader else "n_fft",
                f"must leave a hop of at most half a window, and the hop is {front.hop}")
        return front

    @property
    def bins(self):
        """Number of one-sided bins of a frame."""
        return self.n_fft // 2 + 1

    def json(self):
        return {"sample_rate": self.sample_rate, "n_fft": self.n_fft, "hop": self.hop}


@dataclass(frozen=True)
class Configuration:
    """The complete description of a model; `bands` and `expansions` have one number per band."""

    name: str
    title: str
    summary: str
    published: Optional[Tuple[int, str]]
    front_end: FrontEnd
    bands: Tuple[int, ...]
    features: int
    layers: int
    trunk: object
    expansions: Tuple[int, ...]
    mask_taps: int

    @property
    def bins(self):
        """Number of frequency bins, F."""
        return sum(self.bands)

    @property
    def architecture(self):
        """Everything that decides whether weights fit, without names and texts."""
        return (
            self.front_end, self.bands, self.features, self.layers, self.trunk, self.expansions,
            self.mask_taps)

    @classmethod
    def parse(cls, text, file):
        """The configuration in JSON text that errors call `file`. Raises `Error`."""
        return cls.read(Reader(parse_json(text, file), file))

    @classmethod
    def read(cls, reader):
        """The configuration in a JSON object. Raises `Error` for any deviation."""
        reader.allow(
            "name", "title", "summary", "published", "front_end", "bins", "bands", "features",
            "layers", "trunk", "decoder")
        name = reader.text("name")
        plain = all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
        if not plain or name.startswith("."):
            raise reader.impossible(
                "name", 'must be of letters, digits, "-", "_" and ".", and not begin with "."')
        bands = reader.repeated("bands", 1, 65_536)
        if "bins" in reader and reader.integer("bins", 1, 65_537) != sum(bands):
            raise reader.impossible("bands", f'must sum to "bins", not {sum(bands)}')
        front_end = FrontEnd()
        if "front_end" in reader:
            front_end = FrontEnd.read(reader.object("front_end"))
            if sum(bands) != front_end.bins:
                raise reader.impossible(
                    "bands", f"must sum to the {front_end.bins} bins of \"front_end\"")
        published = None
        if "published" in reader:
            figures = reader.object("published")
            figures.allow("parameters", "pesq")
            published = (figures.integer("parameters", 1, 2**63 - 1), figures.text("pesq"))
        trunk = reader.object("trunk")
        kind = trunk.text("kind")
        if kind not in TRUNKS:
            raise trunk.impossible(
                "kind", f"this version of the package knows {listed(sorted(TRUNKS))}")
        decoder = reader.object("decoder")
        decoder.allow("expansion", "mask_taps")
        if decoder.is_integer("expansion"):
            expansions = (decoder.integer("expansion", 1, 64),) * len(bands)
        else:
            expansions = decoder.repeated("expansion", 1, 64)
        if len(expansions) != len(bands):
            raise decoder.impossible(
                "expansion", f"must be one number or one for each of {len(bands)} bands")
        taps = decoder.integer("mask_taps", 1, 63)
        if taps % 2 == 0:
            raise decoder.impossible(
                "mask_taps", "must be odd, so that the mask has a middle frame")
        configuration = cls(
            name, reader.text("title"), reader.text("summary") if "summary" in reader else "",
            published, front_end, bands, reader.integer("features", 1, 8192),
            reader.integer("layers", 1, 256), TRUNKS[kind].read(trunk), expansions, taps)
        count = configuration.parameter_count
        if count > PARAMETER_LIMIT:
            raise Error(f"{reader.file}: the model has {count} parameters; make it smaller")
        return configuration

    def json(self):
        """The object of the configuration, complete and with repeats expanded."""
        same = len(set(self.expansions)) == 1
        document = {
            "name": self.name, "title": self.title, "bins": self.bins, "bands": list(self.bands),
            "features": self.features, "layers": self.layers, "trunk": self.trunk.json(),
            "decoder": {
                "expansion": self.expansions[0] if same else list(self.expansions),
                "mask_taps": self.mask_taps},
        }
        if self.summary:
            document["summary"] = self.summary
        if self.front_end != FrontEnd():
            document["front_end"] = self.front_end.json()
        if self.published:
            document["published"] = {"parameters": self.published[0], "pesq": self.published[1]}
        return document

    def text(self):
        """The configuration as JSON text, equal for equal configurations."""
        return json.dumps(self.json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def parameter_count(self):
        """Number of trainable values."""
        from .parameters import parameter_shapes

        return sum(math.prod(shape) for shape in parameter_shapes(self).values())


def preset_names():
    """The names of the presets, in order."""
    return sorted(path.stem for path in PRESET_FOLDER.glob("*.json"))


def preset(name_or_path):
    """The preset of a name, or the configuration in the JSON file of a path. Raises `Error`."""
    known = preset_names()
    path = PRESET_FOLDER / f"{name_or_path}.json" if name_or_path in known else name_or_path
    path = pathlib.Path(path)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Error(
            f"{name_or_path}: no preset or file of this name; the presets are {listed(known)}"
        ) from None
    except OSError as error:
        raise Error(f"{path}: cannot be read: {error.strerror}") from None
    return Configuration.parse(text, str(path))
