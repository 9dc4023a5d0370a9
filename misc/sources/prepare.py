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
    parser.add_argument("--seed", type=int, default=0, help="of a drawn split (default: 0)")
    return parser


def source_parser(doc: str, name: str) -> argparse.ArgumentParser:
    """`preprocess_parser` with `--source` and `--out`, by default the same folder, data/NAME."""
    parser = preprocess_parser(doc)
    parser.add_argument("--source", type=Path, default=Path("data") / name, help="the raw set")
    parser.add_argument("--out", type=Path, default=Path("data") / name, help="the prepared set")
    return parser


def set_parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the flags that every script here takes."""
    parser = argparse.ArgumentParser(
        description=doc, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
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
    Raises: UserError as `write_set`.
    """
    from misc.data.writer import write_set

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
    print(json.dumps(result))
