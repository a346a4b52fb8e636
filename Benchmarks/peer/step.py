"""Measures PyTorch's training step of a preset: transforms, forward, loss, backward, clip, Adam.

The figures have the names and units of `disttrain bench step`.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

# Read when the process starts, so the program starts itself again with them: huge pages, and freed
# memory that stays with the process instead of being faulted in anew at every step.
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": "17179869184",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "1073741824",
}
RATE, FFT, HOP = 16_000, 512, 128


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=["abl1", "abl2", "abl3"], required=True)
    parser.add_argument("--batch", type=int, default=6, help="utterances, of all processes")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of an utterance")
    parser.add_argument("--threads", type=int, default=1, help="of one process")
    parser.add_argument("--processes", type=int, default=1, help="DDP over gloo if above 1")
    parser.add_argument("--steps", type=int, default=3, help="timed steps")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them")
    parser.add_argument(
        "--products", choices=["onednn", "mkl"], default="onednn", help="of the large matrices"
    )
    parser.add_argument("--chunk", type=int, help="longest chunk of the scan, in steps")
    parser.add_argument("--eager", action="store_true", help="do not compile")
    parser.add_argument("--profile", action="store_true", help="print where a step's time goes")
    parser.add_argument("--label", help="kept in the file")
    parser.add_argument("--json", type=pathlib.Path, help="file for the figures")
    options = parser.parse_args()
    for name in ("batch", "threads", "processes", "steps", "warmup"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    if options.batch % options.processes:
        parser.error("--batch must be a multiple of --processes")
    return options


def resident(key):
    """VmRSS or VmHWM of this process in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def forget_resident_peak():
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def measure(rank, options, meeting, results):
    """One process's work; puts its times and peak memory into `results`."""
    os.environ["PEER_PRODUCTS"] = options.products
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(rank)
    torch._dynamo.config.disable = options.eager
    import scan
    from model import Enhancer, load_preset, loss_of

    scan.CHUNK = options.chunk or scan.CHUNK
    model = network = Enhancer(**load_preset(options.preset))
    if options.processes > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=rank, world_size=options.processes
        )
        network = torch.nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    window = torch.hann_window(FFT)
    clean = torch.randn(options.batch // options.processes, round(options.seconds * RATE)) * 0.05
    noisy = clean + torch.randn_like(clean) * 0.02

    def spectrum(audio):
        transform = torch.stft(audio, FFT, HOP, window=window, return_complex=True)
        return torch.view_as_real(transform.transpose(1, 2)).contiguous()

    def step():
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = loss_of(network(spectrum(noisy)), spectrum(clean))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        seconds = time.perf_counter() - start
        if not torch.isfinite(norm):
            sys.exit("a gradient was not finite, so the time means nothing")
        return seconds

    for _ in range(options.warmup):
        step()
    before = resident("VmRSS")
    forget_resident_peak()
    times = []
    for _ in range(options.steps):
        if options.processes > 1:
            torch.distributed.barrier()
        times.append(step())
    if options.profile and rank == 0:
        with torch.profiler.profile() as profile:
            step()
        print(profile.key_averages().table("self_cpu_time_total", row_limit=40))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    results[rank] = (times, resident("VmHWM"), before, parameters, torch.__version__)
    if options.processes > 1:
        torch.distributed.destroy_process_group()


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def figures(options, results):
    # A step ends when the slowest process has ended it.
    times = [max(of_step) for of_step in zip(*(times for times, *_ in results))]
    step_seconds = statistics.median(times)
    _, _, _, parameters, version = results[0]
    return {
        "kind": "step",
        "program": "PyTorch",
        "torch": version,
        "label": options.label,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {"processor": processor(), "cores": os.cpu_count()},
        "preset": options.preset,
        "parameters": parameters,
        "batch": options.batch // options.processes,
        "seconds": options.seconds,
        "threads": options.threads,
        "processes": options.processes,
        "ranks": options.processes,
        "products": options.products,
        "compiled": not options.eager,
        "steps": options.steps,
        "stepSeconds": step_seconds,
        "stepSecondsMinimum": min(times),
        "stepSecondsMaximum": max(times),
        "audioSecondsPerSecond": options.batch * options.seconds / step_seconds,
        "peakResidentBytes": max(peak for _, peak, *_ in results),
        "residentBytesBeforeSteps": max(before for _, _, before, *_ in results),
    }


def run(options):
    if options.processes == 1:
        results = {}
        measure(0, options, None, results)
        return [results[0]]
    import torch.multiprocessing

    with tempfile.TemporaryDirectory() as folder, torch.multiprocessing.Manager() as manager:
        results = manager.dict()
        torch.multiprocessing.spawn(
            measure, (options, f"{folder}/meeting", results), nprocs=options.processes
        )
        return [results[rank] for rank in range(options.processes)]


def main():
    options = parse()
    if any(os.environ.get(key) != value for key, value in ENVIRONMENT.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})
    found = figures(options, run(options))
    print(
        f"{found['preset']}, batch {options.batch} x {options.seconds:g} s, PyTorch "
        f"{found['torch']}, {options.processes} x {options.threads} threads: "
        f"{found['stepSeconds']:.2f} s a step "
        f"({found['stepSecondsMinimum']:.2f} to {found['stepSecondsMaximum']:.2f}), "
        f"{found['audioSecondsPerSecond']:.2f} s of audio a second, "
        f"{found['peakResidentBytes'] / 2**30:.1f} GiB"
    )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
