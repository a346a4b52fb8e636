#!/usr/bin/env python3
"""Compares two run folders of disttrain; scripts/compare-bits.sh calls it.

    compare-runs.py [--unordered] [--more] OLD NEW

Checkpoints, weights, dumps and all other files have to be equal byte for byte, but for
- what tells how long something took, in history.csv and metrics.jsonl;
- the name and version of the program, in weights, dumps and the event start;
- the folder beside which each run folder lies, at the beginning of paths;
- TensorBoard's files and timelines, which consist of times.
With --unordered (of validations beside training, which end at any time) only the last checkpoint and
the best weights are compared, and the events of each kind in their own order. With --more the new
program may write more than the old: files, metadata, keys of events and of metadata that are
objects, further columns of history.csv, and sizes that follow from these. They are listed behind "new:".

Prints "equal: …" with status 0, or a line for each difference with status 1.
"""

import csv
import json
import pathlib
import struct
import sys

# Columns, and keys of events, that are times or follow from them.
TIMES = {"time", "seconds", "audio_seconds_per_second", "validation_seconds", "data_seconds",
         "busy_seconds", "exposed_exchange_seconds"}
# Fields of the event "waiting" that do not follow from times.
WAITING = {"event", "step", "steps"}
# Differences that are listed.
LINES = 4
# Things that the new program alone writes, if it may: filled by --more.
MORE = None


def common(one, other, where):
    """The new value `other` without keys that only it has, at any depth, if it may have more."""
    if MORE is None or not isinstance(one, dict) or not isinstance(other, dict):
        return other
    MORE.update(f"{where}.{key}" for key in other.keys() - one.keys())
    return {key: common(one.get(key), value, f"{where}.{key}")
            for key, value in other.items() if key in one}


def safetensors(path):
    """Header without metadata, metadata, and the tensors' bytes."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    return header, metadata, data[8 + length:]


def parsed(text):
    """A metadata text as JSON without the program's version, if it is a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, dict):
        value.pop("program", None)
    return value


def tensor_differences(old, new):
    """In what two safetensors files differ, whose bytes are not equal."""
    old_header, old_metadata, old_bytes = safetensors(old)
    new_header, new_metadata, new_bytes = safetensors(new)
    found = []
    for name in sorted(old_header.keys() | new_header.keys()):
        one, other = old_header.get(name), new_header.get(name)
        if one is None or other is None:
            found.append(f"{name} only in the {'new' if one is None else 'old'} one")
            continue
        if (one["dtype"], one["shape"]) != (other["dtype"], other["shape"]):
            found.append(f"{name} has another type or shape")
            continue
        first = old_bytes[slice(*one["data_offsets"])]
        second = new_bytes[slice(*other["data_offsets"])]
        if first != second:
            found.append(f"{name}: {distance(first, second, one['dtype'])}")
    tensors = [name for name in old_header if name in new_header]
    if not found and [n for n in new_header if n in old_header] != tensors:
        found.append("the order of the tensors")
    versions = [metadata.get("program") or dump_program(metadata)
                for metadata in (old_metadata, new_metadata)]
    is_other_version = versions[0] != versions[1]
    for key in sorted(old_metadata.keys() | new_metadata.keys()):
        one, other = old_metadata.get(key), new_metadata.get(key)
        if one is None and MORE is not None:
            MORE.add(key)
        elif one is None or other is None:
            found.append(f"metadata {key} only in the {'new' if one is None else 'old'} one")
        elif is_other_version and (key == "program" or "checksum" in key or "crc32c" in key):
            continue  # The data behind the checksums was compared itself.
        elif MORE is not None and "checksum" in key:
            continue
        elif MORE is not None and parsed(one) == common(parsed(one), parsed(other), key):
            continue
        elif one != other and (not is_other_version or parsed(one) != parsed(other)):
            found.append(f"metadata {key}: {one[:100]} became {other[:100]}")
    if not found and not is_other_version and MORE is None:
        found.append("bytes beside tensors and metadata")
    return found


def dump_program(metadata):
    """The program that wrote a dump; None if this is none."""
    return json.loads(metadata.get("nonfinite", "{}")).get("program")


def distance(first, second, dtype):
    """How far two tensors are apart."""
    if dtype != "F32" or len(first) != len(second):
        return "other bytes"
    count = len(first) // 4
    ones, others = struct.unpack(f"<{count}f", first), struct.unpack(f"<{count}f", second)
    unequal = sum(first[4 * i:4 * i + 4] != second[4 * i:4 * i + 4] for i in range(count))
    furthest = max(abs(a - b) for a, b in zip(ones, others))
    largest = max(abs(a) for a in ones)
    return f"{unequal} of {count} numbers, by up to {furthest:.3g} (largest {largest:.3g})"


