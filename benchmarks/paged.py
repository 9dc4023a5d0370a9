"""What the benchmarks that end in a page share: their oracle, and where page and numbers go."""

import argparse
import json
from collections.abc import Sequence

from misc.config.errors import UserError
from misc.data.atomic import write_atomic


def oracle(args: argparse.Namespace, names: Sequence[str]):
    """The classifier of `--classifier`.

    Raises: UserError if it cannot be read, or reads other attributes than these, the set's.
    """
    from misc.evaluation.classifier import load

    classify = load(args.classifier)
    if classify.attributes != list(names):
        raise UserError(
            f"--classifier {args.classifier} reads other attributes than {args.data} has; expected "
            "the classifier of this set"
        )
    return classify


def publish(args: argparse.Namespace, result: dict, text: str) -> None:
    """Write the numbers to `--json`, if given, and the page to `--out`, or print it."""
    if args.json:
        write_atomic(args.json, (json.dumps(result, indent=1) + "\n").encode())
    if args.out:
        write_atomic(args.out, text.encode())
    else:
        print(text, end="")
