#!/usr/bin/env python3
"""Makes a run folder as a long training leaves it, without training: for trials of the commands
that look at runs.

Usage: scripts/make-long-run.py FOLDER [--epochs 250] [--steps 2000] [--seed 1]

The folder holds configuration.json, history.csv and metrics.jsonl, with as many steps in each epoch
as --steps says; the defaults make a metrics.jsonl of about 142 MB. Equal arguments make equal
files. A restart, a skipped step and a few damaged lines are among the events. Measure the commands:

  scripts/make-long-run.py /tmp/long
  for command in "watch --once" compare "report --no-audio --output /tmp/long.html"; do
    /usr/bin/time -f "%e s, %M KiB: $command" disttrain $command /tmp/long > /dev/null
  done
"""

import argparse
import datetime
import json
import math
import pathlib
import random

arguments = argparse.ArgumentParser(description="Makes a run folder as a long training leaves it.")
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("--epochs", type=int, default=250)
arguments.add_argument("--steps", type=int, default=2000, help="steps of an epoch")
arguments.add_argument("--seed", type=int, default=1)
settings = arguments.parse_args()

draw = random.Random(settings.seed)
here = pathlib.Path(__file__).resolve().parent.parent
preset = json.loads((here / "Sources/Models/Presets/abl3.json").read_text())
clock = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
settings.folder.mkdir(parents=True, exist_ok=True)


def line(kind, **fields):
    """An event of `kind` as a line of metrics.jsonl."""
    time = clock.strftime("%Y-%m-%dT%H:%M:%S.") + f"{clock.microsecond // 1000:03d}Z"
    return json.dumps(
        {"event": kind, "time": time} | fields, sort_keys=True, separators=(",", ":")) + "\n"


def start(step):
    """The event of a start after `step` steps."""
    return line(
        "start", audio_seconds_per_step=12.0, corpus="another", data="corpus",
        epochs=settings.epochs, kernels="AVX-512", model="abl3", program="disttrain 0.2.0", ranks=2,
        step=step, steps_per_epoch=settings.steps)


(settings.folder / "configuration.json").write_text(json.dumps({
    "accumulate": 1, "batch": 3, "clip": 5, "cropSeconds": 2, "epochs": settings.epochs,
    "learningRate": 0.001, "model": preset, "ranks": 2, "schedule": "step", "seed": 0,
    "warmupSteps": 0}, indent=2))

columns = [
    "epoch", "pesq", "noisy_pesq", "si_sdr", "noisy_si_sdr", "loss", "train_loss", "scored",
    "total", "seconds", "audio_seconds_per_second", "learning_rate", "validation_seconds"]
history = [",".join(columns)]
with open(settings.folder / "metrics.jsonl", "w") as metrics:
    metrics.write(start(0))
    for epoch in range(1, settings.epochs + 1):
        rate = 0.001 * 0.98 ** ((epoch - 1) // 10)
        for index in range(settings.steps):
            step = (epoch - 1) * settings.steps + index + 1
            clock += datetime.timedelta(seconds=draw.uniform(0.9, 1.1))
            is_skipped = draw.random() < 1e-5
            loss = None if is_skipped else 0.3 / math.sqrt(step) + draw.uniform(0.01, 0.02)
            metrics.write(line(
                "step", busy_seconds=draw.uniform(0.8, 0.9), data_seconds=draw.uniform(0, 1e-5),
                exposed_exchange_seconds=draw.uniform(0, 0.1),
                gradient_norm=None if is_skipped else draw.uniform(0.01, 5), learning_rate=rate,
                loss=loss, skipped=is_skipped, step=step))
            if draw.random() < 1e-5:
                metrics.write('{"event":"step","step":' + "\0" * draw.randrange(40) + "\n")
        row = {
            "epoch": epoch, "pesq": 3 - 1 / epoch + draw.uniform(-0.01, 0.01),
            "noisy_pesq": 1.97, "si_sdr": 18 - 3 / epoch, "noisy_si_sdr": 8.4, "loss": 0.02,
            "train_loss": 0.03, "scored": 40, "total": 40, "seconds": settings.steps + 40.0,
            "audio_seconds_per_second": draw.uniform(11, 12), "learning_rate": rate,
            "validation_seconds": 40.0}
        history.append(",".join(str(row[name]) for name in columns))
        step = epoch * settings.steps
        metrics.write(line("epoch", step=step, data_seconds=0.01, **row))
        metrics.write(line(
            "waiting", host="node1", jitter=0.01, rank=1, step=step, steps=settings.steps,
            steps_last=settings.steps // 2, waited_for_it_seconds=30.0, waited_seconds=50.0))
        metrics.write(line(
            "checkpoint", bytes=34_000_000, seconds=0.2, step=step,
            file=f"{settings.folder}/step-{step:08d}.safetensors"))
        if epoch == max(1, settings.epochs // 2):
            metrics.write(line("stop", step=step, reason="SIGTERM"))
            metrics.write(start(step))
(settings.folder / "history.csv").write_text("\n".join(history) + "\n")