def rows(path):
    """The rows of a table without columns of times."""
    with path.open(newline="") as file:
        table = list(csv.reader(file))
    kept = [i for i, name in enumerate(table[0]) if name not in TIMES] if table else []
    return [[row[i] for i in kept if i < len(row)] for row in table]


def events(path):
    """The events of a run without times, version and the place of the run folder."""
    all_events = []
    place = json.dumps(str(path.resolve().parent.parent) + "/")[1:-1]
    for line in path.read_text().replace(place, "").splitlines():
        event = json.loads(line)
        kept = {key: value for key, value in event.items() if key not in TIMES}
        if event.get("event") == "start":
            kept.pop("program", None)
        if event.get("event") == "waiting":
            kept = {key: value for key, value in kept.items() if key in WAITING}
        all_events.append(kept)
    return all_events


def first_difference(old, new, what):
    """A line about the first of two lists' unequal elements; none if they are equal."""
    for index, (one, other) in enumerate(zip(old, new)):
        if isinstance(one, dict) and isinstance(other, dict):
            other = common(one, other, str(one.get("event")))
            if MORE is not None and one.get("event") == "checkpoint":
                one, other = one | {"bytes": 0}, other | {"bytes": 0}
        if one != other:
            return [f"{what} {index + 1}: {one} became {other}"]
    if len(old) != len(new):
        return [f"{len(old)} of {what} became {len(new)}"]
    return []


def columns_of_both(old, new):
    """The new table's rows without the columns behind those of the old one, if it may have more."""
    if MORE is None or not old or not new:
        return new
    count = len(old[0])
    if new[0][:count] != old[0]:
        return new
    MORE.update(f"history.csv.{name}" for name in new[0][count:])
    return [row[:count] for row in new]


def by_kind(all_events):
    """The events of each kind."""
    kinds = {}
    for event in all_events:
        kinds.setdefault(event.get("event"), []).append(event)
    return kinds


def differences(name, old, new, unordered):
    """In what a file of both runs differs."""
    if name == "history.csv":
        one, other = rows(old), rows(new)
        return first_difference(one, columns_of_both(one, other), "rows")
    if name == "metrics.jsonl":
        if not unordered:
            return first_difference(events(old), events(new), "events")
        # How many checkpoints have a validation under way is a matter of time.
        one, other = by_kind(events(old)), by_kind(events(new))
        kinds = (one.keys() | other.keys()) - {"checkpoint"}
        return [line for kind in sorted(kinds)
                for line in first_difference(one.get(kind, []), other.get(kind, []), kind)]
    if old.read_bytes() == new.read_bytes():
        return []
    if name.endswith(".safetensors"):
        return tensor_differences(old, new)
    if MORE is not None and name == "configuration.json":
        one, other = json.loads(old.read_text()), json.loads(new.read_text())
        return [] if one == common(one, other, name) else ["other values"]
    return ["other bytes"]


def files(folder, unordered):
    """Names of the files to compare."""
    names = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name.startswith("tensorboard/"):
            continue
        if unordered and name.startswith("step-"):
            continue
        names.add(name)
    return names


def main():
    """Compares the folders that the arguments name."""
    global MORE
    arguments = sys.argv[1:]
    unordered = "--unordered" in arguments
    if "--more" in arguments:
        MORE = set()
    old, new = (pathlib.Path(name) for name in arguments if not name.startswith("--"))
    found = []
    compared = bytes_compared = checkpoints = 0
    old_names, new_names = files(old, unordered), files(new, unordered)
    for name in sorted(old_names | new_names):
        if name not in old_names and MORE is not None:
            MORE.add(name)
            continue
        if name not in old_names or name not in new_names:
            found.append(f"{name}: only in the {'new' if name not in old_names else 'old'} run")
            continue
        compared += 1
        bytes_compared += (old / name).stat().st_size
        checkpoints += name.startswith("step-") or name == "last.safetensors"
        found += [f"{name}: {line}"
                  for line in differences(name, old / name, new / name, unordered)]
    is_run = any((folder / "configuration.json").exists() for folder in (old, new))
    if is_run and checkpoints == 0 and not found:
        found.append("neither run has a checkpoint")
    if found:
        print("\n".join(found[:LINES]))
        if len(found) > LINES:
            print(f"and {len(found) - LINES} more")
        sys.exit(1)
    more = f"; new: {', '.join(sorted(MORE))}" if MORE else ""
    print(f"equal: {compared} files, {checkpoints} checkpoints, {bytes_compared} bytes{more}")


main()
