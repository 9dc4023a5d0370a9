"""The flags of `editor/edit.py`, what is wrong with them, and the files that they name."""

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

from editor.methods import METHODS
from misc.config.errors import UserError
from misc.data.captions import PICTURE_SUFFIXES, find_pictures, unique_names
from misc.data.sentences import check_sentence


def parse(description: str, argv: list[str] | None) -> argparse.Namespace:
    """The flags. Raises: UserError if some do not go together; SystemExit for --help."""
    parser = argparse.ArgumentParser(
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--run", type=Path, required=True, help="run folder of the editor")
    add("--list", action="store_true", help="show the attributes and how many pictures have them")
    add("--image", type=Path, nargs="+", metavar="FILE", help="pictures, or folders of pictures")
    add("--latent", type=Path, metavar="FILE.npz", help="codes of --save-latent, for pictures")
    add("--box", type=float, nargs=4, metavar=("X", "Y", "W", "H"), help="where the thing is, px")
    add("--whole", action="store_true", help="cut no margin off: as of pictures that a GAN made")
    add("--edit", nargs="+", metavar="NAME=STEPS", help="steps along attributes: Smiling=+1")
    add("--toward", metavar="TEXT", help="one step towards all that a sentence says")
    add("--strip", nargs="+", metavar="NAME", help="rows of -2 to +2 steps along each attribute")
    add("--method", choices=tuple(METHODS), default="regression", help="how directions are found")
    add("--paste", action="store_true", help="add the change to the original, at its resolution")
    add("--only-edit", action="store_true", help="write the edit alone instead of a sheet")
    add("--out", type=Path, metavar="FILE.png", help="or a folder, for a file a picture")
    add("--save-latent", type=Path, metavar="FILE.npz", help="write the codes, as edited")
    add("--data", type=Path, metavar="DIR", help="set with attributes (default: the run's)")
    add("--gpu", metavar="N", help="0, or -1 for the CPU (default: the run's GPU_ID)")
    args = parser.parse_args(argv)
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    edits, sources = args.edit or args.toward, [args.image, args.latent]
    drawn = edits or args.strip
    if args.list:
        wrong = [(any(sources) or drawn, "--list goes without pictures and edits")]
    else:
        wrong = [
            (all(sources) or not any(sources), "expected either --image or --latent"),
            (not drawn and not args.save_latent, "nothing to do: say --edit, --toward or --strip"),
            (args.strip and edits, "--strip goes without --edit and --toward"),
            (drawn and not (args.out or args.save_latent), "--out: expected where to write"),
            (args.out and not drawn, "--out goes with --edit, --toward or --strip"),
            (not all(map(math.isfinite, args.box or [])), "--box: expected four numbers, in px"),
            (args.only_edit and not edits, "--only-edit goes with --edit or --toward"),
            (
                args.latent and (args.paste or args.box or args.whole),
                "--paste, --box and --whole need the picture itself: --image, not --latent",
            ),
        ]
    if args.save_latent and args.save_latent.suffix != ".npz":
        wrong.append((True, f"--save-latent {args.save_latent}: expected a name ending in .npz"))
    if args.out and args.out.suffix.lower() in PICTURE_SUFFIXES and not _is_png(args.out):
        wrong.append((True, f"--out {args.out}: expected a name ending in .png, or a folder"))
    for found, message in wrong:
        if found:
            raise UserError(f"{message}; --help shows examples")
    if args.toward:
        args.toward = check_sentence(args.toward, "--toward")


def pictures(args: argparse.Namespace) -> dict[str, Path]:
    """The pictures that --image names, by what their files are to be called.

    Raises: UserError if one is missing, two have one name, or one would be overwritten.
    """
    found: dict[str, Path] = {}
    for path in args.image or []:
        inside = {path.stem: path}
        if path.is_dir():
            names = unique_names(find_pictures(path), path)
            inside = {name: path / file for name, file in names.items()}
        if twice := found.keys() & inside.keys():
            raise UserError(f"--image: two pictures are named {min(twice)}: edit them apart")
        found |= inside
    written = {out.resolve() for out in outs(args, found) if out}
    for path in found.values():
        if not path.is_file():
            raise UserError(f"{path}: no such picture")
        if path.resolve() in written:
            raise UserError(f"--out would overwrite {path}: name another file or folder")
    return found


def _is_png(path: Path) -> bool:
    return path.suffix.lower() == ".png"


def outs(args: argparse.Namespace, names: Iterable[str]) -> list[Path | None]:
    """The file to write for each of `names`: --out itself, or in it; None without --out.

    Raises: UserError if --out is one file and the names are several.
    """
    names = list(names)
    if args.out and _is_png(args.out):
        if len(names) > 1:
            raise UserError(f"--out {args.out}: expected a folder, for {len(names)} pictures")
        return [args.out]
    return [args.out and args.out / f"{name}.png" for name in names]
