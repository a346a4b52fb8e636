"""Prints what TensorBoard itself reads from a folder of event files, as JSON.

{"scalars": {TAG: [[step, value], ...]}, "texts": {TAG: [text, ...]}}
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
tags = accumulator.Tags()
# Old-style numbers are scalars or, in newer readers, tensors of the plugin "scalars".
scalars = {
    tag: [[event.step, event.value] for event in accumulator.Scalars(tag)]
    for tag in tags["scalars"]
}
texts = {}
for tag in tags["tensors"]:
    texts[tag] = [
        text.decode() for event in accumulator.Tensors(tag) for text in event.tensor_proto.string_val
    ]
print(json.dumps({"scalars": scalars, "texts": texts}))
