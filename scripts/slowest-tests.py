#!/usr/bin/env python3
"""Lists the slowest tests of the last scripts/test.sh.

    scripts/slowest-tests.py [COUNT]    20 unless told

Reads .build/tests/*.xml, which swift test writes (--xunit-output).
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

FOLDER = pathlib.Path(__file__).resolve().parent.parent / ".build" / "tests"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    cases = []
    for path in sorted(FOLDER.glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            seconds = float(case.get("time", "0"))
            cases.append((seconds, f"{case.get('classname')}.{case.get('name')}", path.stem))
    if not cases:
        sys.exit(f"{FOLDER}: no results; run scripts/test.sh first")
    cases.sort(reverse=True)
    print(f"{len(cases)} tests, {sum(case[0] for case in cases):.0f} s")
    print("| seconds | test |\n|---|---|")
    for seconds, name, _ in cases[:count]:
        print(f"| {seconds:.1f} | `{name}` |")


main()
