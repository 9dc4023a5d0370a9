"""Draw a captioned data set and write it in the raw layout of the set that it stands for.

    python misc/draw_dataset.py --kind birds --preset full --count 4000 --out data/raw/drawn_birds

Birds come as CUB-200-2011, flowers as Oxford's 102 and faces as CelebA: the modules of
`misc/drawings/layouts` say which files that makes. OUT/drawn.json says how they were made. The
files are the same whatever the number of workers. They are written aside and renamed together, so
OUT is there only when it is complete.

With --independent every attribute is drawn on its own, so that none tells another: what a network
that reads attributes from pictures is trained on. The classes are then no more than a split.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.config.errors import UserError, run_program
from misc.data.processes import how_many, processes
from misc.drawings import (
    birds,
    birds_captions,
    birds_draw,
    faces,
    faces_captions,
    faces_draw,
    faces_people,
    flowers,
    flowers_captions,
    flowers_draw,
)
from misc.drawings.layouts import celeba, cub, oxford
from misc.drawings.layouts.entry import Entry, Item, write_lines

MIN_COUNT = 12  # below this the test split of some preset has a single class
# Added to the seeds of independent drawings, so that they have no pose or light of another set.
APART = 1 << 39
PRESETS = ("easy", "full")


class Kind(NamedTuple):
    """What there is to draw: the functions that make it, and the raw layout it is written in.

    `classes(preset)` are all its classes, each with a `name` and a `split`; `attributes(seed,
    preset, number)` describes one thing of a class, or with "independent" for its number one of
    none, for `draw`, `captions` and `labels` to use;
    `attribute_names(preset)` are what its labels answer; `held_out` are the pairs of attributes
    that no training class of `full` has.
    """

    classes: Callable
    attributes: Callable
    draw: Callable
    captions: Callable
    labels: Callable
    attribute_names: Callable
    held_out: tuple[str, ...]
    layout: ModuleType


KINDS = {
    "birds": Kind(
        birds.all_species,
        birds.attributes,
        birds_draw.draw,
        birds_captions.captions,
        birds.labels,
        birds.attribute_names,
        tuple(f"{colour} {part}" for part, colour in birds.HELD_OUT),
        cub,
    ),
    "flowers": Kind(
        flowers.all_species,
        flowers.attributes,
        flowers_draw.draw,
        flowers_captions.captions,
        flowers.labels,
        flowers.attribute_names,
        tuple(f"{colour} {part}" for part, colour in flowers.HELD_OUT),
        oxford,
    ),
    "faces": Kind(
        faces_people.all_people,
        faces.attributes,
        faces_draw.draw,
        faces_captions.captions,
        faces.labels,
        faces.celeba_names,
        (),  # nothing but the people themselves
        celeba,
    ),
}


def plan(classes, count: int, seed: int) -> list[Item]:
    """The pictures of a set, class by class.

    Classes take turns, training and test classes in proportion, so that a set too small for all of
    them has some of both. A picture depends on the seed, its class and its number there, not on
    `count`: a larger set holds the pictures of a smaller one.
    """
    sizes = {split: sum(one.split == split for one in classes) for split in ("train", "test")}
    ranks, seen = [], {"train": 0, "test": 0}
    for number, one in enumerate(classes):
        ranks.append(((seen[one.split] + 0.5) / sizes[one.split], number))
        seen[one.split] += 1
    turns = [number for _, number in sorted(ranks)]
    shares = np.bincount([turns[i % len(turns)] for i in range(count)], minlength=len(turns))
    return [
        Item((seed << 40) + (number << 24) + copy, number, copy)
        for number, share in enumerate(shares.tolist())
        for copy in range(1, share + 1)
    ]


def unnamed(classes) -> list:
    """As many classes in the same splits, named by their number alone: nothing is alike in one."""
    return [one._replace(name=f"Mixed_{number:03d}") for number, one in enumerate(classes, 1)]


def draw_item(place: tuple[str, Item], out: Path, card: dict) -> Entry:
    """Draw one picture of the set `card`, and write it where its layout places it."""
    (path, item), made = place, KINDS[card["kind"]]
    if card.get("independent"):
        thing = made.attributes(item.seed + APART, card["preset"], "independent")
    else:
        thing = made.attributes(item.seed, card["preset"], item.number)
    drawing = made.draw(thing, card["size"])
    drawing.picture.save(out / path, quality=95, subsampling=0)  # colours at full resolution
    captions = made.captions(thing, made.layout.CAPTIONS)
    return Entry(path, item, drawing.box, made.labels(thing), captions)


def write_set(out: Path, card: dict, workers: int) -> dict:
    """Draw the set `card` into the folder `out`, with its tables.

    Args: card: as `draw_dataset` returns it.
    Returns: what its layout has to tell.
    """
    made, preset, count, seed = KINDS[card["kind"]], card["preset"], card["count"], card["seed"]
    classes = made.classes(preset)
    if card.get("independent"):
        classes = unnamed(classes)
    places = made.layout.places(plan(classes, count, seed), classes, seed)
    for folder in sorted({(out / path).parent for path in places}):
        folder.mkdir(parents=True)
    task = partial(draw_item, out=out, card=card)
    progress = partial(tqdm, total=count, unit="picture", file=sys.stderr)
    with processes(workers, "drew pictures") as executor:
        entries = list(progress(executor.map(task, places.items(), chunksize=16)))
    return made.layout.write_tables(out, entries, classes, made.attribute_names(preset))


def draw_dataset(
    out: Path,
    kind: str,
    preset: str,
    count: int,
    size: int,
    seed: int,
    workers: int,
    independent: bool = False,
) -> dict:
    """Draw a whole set to `out`; returns how it was made, as `drawn.json` says.

    Args: independent: draw each attribute on its own; the classes then mean nothing.

    Raises: UserError if a number is out of range, `out` is not a new or empty folder, or cannot be
      written.
    """
    bounds = {"--count": (count, MIN_COUNT, KINDS[kind].layout.MOST), "--size": (size, 32, 2048)}
    bounds |= {"--seed": (seed, 0, 2**31), "--workers": (workers, 1, 1024)}
    for flag, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise UserError(f"{flag}: received {value}, expected {low} to {high}")
    card = {"kind": kind, "preset": preset, "count": count, "size": size, "seed": seed}
    if independent:
        card["independent"] = True  # no class is alike, and no pair of attributes held out
    elif preset == "full":
        card["held_out_of_training"] = list(KINDS[kind].held_out)
    try:
        out = out.absolute()
        if out.is_file() or (out.is_dir() and any(out.iterdir())):
            raise UserError(
                f"--out {out}: is there already; name a new or an empty folder, or remove it"
            )
        aside = out.with_name(f".{out.name}.partial")
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)  # left by a killed run
        aside.mkdir()
        try:
            told = write_set(aside, card, workers)
            write_lines(aside / "drawn.json", [json.dumps({**card, **told}, indent=1)])
            if out.is_dir():
                out.rmdir()
            aside.rename(out)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"--out {out}: cannot be written ({error}); name a folder on a disk with room"
        ) from error
    return card


def main(argv: list[str] | None = None) -> int:
    """The command line; see the module's first lines."""
    parser = argparse.ArgumentParser(
        description="Draw a captioned data set in the raw layout of the set that it stands for.",
        allow_abbrev=False,
    )
    parser.add_argument("--kind", choices=tuple(KINDS), default="birds")
    parser.add_argument("--preset", choices=PRESETS, default="full")
    parser.add_argument("--count", type=int, default=4000, help="pictures in all (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--size", type=int, default=304, help="pixels a side (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pictures")
    parser.add_argument("--workers", type=int, default=how_many(None), help="processes")
    parser.add_argument(
        "--independent",
        action="store_true",
        help="draw each attribute on its own, for a network that reads attributes; the classes "
        "then mean nothing",
    )
    args = parser.parse_args(argv)
    card = draw_dataset(**vars(args))
    print(json.dumps({"out": str(args.out), **card}))
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
