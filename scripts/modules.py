#!/usr/bin/env python3
"""Checks the modules that Package.swift declares, and draws them.

    scripts/modules.py              prints a table of modules; fails if a rule is broken
    scripts/modules.py --draw       writes docs/modules.svg
    scripts/modules.py --self-test  checks the rules themselves

Rules: no module of Sources is longer than 5000 lines; no file imports a module that its target does
not declare, which SwiftPM accepts as soon as another dependency brings it; no module of Sources
declares a Swift module that it does not import; docs/modules.svg is the picture of Package.swift.
"""

import collections
import html
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "modules.svg"
LINES = 5000
CODE = {".swift", ".c", ".h"}
IMPORT = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*(?:(?:public|package|internal|fileprivate|private)[ \t]+)?"
    r"import[ \t]+(?:(?:struct|class|enum|protocol|func|var|let|typealias)[ \t]+)?(\w+)",
    re.MULTILINE)

Target = collections.namedtuple("Target", "name kind folder uses")


def read_manifest():
    """The targets of Package.swift, in its order."""
    package = json.loads(subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True,
        text=True).stdout)
    targets = []
    for target in package["targets"]:
        folder = "Tests" if target["type"] == "test" else "Sources"
        folder = target.get("path") or f"{folder}/{target['name']}"
        uses = [next(iter(dependency.values()))[0] for dependency in target["dependencies"]]
        targets.append(Target(target["name"], target["type"], folder, uses))
    return targets


def read_files(target):
    """Texts of the files of a target, by path."""
    return {str(path.relative_to(ROOT)): path.read_text()
            for path in sorted((ROOT / target.folder).rglob("*")) if path.suffix in CODE}


def wrong_imports(target, files, known):
    """Files that import a module of the package that the target does not declare."""
    problems = []
    for path, text in files.items():
        for match in IMPORT.finditer(text):
            name = match.group(1)
            if name in known and name not in target.uses and name != target.name:
                line = text.count("\n", 0, match.start(1)) + 1
                problems.append(
                    f"{path}:{line}: imports {name}, which the target {target.name} does not use; "
                    "declare it in Package.swift")
    return problems


def unused(target, files, known):
    """Modules that a target declares and that none of its files imports."""
    imported = {name for text in files.values() for name in IMPORT.findall(text)}
    return [f"Package.swift: {target.name} uses {name}, but none of its files imports it"
            for name in target.uses if name in known and name not in imported]


def count_lines(files):
    return sum(text.count("\n") for text in files.values())


def too_long(target, lines):
    if lines <= LINES:
        return []
    return [f"{target.folder}: {lines} lines, more than {LINES}; divide the module"]


# The picture.

ROW, BOX, MARGIN, GAP = 62, 34, 24, 22
STYLE = """
    .page { fill: #fbfbf9; stroke: #d5d5cf }
    .box { fill: #ffffff; stroke: #6b7280; stroke-width: 1.5 }
    .heart { fill: #e3edfb; stroke: #2563a8; stroke-width: 1.5 }
    .line { fill: none; stroke: #8a929e; stroke-width: 1.5 }
    .head { fill: #8a929e }
    text { fill: #1f2328 }
    .small { fill: #59606a; font-size: 11px }
    @media (prefers-color-scheme: dark) {
      .page { fill: #161a20; stroke: #343b45 }
      .box { fill: #1f252d; stroke: #9aa4b0 }
      .heart { fill: #16283f; stroke: #6ea8ea }
      .line { stroke: #7d8794 }
      .head { fill: #7d8794 }
      text { fill: #e8ebef }
      .small { fill: #aab3be }
    }
"""


def reduced(uses):
    """The graph without arrows that longer ways make superfluous."""
    below = {}
    for name in uses:  # dependencies come first in the manifest
        below[name] = set(uses[name]).union(*(below[other] for other in uses[name]))
    return {name: [other for other in others
                   if not any(other in below[third] for third in others if third != other)]
            for name, others in uses.items()}


