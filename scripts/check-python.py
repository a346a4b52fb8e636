#!/usr/bin/env python3
"""Checks the Python package without torch: needs nothing but Python 3.9.

    scripts/check-python.py              prints every fault; status 1 if there are any
    scripts/check-python.py --self-test  checks that each kind of fault is found

All files compile; presets and version are those of the program; names, shapes and numbers of
parameters are those of the reference vectors, of a model from PyTorch and of docs/presets.md; and
the tests in python/tests/test_files.py pass. scripts/compare-with-torch.py checks everything else.
"""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

# Nothing is left beside the sources.
sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESETS = "Sources/Models/Presets"
GOLDEN = "Tests/Fixtures/golden"


def sources(root):
    """The package's files."""
    return sorted((root / "python").rglob("*.py"))


def syntax(root):
    found = sources(root)
    if len(found) < 15:
        yield f"only {len(found)} files in {root}/python"
    for path in found:
        try:
            compile(path.read_text(encoding="utf-8"), str(path), "exec")
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"


def presets(root):
    """The program's presets and the package's are the same files."""
    theirs, ours = root / PRESETS, root / "python/disttrain/presets"
    names = {path.name for folder in (theirs, ours) for path in folder.iterdir()}
    if len(names) < 6:
        yield f"only {len(names)} presets"
    for name in sorted(names):
        pair = [folder / name for folder in (theirs, ours)]
        missing = [path for path in pair if not path.exists()]
        if missing:
            yield f"{missing[0]}: is missing; copy the other one"
        elif pair[0].read_bytes() != pair[1].read_bytes():
            yield f"{pair[1]}: differs from {pair[0]}; copy that one"


def version(root):
    """One version everywhere; 0.3.0-dev is 0.3.0.dev0 in Python."""
    found = {}
    for file, pattern in (
        ("Sources/Platform/Program.swift", r'version = "([^"]+)"'),
        ("python/disttrain/__init__.py", r'__version__ = "([^"]+)"'),
        ("python/pyproject.toml", r'\nversion = "([^"]+)"'),
    ):
        match = re.search(pattern, (root / file).read_text(encoding="utf-8"))
        found[file] = re.sub(r"-dev$", ".dev0", match.group(1)) if match else "none"
    if len(set(found.values())) != 1:
        yield f"versions differ: {found}"


def shapes_in(path):
    """Shapes by name in the header of a safetensors file, and its metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    metadata = header.pop("__metadata__", {})
    return {name: tuple(entry["shape"]) for name, entry in header.items()}, metadata


def documents(root):
    """Configuration and shapes of the models that others made: JSON object, shapes, name."""
    folder = root / "Tests/Fixtures/enhance"
    shapes, _ = shapes_in(folder / "weights.safetensors")
    yield json.loads((folder / "tiny.json").read_text(encoding="utf-8")), shapes, "tiny.json"
    for path in sorted((root / GOLDEN).glob("e2e_*.safetensors")):
        shapes, metadata = shapes_in(path)
        sizes = json.loads(metadata["config"])
        trunk = {
            "bimamba": {"paths": sizes.get("blocks"), "mamba": sizes.get("mamba")},
            "unimamba": {"mamba": sizes.get("mamba")}, "bsrnn": {"expand": 2},
        }[sizes["kind"]]
        kind = {"bsrnn": "lstm"}.get(sizes["kind"], sizes["kind"])
        document = {
            "name": path.stem, "title": path.stem, "bands": sizes["bands"], "features": sizes["N"],
            "layers": sizes["layers"], "trunk": {"kind": kind, **trunk},
            "decoder": {"expansion": sizes["e"], "mask_taps": sizes["taps"]}}
        own = {n[len("param.") :]: s for n, s in shapes.items() if n.startswith("param.")}
        yield document, own, path.name


def names(root):
    from disttrain.configuration import Configuration, preset, preset_names
    from disttrain.parameters import parameter_shapes

    seen = 0
    for document, shapes, name in documents(root):
        seen += 1
        ours = parameter_shapes(Configuration.parse(json.dumps(document), name))
        odd = sorted({entry[0] for entry in set(ours.items()) ^ set(shapes.items())})
        if odd:
            yield f"{name}: {len(odd)} names or shapes differ: {', '.join(odd[:8])}"
    if seen < 6:
        yield f"only {seen} models to compare names with"
    table = (root / "docs/presets.md").read_text(encoding="utf-8")
    counts = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d,]+) \|", table, re.MULTILINE))
    if set(counts) != set(preset_names()):
        yield f"docs/presets.md has the sizes of {sorted(counts)}, not of {preset_names()}"
    for name in preset_names():
        found = f"{preset(name).parameter_count:,}"
        if counts.get(name, found) != found:
            yield f"{name}: {found} parameters, but docs/presets.md says {counts[name]}"


def tests(root):
    result = subprocess.run(
        [sys.executable, "-B", "-m", "unittest", "-q", "test_files"], cwd=root / "python/tests",
        env={**os.environ, "PYTHONPATH": str(root / "python")}, capture_output=True, text=True)
    ran = re.search(r"Ran (\d+) tests?", result.stderr)
    if result.returncode or not ran or int(ran.group(1)) < 15:
        yield f"python/tests/test_files.py:\n{result.stderr}"


CHECKS = (syntax, presets, version, names, tests)


def check(root):
    """Every fault below `root`; the tests run only on files that are well otherwise."""
    sys.path.insert(0, str(root / "python"))
    faults = []
    for part in CHECKS:
        if part is tests and faults:
            break
        faults += part(root)
    return faults


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"check-python: the self-test is out of date: {path} has no {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def self_test():
    package = "python/disttrain"
    cases = [
        ("syntax", f"{package}/torch/model.py", "class SpeechEnhancer(", "class SpeechEnhancer)"),
        ("a preset", f"{package}/presets/abl3.json", '"mask_taps": 1', '"mask_taps": 3'),
        ("a preset", f"{PRESETS}/abl1.json", "4 x IntraBand", "4 x Intra"),
        ("the version", "python/pyproject.toml", '\nversion = "', '\nversion = "9'),
        ("a name", f"{package}/parameters.py", ".in_proj.weight", ".in_proj.weights"),
        ("a shape", f"{package}/parameters.py", "-(-features // 16)", "features // 16"),
        ("a size", "docs/presets.md", "2,877,704", "2,877,705"),
        ("a test", f"{package}/checksums.py", "0x82F63B78", "0xEDB88320"),
    ]
    failed = 0
    for kind, file, old, new in [("nothing", None, "", ""), *cases]:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for part in ("python", PRESETS, GOLDEN, "Tests/Fixtures/enhance",
                         "Tests/Fixtures/history"):
                shutil.copytree(
                    ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            for part in ("docs/presets.md", "Sources/Platform/Program.swift", __file__):
                target = copy / pathlib.Path(ROOT / part).relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / part, target)
            if file:
                edit(copy / file, old, new)
            result = subprocess.run(
                [sys.executable, copy / "scripts/check-python.py"], capture_output=True, text=True)
            if result.returncode != bool(file) or bool(file) != bool(result.stderr):
                failed += 1
                print(f"check-python: {kind} changed in {file}: status {result.returncode}\n"
                      f"{result.stderr}", file=sys.stderr)
    print(f"check-python: {len(cases) + 1} cases, {failed} failures")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    faults = check(ROOT)
    for fault in faults:
        print(f"check-python: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
