"""Turn a published Torch7 text encoder into a run folder, which encoder/embed.py and GANs use.

Structure and widths are read from the file. Before anything is written, our recurrence has to give
what the one in the file does. Unlike the published demo, which drops capitals, we lower-case
sentences: embeddings of those with capitals differ from the demo's on purpose.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from encoder.torch7_network import EXPECTED, FRAMES, Torch7Network, read_network, run
from misc.config.cli import refuse_existing_run
from misc.config.devices import choose_devices
from misc.config.errors import run_program
from misc.config.load import load_config
from misc.config.quiet import import_tensorflow
from misc.data.untrusted import Refused, refusals

# Rounding makes some 1e-6, another wiring, or maps in other roles, far more.
TOLERANCE = 1e-4


def main(argv: list[str] | None = None) -> None:
    """Import the file that the flags name; prints one JSON line."""
    args = _parse(argv)
    found = read_network(args.file)
    cfg = configuration(found)
    import_tensorflow()
    choose_devices("-1")
    from encoder.embed import Embedder
    from encoder.trainer import build_text_encoder
    from misc.training.import_run import save_networks

    text_encoder = build_text_encoder(cfg)
    fill(text_encoder, found)
    check_recurrence(args.file, text_encoder, found)
    save_networks(args.out, found.iteration, cfg, "encoder", {"text_encoder": text_encoder})
    facts = {name.lower(): cfg.TEXT[name] for name in _keys(found)}
    facts |= {
        "parameters": text_encoder.count_params(),
        "digest": Embedder(text_encoder, cfg).digest,
    }
    print(json.dumps({"out": args.out.as_posix(), "step": found.iteration} | facts))


def configuration(found: Torch7Network):
    """The encoder's configuration, its structure as in the file."""
    return load_config("encoder", None, [f"TEXT.{k}={v}" for k, v in _keys(found).items()])


def fill(text_encoder, found: Torch7Network) -> None:
    """Give a `TextEncoder` of the same structure the weights of a file."""
    weights = [
        [conv.weight.reshape(len(conv.bias), FRAMES, -1).transpose(1, 2, 0), conv.bias]
        for conv in found.convolutions
    ]
    weights += [_recurrent(found), [found.output.weight.T, found.output.bias]]
    layers = [layer for layer in text_encoder.layers if layer.weights]
    for layer, arrays in zip(layers, weights, strict=True):
        layer.set_weights(arrays)


def check_recurrence(path: Path, text_encoder, found: Torch7Network) -> None:
    """Raise UserError unless the filled recurrent layer gives what the network in the file does.

    Which linear map is which is known by their order alone, and how they are wired by the kinds and
    numbers of modules; here both are proved.
    """
    from encoder.model import RECURRENT_LAYERS

    kinds = tuple(RECURRENT_LAYERS.values())
    (layer,) = (one for one in text_encoder.layers if isinstance(one, kinds))
    inputs = np.random.default_rng(0).uniform(0, 1, (found.steps, 4, layer.units))
    with refusals(path, EXPECTED), np.errstate(all="ignore"):  # an overflow is no agreement
        theirs = run(found.graph, list(inputs))
        ours = layer(inputs.transpose(1, 0, 2).astype(np.float32)).numpy()
        difference = np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30)
        if not difference <= TOLERANCE:
            raise Refused(
                f"its recurrence is wired in another way than the published {found.recurrence}: "
                f"with its weights ours differs by {difference:.1g} of the largest output"
            )


def _keys(found):
    """Keys of TEXT that describe the structure."""
    first, second, third = (len(conv.bias) for conv in found.convolutions)
    return {
        "DIMENSION": len(found.output.bias),
        "CNN_DIM": third,
        "WIDTHS": [first, second],
        "RECURRENCE": found.recurrence,
        "STEPS": found.steps,
    }


def _recurrent(found):
    """Weights of `FixedRNN` or `FixedGRU`, in their order."""
    kernels, biases = zip(*((one.weight.T, one.bias) for one in found.maps), strict=True)
    if found.recurrence == "rnn":
        (w, u), (b, c) = kernels, biases
        return [w, b, u, c]
    (w, wz, uz, wr, ur, u), (b, bz, cz, br, cr, c) = kernels, biases
    joined = [np.hstack(arrays) for arrays in ([wz, wr, w], [bz, br, b], [uz, ur], [cz, cr])]
    return [*joined, u, c]


def _parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE.t7", help="checkpoint, or a bare network")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="run folder to make")
    args = parser.parse_args(argv)
    refuse_existing_run(args.out)
    return args


if __name__ == "__main__":
    sys.exit(run_program(main))
