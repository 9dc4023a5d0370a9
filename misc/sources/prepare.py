"""What the scripts that prepare sets share: their common flags, and from raw to prepared set."""

import argparse
import json
import sys
from pathlib import Path

from misc.config.errors import UserError


def preprocess_parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the flags that every raw set takes; the script adds its own and `--out`."""
    parser = set_parser(doc)
    parser.add_argument(
        "--imsizes",
        nargs=2,
        type=int,
        default=(64, 256),
        metavar=("LOW", "HIGH"),
        help="sides of the models' pictures, in pixels; stored 76/64 as large (default: 64 256)",
    )
    parser.add_argument(
        "--stretch",
        action="store_true",
        help="stretch each picture's contrast, as StackGAN's published pictures were",
    )
    parser.add_argument("--seed", type=_seed, default=0, help="of a drawn split (default: 0)")
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 0")
    return int(text)


def source_parser(doc: str, name: str) -> argparse.ArgumentParser:
    """`preprocess_parser` with `--source` and `--out`, by default the same folder, data/NAME.

    Instead of `--source` there can be `--tfds`: see `tfds_source`.
    """
    parser = preprocess_parser(doc)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--source", type=Path, default=Path("data") / name, help="the raw set")
    place.add_argument(
        "--tfds",
        nargs="?",
        const="",
        metavar="BUILDER",
        help="the set of TensorFlow Datasets, downloaded if need be (default: the one of this set)",
    )
    parser.add_argument(
        "--tfds-dir",
        type=Path,
        metavar="DIR",
        help="where --tfds has its sets, or the folder of a prepared one (default: its own place)",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="DIR",
        help="captions for --tfds, CLASS/NAME.txt, one a line, if it has none of its own",
    )
    parser.set_defaults(set_name=name)
    parser.add_argument("--out", type=Path, default=Path("data") / name, help="the prepared set")
    return parser


def tfds_source(parser: argparse.ArgumentParser, args: argparse.Namespace):
    """The `Source` that --tfds asks for; None without that flag: the script then reads --source.

    Args: parser: of `source_parser`. Of the script's own flags only `--split` goes with --tfds.
    Raises: UserError as `tfds_set`, and for flags that do not go together.
    """
    if args.tfds is None:
        if args.tfds_dir or args.texts:
            raise UserError("--tfds-dir and --texts are about --tfds, which is not there; add it")
        return None
    common = vars(source_parser("", args.set_name).parse_args([])).keys() | {"split"}
    for name in vars(args).keys() - common:
        if getattr(args, name) != parser.get_default(name):
            raise UserError(f"--{name.replace('_', '-')} is about --source; leave it out: --tfds")

    from misc.sources.tfds_sets import tfds_set

    split = getattr(args, "split", "official")
    return tfds_set(args.set_name, args.tfds, args.tfds_dir, args.texts, split, args.seed)


def set_parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the flags that every script here takes."""
    parser = argparse.ArgumentParser(
        description=doc, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument(
        "--validation",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the training pictures, of whole classes if the test is, to choose the best "
        "checkpoint by (default: 0: none)",
    )
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out, and list, pictures that cannot be read, instead of ending at the first",
    )
    return parser


def preprocess(source, args: argparse.Namespace) -> None:
    """Write a `Source` into the prepared set `args.out`, named after its last part.

    Prints the split rule on stderr, and as the last line of stdout one JSON object: `out`,
    `source`, `split_rule`, `left_out`, `splits` (counts), `attributes` (how many), `embeddings`.
    Raises: UserError as `write_set` and `with_validation`.
    """
    from misc.data.writer import write_set
    from misc.sources.source import with_validation

    if args.validation:
        source = with_validation(source, args.validation, args.seed)
    out = Path(args.out)
    if args.workers is not None and args.workers < 1:
        raise UserError(f"--workers {args.workers}: expected 1 or more processes")
    print(f"split: {source.card['split_rule']}", file=sys.stderr)
    card = write_set(
        out,
        source.splits,
        name=out.resolve().name,
        imsizes=tuple(args.imsizes),
        stretch=args.stretch,
        attribute_names=source.attribute_names,
        card=source.card,
        embeddings=source.embeddings,
        workers=args.workers,
        skip_broken=args.skip_broken,
    )
    result = {
        "out": str(out),
        **{key: card[key] for key in ("source", "split_rule", "left_out", "splits")},
        "attributes": len(source.attribute_names),
        "embeddings": sorted(source.embeddings),
    }
    _advise(out, card)
    print(json.dumps(result))


def _advise(out: Path, card: dict) -> None:
    """Say on stderr what whoever trains on the set should know."""
    if card["broken"]:
        count = len(card["broken"])
        print(
            f"left out: {count} pictures that cannot be used, see {out / 'card.md'}",
            file=sys.stderr,
        )
    if len(card["classes"]) == 1:
        print(
            f"{out} has one class, so no picture is wrong for a caption: train both stages with "
            "--set TRAIN.B_WRONG=False; a text encoder learns from several classes only: embed the "
            "captions with that of another set, encoder/embed.py --run --data",
            file=sys.stderr,
        )