def layers_of(arrows):
    """Rows of names, the lowest first; an arrow over several rows gets a place in each as a tuple."""
    level = {}
    for name, others in arrows.items():
        level[name] = 1 + max((level[other] for other in others), default=-1)
    rows = [[] for _ in range(max(level.values()) + 1)]
    for name in arrows:
        rows[level[name]].append(name)
    ways = []
    for name, others in arrows.items():
        for other in others:
            way = [name]
            for row in range(level[name] - 1, level[other], -1):
                way.append((name, other, row))
                rows[row].append(way[-1])
            ways.append(way + [other])
    return rows, ways


def arranged(rows, ways, texts):
    """Horizontal places of all names and of the ways of arrows past other rows, with few crossings,
    widths of the boxes, and the width of the picture; `texts` stand in small print below names."""
    neighbours = collections.defaultdict(list)
    for way in ways:
        for one, other in zip(way, way[1:]):
            neighbours[one].append(other)
            neighbours[other].append(one)
    width = {place: 34 if isinstance(place, tuple)
             else max(30 + 9 * len(place), 16 + 7 * len(texts[place]))
             for row in rows for place in row}
    x = {}

    def length(row):
        return sum(width[place] for place in row) + GAP * (len(row) - 1)

    whole = max(length(row) for row in rows) + 2 * MARGIN

    def spread(row):
        left = (whole - length(row)) / 2
        for place in row:
            x[place] = left + width[place] / 2
            left += width[place] + GAP

    def mean(place):
        near = neighbours[place]
        return sum(x[other] for other in near) / len(near) if near else x[place]

    def crossings():
        steps = [(x[one], x[other], row_of[one], row_of[other])
                 for way in ways for one, other in zip(way, way[1:])]
        return sum(1 for i, a in enumerate(steps) for b in steps[:i]
                   if a[2:] == b[2:] and (a[0] - b[0]) * (a[1] - b[1]) < 0)

    row_of = {place: index for index, row in enumerate(rows) for place in row}
    for row in rows:
        spread(row)
    best = (crossings(), dict(x))
    for sweep in range(24):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            row.sort(key=lambda place: (mean(place), str(place)))
            spread(row)
        best = min(best, (crossings(), dict(x)), key=lambda found: found[0])
    return best[1], width, whole


def picture(targets):
    """docs/modules.svg as text."""
    swift = [t for t in targets if t.folder.startswith("Sources/") and t.kind != "system"
             and not t.name.startswith("C") or t.name in ("Charts", "Communication", "Convolution", "Corpora",
                                                          "Commands")]
    names = {t.name for t in swift}
    uses = {t.name: [name for name in t.uses if name in names] for t in swift}
    system = {t.name for t in targets if t.kind == "system"}
    # Without the C of their modules.
    linked = {t.name: ", ".join(name[1:] if name in system else name for name in t.uses
                                if name in system or name == "ArgumentParser") for t in swift}
    arrows = reduced(uses)
    rows, ways = layers_of(arrows)
    x, width, whole = arranged(rows, ways, linked)
    height = 2 * MARGIN + ROW * len(rows) - (ROW - BOX)
    y = {place: height - MARGIN - BOX - ROW * index
         for index, row in enumerate(rows) for place in row}

    parts = []
    for way in ways:
        points = []
        for place in way:
            if place != way[0]:
                points.append((x[place], y[place] - (3 if place == way[-1] else 0)))
            if place != way[-1]:
                points.append((x[place], y[place] + BOX))
        path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
        for index in range(1, len(points)):
            (x0, y0), (x1, y1) = points[index - 1], points[index]
            if x0 == x1:
                path += f" L{x1:.0f} {y1:.0f}"
            else:
                middle = (y0 + y1) / 2
                path += f" C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {y1:.0f}"
        parts.append(f'<path class="line" marker-end="url(#head)" d="{path}"/>')
    for name in arrows:
        kind = "heart" if name == "DistTrain" else "box"
        left, top = x[name] - width[name] / 2, y[name]
        parts.append(f'<rect class="{kind}" x="{left:.0f}" y="{top}" width="{width[name]}" '
                     f'height="{BOX}" rx="6"/>')
        parts.append(f'<text x="{x[name]:.0f}" y="{top + (15 if linked[name] else 22)}">'
                     f'{html.escape(name)}</text>')
        if linked[name]:
            parts.append(f'<text class="small" x="{x[name]:.0f}" y="{top + 28}">'
                         f'{html.escape(linked[name])}</text>')
    body = "\n  ".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {height}" role="img"
  aria-labelledby="title text" text-anchor="middle" font-size="14"
  font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif">
  <!-- Written by scripts/modules.py from Package.swift. -->
  <title id="title">The modules of disttrain</title>
  <desc id="text">Each arrow leads from a module to one that it uses. Arrows that a longer way
    replaces are left out. Small print: libraries that a module links.</desc>
  <style>{STYLE}  </style>
  <defs>
    <marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7"
      orient="auto"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker>
  </defs>
  <rect class="page" x="0.5" y="0.5" width="{whole - 1}" height="{height - 1}" rx="10"/>
  {body}
