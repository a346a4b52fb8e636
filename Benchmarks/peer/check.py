"""Compares the peer with the package's reference vectors and parameter counts."""

import argparse
import json
import pathlib
import sys

import torch
from safetensors import safe_open

import scan
from bimamba import BiMamba
from model import Enhancer, load_preset, loss_of

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "golden"
PARAMETERS = {"abl1": 4_108_816, "abl2": 4_575_760, "abl3": 2_877_704}
OUTPUT_LIMIT, GRADIENT_LIMIT = 5e-6, 5e-5
failures = 0


def report(name, value, limit):
    global failures
    failed = not value <= limit
    failures += failed
    print(f"{'FAILED' if failed else 'ok':6} {name}: {value:.1e}, at most {limit:.1e}")


def deviation(value, golden):
    """Largest deviation over the largest number of the golden tensor."""
    scale = golden.abs().max().clamp(min=1e-30)
    return ((value.detach().reshape(golden.shape) - golden).abs().max() / scale).item()


def read(name):
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()


def set_parameters(module, golden):
    state = {k.removeprefix("param."): v for k, v in golden.items() if k.startswith("param.")}
    module.load_state_dict(state, strict=True)


def report_gradients(name, module, golden):
    worst = max(
        deviation(parameter.grad, golden[f"grad.param.{key}"])
        for key, parameter in module.named_parameters()
    )
    report(f"{name}, worst gradient", worst, GRADIENT_LIMIT)


def check_block(name):
    golden, metadata = read(name)
    d_inner, d_state = golden["param.fwd.A_log"].shape
    x = golden["in.x"].requires_grad_()
    mamba = {
        "d_state": d_state,
        "d_conv": golden["param.fwd.conv1d.weight"].shape[2],
        "expand": d_inner // x.shape[3],
    }
    block = BiMamba(x.shape[3], metadata["kind"], mamba)
    set_parameters(block, golden)
    out = block(x)
    report(f"{name}, output", deviation(out, golden["out"]), OUTPUT_LIMIT)
    out.backward(golden["in.gout"])
    report_gradients(name, block, golden)
    report(f"{name}, gradient of x", deviation(x.grad, golden["grad.in.x"]), GRADIENT_LIMIT)


def check_system(name):
    golden, metadata = read(f"e2e_{name}")
    config = json.loads(metadata["config"])
    model = Enhancer(
        config["bands"], config["N"], config["layers"], config["blocks"], config["mamba"],
        config["e"], config["taps"],
    )  # fmt: skip
    set_parameters(model, golden)
    x, target = (golden[key].transpose(1, 2).contiguous() for key in ("in.X", "in.S"))
    optimiser = torch.optim.Adam(model.parameters(), lr=float(metadata["lr"]), fused=True)
    for step in range(3):
        out = model(x)
        loss = loss_of(out, target)
        report(f"{name}, loss {step}", deviation(loss, golden["adam.loss"][step]), OUTPUT_LIMIT)
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            report(f"{name}, output", deviation(out.transpose(1, 2), golden["out"]), OUTPUT_LIMIT)
            report_gradients(name, model, golden)
        torch.nn.utils.clip_grad_norm_(model.parameters(), float(metadata["clip"]))
        optimiser.step()
    worst = max(
        deviation(parameter, golden[f"adam.after.{key}"])
        for key, parameter in model.named_parameters()
    )
    report(f"{name}, parameters after 3 steps", worst, 1e-5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--eager", action="store_true", help="do not compile: seconds instead of minutes"
    )
    parser.add_argument(
        "--chunk", type=int, default=4, help="longest chunk of the scan; the vectors are short"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch._dynamo.config.disable = options.eager
    scan.CHUNK = options.chunk
    for name, count in PARAMETERS.items():
        model = Enhancer(**load_preset(name))
        parameters = sum(parameter.numel() for parameter in model.parameters())
        report(f"{name}, {parameters} parameters, off by", abs(parameters - count), 0)
    for name in ("bimamba_intra", "bimamba_cross"):
        check_block(name)
    for name in PARAMETERS:
        check_system(name)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
