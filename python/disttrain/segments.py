"""How a long recording is cut into overlapping segments, as `disttrain enhance` cuts it."""

import math
from collections import namedtuple

from .errors import Error

# Ranges of samples: `start` to `end` go through the model, `first` to `last` of its output are
# used.
Segment = namedtuple("Segment", "start end first last")
LIMITS = (10.0, 3600.0)
DEFAULT_SECONDS = 60.0


def _rounded(value):
    return math.floor(value + 0.5)


def segments(count, front_end, seconds=DEFAULT_SECONDS):
    """The segments, of at most `seconds`, of a recording of `count` samples.

    The overlap of neighbours is 0.75 s in which the later one warms up, a cross-fade as long, and
    at least three times that for the earlier one's backward states.
    """
    if not LIMITS[0] <= seconds <= LIMITS[1]:
        raise Error(f"segments of {seconds} s: give {LIMITS[0]:g} to {LIMITS[1]:g} seconds")
    hop = front_end.hop
    longest = int(seconds * front_end.sample_rate) // hop * hop
    if count <= longest:
        return [Segment(0, count, 0, count)]
    lead = (_rounded(0.75 * front_end.sample_rate) + hop // 2) // hop * hop
    overlap = 5 * lead
    advance = count - overlap
    number = -(-advance // (longest - overlap))
    length = -(-advance // (number * hop)) * hop + overlap
    starts = [i * (count - length) // ((number - 1) * hop) * hop for i in range(number)]
    cut = []
    for i, start in enumerate(starts):
        is_last = i == number - 1
        end = count if is_last else start + length
        cut.append(Segment(
            start, end, start + lead if i else 0, end if is_last else starts[i + 1] + 2 * lead))
    return cut


def fade(count):
    """The share of the later segment at each sample of a fade: a raised cosine."""
    return [0.5 - 0.5 * math.cos(math.pi * (i + 0.5) / count) for i in range(count)]
