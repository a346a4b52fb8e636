#!/usr/bin/env python3
"""Lists the slowest of the tests that the last scripts/test.sh ran one at a time.

    scripts/slowest-tests.py [COUNT]    20 unless told

Reads .build/tests/system*.xml, which swift test writes (--xunit-output). In the files of phases that
run several tests at a time, seconds include the wait for a free core.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

FOLDER = pathlib.Path(__file__).resolve().parent.parent / ".build" / "tests"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    cases = []
    for path in sorted(FOLDER.glob("system*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            seconds = float(case.get("time", "0"))
            cases.append((seconds, f"{case.get('classname')}.{case.get('name')}"))
    if not cases:
        sys.exit(f"{FOLDER}: no results; run scripts/test.sh first")
    cases.sort(reverse=True)
    print(f"{len(cases)} tests, {sum(case[0] for case in cases):.0f} s")
    print("| seconds | test |\n|---|---|")
    for seconds, name in cases[:count]:
        print(f"| {seconds:.1f} | `{name}` |")


main()
