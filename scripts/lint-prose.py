#!/usr/bin/env python3
"""Finds sentences of comments that begin with What, Who, Of, Those or The same.

    scripts/lint-prose.py FOLDER_OR_FILE...    prints FILE:LINE: SENTENCE for each; status 1 if any
    scripts/lint-prose.py --self-test          checks the lint itself

A sentence that opens with such a word has to be read twice. A noun phrase ("Number of …", "Result
of …") or a verb in the third person ("Returns …", "Waits for …") says at once what a declaration
is. Folders are searched for sources, by the endings in COMMENTS; a folder without any is an error,
so that a misspelt name does not pass. Doc comments and plain ones count, also behind code. Code
fences, indented code, inline code, multi-line string literals and the entries of `- Parameters:`
are not prose and are skipped.
"""

import pathlib
import re
import sys

WORDS = ("What", "Who", "Of", "Those", "The same")
OPENING = re.compile(rf"(?:{'|'.join(WORDS)})\b")
SENTENCE_END = re.compile(r"[.!?][\"”’)\]]*\s+(?=[\"“‘(\[]*[A-Z`])")
# Their ends are not those of sentences.
ABBREVIATIONS = ("e.g.", "i.e.", "cf.", "vs.", "al.", "etc.")
QUOTES = "\"“‘([*_ "
# A line that is a comment, and one with a comment behind code, by the mark that begins comments.
LINES = {
    "//": (re.compile(r"\s*(///?)(?!/) ?(.*)$"), re.compile(r"(.*\S)\s+(///?) (.*)$")),
    "#": (re.compile(r"\s*(#)(?![#!]) ?(.*)$"), re.compile(r"(.*\S)\s+(#) (.*)$")),
}
COMMENTS = {".swift": "//", ".c": "//", ".h": "//", ".js": "//", ".sh": "#", ".sbatch": "#",
            ".py": "#"}
LIST_ITEM = re.compile(r"(\s*)(?:[-*+]|\d+[.)])\s+(.*)$")
PARAMETERS = re.compile(r"Parameters:|Parameter\s+\S+\s*:")
CALLOUT = re.compile(r"(?:Returns|Throws|Note|Important|Warning|Precondition|SeeAlso):\s*")


def comment_blocks(text, mark):
    """Lists of (line number, text) of consecutive comment lines of one kind, `///` or `//`, outside
    of string literals. A comment behind code is a list of its own.
    """
    whole, behind = LINES[mark]
    block, kind, is_literal = [], None, False
    for number, line in enumerate(text.split("\n"), start=1):
        match = None if is_literal else whole.match(line)
        if block and (not match or match.group(1) != kind):
            yield block
            block = []
        if match:
            kind = match.group(1)
            block.append((number, match.group(2)))
            continue
        match = None if is_literal else behind.match(line)
        # Behind an open quote the mark is a part of a text.
        if match and all(match.group(1).count(quote) % 2 == 0 for quote in "\"'"):
            yield [(number, match.group(3))]
        if line.count('"""') % 2 == 1 and not line.lstrip().startswith(mark):
            is_literal = not is_literal
    if block:
        yield block


def paragraphs(block):
    """Lists of (line number, text) that hold prose: paragraphs, headings and list items."""
    paragraph, fence = [], None
    # Indentation of the `- Parameters:` item whose text is skipped, if one is open.
    skipped = None

    for number, line in block:
        stripped = line.strip()
        marker = re.match(r"(`{3,}|~{3,})", stripped)
        if fence:
            if marker and stripped.startswith(fence) and stripped.strip(fence[0]) == "":
                fence = None
            continue
        if marker:
            fence = marker.group(1)
            yield paragraph
            paragraph = []
            continue
        if not stripped:
            yield paragraph
            paragraph = []
            continue
        indent = len(line) - len(line.lstrip())
        item = LIST_ITEM.match(line)
        if skipped is not None and indent > skipped:
            continue
        if item:
            yield paragraph
            paragraph = []
            skipped = indent if PARAMETERS.match(item.group(2)) else None
            if skipped is None:
                paragraph = [(number, CALLOUT.sub("", item.group(2), count=1))]
            continue
        skipped = None
        if not paragraph and indent >= 4:
            continue  # Indented code.
        if stripped.startswith("#"):
            yield paragraph
            yield [(number, stripped.lstrip("# "))]
            paragraph = []
            continue
        paragraph.append((number, stripped))
    yield paragraph


def faults(text, mark):
    """(line number, sentence) of every sentence that opens with one of the words."""
    for block in comment_blocks(text, mark):
        for paragraph in paragraphs(block):
            joined, starts = "", []
            for number, line in paragraph:
                starts.append((len(joined), number))
                joined += line + " "
            # Inline code keeps its length, and holds neither words nor ends of sentences.
            plain = re.sub(r"`+[^`]*`+", lambda code: "`" * len(code.group()), joined)
            sentences = [0] + [
                end.end() for end in SENTENCE_END.finditer(plain)
                if not plain[: end.start() + 1].endswith(ABBREVIATIONS)
            ]
            for start, end in zip(sentences, sentences[1:] + [len(joined)]):
                opening = start + len(plain[start:]) - len(plain[start:].lstrip(QUOTES))
                if start < end and OPENING.match(plain, opening):
                    line = max(number for offset, number in starts if offset <= opening)
                    yield line, joined[start:end].strip()


def source_files(paths):
    for path in map(pathlib.Path, paths):
        if path.is_file():
            yield path
            continue
        found = [
            file for file in (sorted(path.rglob("*")) if path.is_dir() else [])
            if file.is_file() and file.suffix in COMMENTS
        ]
        if not found:
            print(f"lint-prose: {path}: no sources; give a folder with some", file=sys.stderr)
            sys.exit(2)
        yield from found


