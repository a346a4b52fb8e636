#!/usr/bin/env python3
"""Times PyTorch's convolutions (oneDNN) at the shapes of `disttrain bench kernels`, on one thread.

    convolution.py [--seconds 2] [--json FILE]

Each pass is timed alone: forward, the gradient of the input (dX) and that of the weights (dW), of
one utterance in channels-last memory, which is the layout that oneDNN prefers. Several inputs of a
dense block are concatenated beforehand, and this is not timed.
"""

import argparse
import json
import time

import torch

# Name, image, channels in and out, kernel, stride, padding, dilation, transposed.
DISCRIMINATOR = [
    ("discriminator 1", 2, 16), ("discriminator 2", 16, 32), ("discriminator 3", 32, 64),
    ("discriminator 4", 64, 128)]


def shapes(seconds):
    """Shapes of the discriminator and of SEMamba for a crop."""
    samples = round(16_000 * seconds)
    height, width = 257, 1 + samples // 128
    for name, inputs, outputs in DISCRIMINATOR:
        yield name, (height, width), inputs, outputs, (4, 4), (2, 2), (1, 1), (1, 1), False
        height, width = height // 2, width // 2
    frames = 1 + samples // 100
    for layer in range(4):
        dilation = 2 ** layer
        yield (f"dense block {layer + 1}", (frames, 100), 64 * (layer + 1), 64, (3, 3), (1, 1),
               (dilation, 1), (dilation, 1), False)
    yield "1 x 3", (frames, 201), 64, 64, (1, 3), (1, 2), (0, 0), (1, 1), False
    yield "1 x 3 transposed", (frames, 100), 64, 64, (1, 3), (1, 2), (0, 0), (1, 1), True


def best_seconds(body, at_least=0.5):
    """The shortest of several runs, after one that does not count."""
    body()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < at_least:
        begin = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - begin)
    return best


def passes(image, inputs, outputs, kernel, stride, padding, dilation, transposed):
    """The seconds of each pass, and the floating-point operations of one."""
    layout = torch.channels_last
    x = torch.randn(1, inputs, *image).to(memory_format=layout)
    size = (inputs, outputs) if transposed else (outputs, inputs)
    weight = torch.randn(*size, *kernel).to(memory_format=layout)

    def forward():
        return torch.ops.aten.convolution(
            x, weight, None, stride, padding, dilation, transposed, (0, 0), 1)

    y = forward()
    gradient = torch.randn_like(y, memory_format=layout)

    def backward(mask):
        return lambda: torch.ops.aten.convolution_backward(
            gradient, x, weight, [outputs], stride, padding, dilation, transposed, (0, 0), 1, mask)

    small = x if transposed else y
    flops = 2 * small.shape[2] * small.shape[3] * inputs * outputs * kernel[0] * kernel[1]
    return flops, {
        "forward": best_seconds(forward), "dX": best_seconds(backward([True, False, False])),
        "dW": best_seconds(backward([False, True, False]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2, help="length of the crop")
    parser.add_argument("--json", help="file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures = []
    with torch.no_grad():
        for name, *shape in shapes(arguments.seconds):
            flops, seconds = passes(*shape)
            for which, time_taken in seconds.items():
                rate = flops / time_taken / 1e9
                print(f"{name:20} {which:8} {time_taken * 1e6:9.0f} µs {rate:7.1f} GFLOP/s",
                      flush=True)
                figures.append({"operation": name, "pass": which, "seconds": time_taken,
                                "gflops": rate})
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "convolutions": figures}, file, indent=2)


if __name__ == "__main__":
    main()
