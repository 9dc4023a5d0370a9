"""Find what is wrong with the pictures and captions of a prepared set.

    python misc/check_data.py data/NAME                  look only: nothing of the set is changed
    python misc/check_data.py data/NAME --fix            put the worst pictures into quarantine
    python misc/check_data.py data/NAME --release        bring all of them back

One JSON line on stdout for each kind of thing that is wrong: kind, count, names (the first 20; all
are in data/NAME/check.jsonl) and what to do. Exit code 0: nothing is wrong, or --fix dealt with
all of it; 1: something is; 2: the command or the set cannot be used.

Pictures in quarantine stay where they are, with their embeddings, but nothing shows them any more;
data/NAME/{train,test}/quarantine.jsonl lists them. Runs that were begun before are not resumed.
"""

import argparse
import json
import sys
from pathlib import Path

from misc.config.errors import UserError, run_program


def main(argv: list[str] | None = None) -> int:
    """The command line; see the module's first lines."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="prepared set, such as data/birds")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--fix", action="store_true", help="quarantine what is wrong")
    action.add_argument(
        "--release",
        nargs="*",
        metavar="KIND",
        help="bring back the pictures of these kinds, or all",
    )
    parser.add_argument(
        "--quarantine",
        nargs="+",
        metavar="KIND",
        help="with --fix: of these kinds alone, instead of those that are wrong beyond doubt",
    )
    parser.add_argument(
        "--tiny",
        type=int,
        metavar="PIXELS",
        help="smallest side of a source (default: low stored size)",
    )
    parser.add_argument(
        "--grey",
        type=float,
        default=0.999,
        metavar="SHARE",
        help="a picture is grey with this share of colourless pixels (default: 0.999)",
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    args = parser.parse_args(argv)

    from misc.data.check_facts import Limits
    from misc.data.check_set import DEFAULT, KINDS, CheckedSet, release
    from misc.data.prepared import read_card

    for flag, kinds in (("--quarantine", args.quarantine), ("--release", args.release)):
        if unknown := set(kinds or ()) - set(KINDS):
            raise UserError(f"{flag} {min(unknown)}: no such kind, expected of {', '.join(KINDS)}")
    if args.quarantine and not args.fix:
        raise UserError("--quarantine without --fix: nothing would be done; add --fix")
    for flag, value, least in (("--tiny", args.tiny, 0), ("--workers", args.workers, 1)):
        if value is not None and value < least:
            raise UserError(f"{flag} {value}: expected a number of at least {least}")
    if not 0 < args.grey <= 1:
        raise UserError(f"--grey {args.grey}: expected a share above 0, at most 1")
    if args.release is not None:
        print(json.dumps({"released": release(args.data, tuple(args.release))}))
        return 0

    tiny = read_card(args.data)["sizes"][0] if args.tiny is None else args.tiny
    checked = CheckedSet(args.data, Limits(tiny, args.grey), args.workers)
    for line in checked.report():
        print(json.dumps(line))
    aside = sum(len(split.quarantined) for split in checked.splits)
    print(
        f"{len(checked)} pictures looked at, {aside} left in quarantine; all findings are in "
        f"{checked.save()}",
        file=sys.stderr,
    )
    wrong = {finding.kind for finding in checked.findings}
    if args.fix:
        kinds = tuple(args.quarantine or DEFAULT)
        print(json.dumps({"quarantined": checked.quarantine(kinds)}))
        wrong -= set(kinds)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(run_program(main))