def lint(paths):
    count = 0
    for path in source_files(paths):
        mark = COMMENTS.get(path.suffix)
        if not mark:
            print(f"lint-prose: {path}: unknown comments; give one of {' '.join(COMMENTS)}",
                  file=sys.stderr)
            return 2
        for line, sentence in faults(path.read_text(encoding="utf-8"), mark):
            count += 1
            shown = sentence if len(sentence) <= 100 else sentence[:99] + "…"
            print(f"{path}:{line}: {shown}")
    if count:
        print(
            f"lint-prose: {count} sentences of comments begin with {', '.join(WORDS[:-1])} or "
            f"{WORDS[-1]}; begin with a noun phrase or a verb in the third person",
            file=sys.stderr)
    return 1 if count else 0


# A text with `//` comments, and the lines on which it has a fault.
CASES = [
    ("/// What a step gives.", [1]),
    ("/// Who waits.", [1]),
    ("  /// Of the scores.", [1]),
    ("/// Those of a kind.", [1]),
    ("/// What's new.", [1]),
    ("/// Whatever comes, Often, Whose, Offset of a sample.\n/// Offset of the first sample.", []),
    ("/// Result of what was asked. Number of those left.", []),
    ("/// The same of it.\n/// The sameness of it. The samples.", [1]),
    ("// What a plain comment says.\nlet x = 1  /// What follows code.", [1, 2]),
    ("let x = 1  // Of code.\nlet y = \"a // What\"\nlet u = \"http://What\"", [1]),
    ("//// What is no comment.\n//What", [2]),
    ("/// Adds\n// What\n/// Of", [2, 3]),
    ("// What\n// follows. Those\nlet x = 1\n  // Who", [1, 2, 4]),
    # Later sentences, with the line on which they begin.
    ("/// Adds a value. What is too large\n/// is cut.", [1]),
    ("/// Adds a value that is\n/// large. Of several the last counts.", [2]),
    ("/// Adds a value.\n/// Those that are too large are cut.", [2]),
    ("/// Asks `f`? Who knows! (Of course.)", [1, 1]),
    ("/// Adds “a value.” Those are cut.", [1]),
    ("/// Values such as a.b. `What` is code. `x.` Of y.", []),
    ("/// Reads `x`. Of two the last counts.", [1]),
    ("/// Sizes, e.g. Of and What, by Gu et al. Of 2023.", []),
    ("/// Version 1.0 Of it.", []),
    ("/// \"What\" is quoted.", [1]),
    ("/// **Of** bold.", [1]),
    # A new paragraph, heading or item opens a sentence even without a full stop before.
    ("/// Adds a value\n///\n/// What follows.", [3]),
    ("/// Adds a value\n/// ## What it does", [2]),
    ("/// Kinds:\n/// - a kind\n/// - Of another\n///   kind. What else", [3, 4]),
    ("/// Kinds\n/// 1. What is first", [2]),
    # Continuation lines do not.
    ("/// The name of\n/// What and\n/// Of", []),
    # Code.
    ("/// Runs\n///\n/// ```\n/// What x\n/// Of y. Who z\n/// ```\n/// Those", [7]),
    ("/// Runs\n/// ```swift\n/// ```not closed\n/// What\n/// ```\n/// x", []),
    ("/// ~~~\n/// ```\n/// What\n/// ~~~\n/// Of x", [5]),
    ("/// Table:\n///\n///     What x\n///     Of y\n///\n/// Who", [6]),
    ("/// The key `a. What` is read, then ``b. Of c``.", []),
    ('let t = """\n  /// What a literal holds.\n  """\n/// Who', [4]),
    ('let t = """a literal""" + x\n/// Who', [2]),
    ('// A comment with """\n/// Who', [2]),
    # Callouts.
    ("/// Adds.\n///\n/// - Parameters:\n///   - a: What. Of\n///     Who. Those\n///   - What: x", []),
    ("/// Adds.\n/// - Parameter a: Of x. Who\n///   What\n/// - Returns: the sum.", []),
    ("/// Adds.\n///\n/// - Parameters:\n///   - a: x\n///\n/// What follows.", [6]),
    ("/// Adds.\n/// - Returns: What is left.\n/// - Throws: Those of `f`.", [2, 3]),
    ("/// - Parameter a: x\n/// - Note: Of use.", [2]),
    # Blocks are apart.
    ("/// Adds a value\nlet a = 1\n/// What", [3]),
    ("/// Adds\n\n/// Of", [3]),
    ("", []),
]
# Texts with `#` comments.
HASH_CASES = [
    ("#!What\n# What\nx=1 # Of x", [2, 3]),
    ("if [ $# -gt 1 ]; then\n  # Who\n  echo \"# What\" '# Of'\nfi", [2]),
    ("## What\n${x# What}\n// What", []),
    ('"""Of\n# What\n"""\n# Those', [4]),
]


def self_test():
    failed = 0
    cases = [(*case, "//") for case in CASES] + [(*case, "#") for case in HASH_CASES]
    for text, expected, mark in cases:
        found = [line for line, _ in faults(text, mark)]
        if found != expected:
            failed += 1
            print(f"lint-prose: lines {found}, not {expected}, in:\n{text}\n", file=sys.stderr)
        # A declaration before and after changes line numbers only.
        found = [line - 2 for line, _ in faults(f"import A\n\n{text}\nlet last = 1\n", mark)]
        if found != expected:
            failed += 1
            print(f"lint-prose: inside a file lines {found}, not {expected}, in:\n{text}\n",
                  file=sys.stderr)
    print(f"lint-prose: {len(cases)} cases, {failed} failures")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    return lint(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
