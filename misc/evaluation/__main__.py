"""Measure how a folder of pictures compares with a folder of real ones.

    python -m misc.evaluation --real data/raw/photos --fake runs/mine/samples --metrics fid kid

Prints one JSON line a metric: is (Inception score), fid, kid, pr (precision and recall). The
default network, EfficientNet-Lite0, came with the installation, so this works offline; its numbers
compare among each other and not with those of papers, which are Inception's: --network
inception-2015. What the network sees of the real pictures is kept in a cache, by their content.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from misc.config.errors import UserError, run_program

METRICS = ("is", "fid", "kid", "pr")


def main(argv: list[str] | None = None) -> None:
    """Parse, look at both folders, print the lines."""
    args = _parse(argv)
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow
    from misc.evaluation.folders import PictureFolder

    real, fake = PictureFolder(args.real), PictureFolder(args.fake)
    import_tensorflow()
    choose_devices(args.gpu)
    from misc.evaluation import features
    from misc.evaluation.download import cache_folder
    from misc.evaluation.judges import by_network
    from misc.evaluation.measures import Judged, measure

    network = features.load(args.network, args.weights)
    facts = {"real_folder": str(args.real), "real_digest": real.digest}
    facts |= {"fake_folder": str(args.fake), "fake_digest": fake.digest}
    with tempfile.TemporaryDirectory(prefix="def-gan-") as aside:
        known = real.judged(network, cache_folder() / "features")
        seen = fake.judged(network, Path(aside))
        judged = Judged(seen, known, {"network": by_network(network).facts})
        for line, _ in measure(args.metrics, judged, args.seed, args.splits):
            print(json.dumps(line | facts), flush=True)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m misc.evaluation",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--real", type=Path, required=True, metavar="DIR", help="real pictures")
    add("--fake", type=Path, required=True, metavar="DIR", help="pictures to measure")
    add(
        "--metrics", nargs="+", default=["fid", "kid"], metavar="M", help=f"of {', '.join(METRICS)}"
    )
    add("--network", default="efficientnet-lite0", help="what looks at them")
    add("--weights", default="", metavar="FILE", help="of the network (default: its package's)")
    add("--splits", type=int, default=10, help="of the Inception score (10)")
    add("--seed", type=int, default=0, help="of subsets, orders and intervals (0)")
    add("--gpu", default="0", metavar="N", help="0 (default), or -1 for the CPU")
    args = parser.parse_args(argv)
    unknown = [metric for metric in args.metrics if metric not in METRICS]
    if unknown:
        raise UserError(
            f"--metrics {' '.join(unknown)}: expected some of {', '.join(METRICS)}; the others "
            "need captions: python main.py --cfg cfg/eval_bird.yml"
        )
    if len(set(args.metrics)) < len(args.metrics):
        raise UserError(f"--metrics {' '.join(args.metrics)}: name each once")
    for flag, value, least in (("splits", args.splits, 1), ("seed", args.seed, 0)):
        if value < least:
            raise UserError(f"--{flag} {value}: expected a whole number of at least {least}")
    return args


if __name__ == "__main__":
    sys.exit(run_program(main))