</svg>
"""


def check():
    targets = read_manifest()
    known = {t.name for t in targets} | {"ArgumentParser"}
    problems, rows, total, tests, folders = [], [], 0, 0, set()
    for target in targets:
        files = read_files(target)
        problems += wrong_imports(target, files, known)
        if not target.folder.startswith("Sources/"):
            tests += count_lines(files)
            continue
        # Two modules may be made from one folder, which counts once.
        folder = (ROOT / target.folder).resolve()
        if target.kind == "system" or folder in folders:
            continue
        folders.add(folder)
        lines = count_lines(files)
        total += lines
        rows.append((target.name, len(files), lines))
        problems += too_long(target, lines)
        if not target.name.startswith(("CP", "Kernels")):
            swift = {t.name for t in targets if t.kind == "regular"}
            problems += unused(target, files, swift)
    print(f"{'module':<15}{'files':>6}{'lines':>7}")
    for name, count, lines in rows:
        print(f"{name:<15}{count:>6}{lines:>7}")
    print(f"{'all':<15}{sum(row[1] for row in rows):>6}{total:>7}   tests {tests}")
    if not PICTURE.exists() or PICTURE.read_text() != picture(targets):
        problems.append("docs/modules.svg is not the picture of Package.swift; run "
                        "scripts/modules.py --draw and commit it")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def self_test():
    target = Target("Middle", "regular", "Sources/Middle", ["Low", "Unused"])
    files = {"Sources/Middle/A.swift":
             "import Foundation\n// import High\n@preconcurrency import Low\n"
             "package import struct High.Thing\n  import Middle\nlet text = \"import High\"\n"}
    known = {"Low", "High", "Middle", "Unused"}
    wrong = wrong_imports(target, files, known)
    assert len(wrong) == 1 and wrong[0].startswith("Sources/Middle/A.swift:4: imports High"), wrong
    assert [text.split(",")[0] for text in unused(target, files, known)] == [
        "Package.swift: Middle uses Unused"]
    assert too_long(target, LINES + 1) and not too_long(target, LINES)
    uses = {"a": [], "b": ["a"], "c": ["b", "a"], "d": ["a", "c"]}
    assert reduced(uses) == {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
    one = [Target("A", "regular", "Sources/A", []), Target("B", "regular", "Sources/B", ["A"])]
    assert picture(one) == picture(one) and picture(one) != picture(one[:1])
    assert read_manifest()[0].name, "Package.swift declares no target"
    print("scripts/modules.py: the rules hold")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments == ["--draw"]:
        PICTURE.write_text(picture(read_manifest()))
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 64
    return check()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
