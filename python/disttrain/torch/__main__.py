"""The command line: `python -m disttrain.torch convert` and `… enhance`."""

import argparse
import sys

from ..configuration import preset_names
from ..errors import Error, counted
from ..segments import DEFAULT_SECONDS
from .installed import missing

# Before the module audio, which imports these packages.
if missing("numpy", "soundfile"):
    sys.exit("error: " + missing("numpy", "soundfile"))

from . import audio
from .conversion import convert
from .enhancement import enhance
from .files import load


def note(sentence):
    print(f"note: {sentence}", file=sys.stderr)


def run_convert(arguments):
    module = convert(
        arguments.source, arguments.target, arguments.preset, arguments.key, arguments.trust, note)
    configuration = module.configuration
    print(
        f'{arguments.target}: weights of "{configuration.name}", '
        f"{configuration.parameter_count:,} parameters")


def run_enhance(arguments):
    module = load(arguments.weights, arguments.preset, note)
    rate = module.configuration.front_end.sample_rate
    done = audio.pairs(arguments.source, arguments.target)
    for _, target in done:
        audio.require_format(target, arguments.format)
    failures = []
    for source, target in done:
        try:
            samples = audio.read(source, rate)
            try:
                enhanced = enhance(module, samples, arguments.segment, arguments.whole)
            except Error as error:
                raise Error(f"{source}: {error}") from None
        except Error as error:
            # A damaged recording does not end the others; a full disk does.
            failures.append(str(error))
            continue
        clamped = audio.write(target, enhanced, rate, arguments.format)
        if clamped:
            note(f"{target}: {counted(clamped, 'sample')} exceeded full scale and became ±1")
    if failures:
        raise Error("\n".join(failures))
    print(f"enhanced {counted(len(done), 'recording')}")


def parser():
    top = argparse.ArgumentParser(prog="python -m disttrain.torch", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    sub = commands.add_parser(
        "convert", help="weights of PyTorch to a file of disttrain",
        description="Writes the state_dict in IN as safetensors with the model's configuration.")
    sub.add_argument("source", metavar="IN", help="file of torch.save, or safetensors")
    sub.add_argument("target", metavar="OUT.safetensors")
    sub.add_argument(
        "--preset", metavar="NAME|FILE",
        help=f"model of the weights, if it is none of {', '.join(preset_names())}")
    sub.add_argument("--key", help="which of several models in IN, such as ema.module")
    sub.add_argument(
        "--trust", action="store_true", help="read a pickle with more than tensors: runs its code")
    sub.set_defaults(run=run_convert)
    sub = commands.add_parser(
        "enhance", help="removes the noise from recordings",
        description="Does as disttrain enhance does: file to file, or folder to folder.")
    sub.add_argument("--weights", required=True, metavar="FILE")
    sub.add_argument("--preset", metavar="NAME|FILE", help="for weights that do not say it")
    sub.add_argument("--format", choices=("pcm16", "float"), default="pcm16")
    sub.add_argument(
        "--segment", type=float, default=DEFAULT_SECONDS, metavar="SECONDS",
        help="longest segment (default: 60)")
    sub.add_argument("--whole", action="store_true", help="enhance every recording as a whole")
    sub.add_argument("source", metavar="IN")
    sub.add_argument("target", metavar="OUT")
    sub.set_defaults(run=run_enhance)
    return top


def main(arguments=None):
    parsed = parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except Error as error:
        for line in str(error).split("\n"):
            print(f"error: {line}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
