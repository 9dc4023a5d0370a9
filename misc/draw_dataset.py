"""Draw a captioned data set and write it in the layout of CUB-200-2011.

    python misc/draw_dataset.py --kind birds --preset full --count 4000 --out data/raw/drawn_birds

Writes OUT/CUB_200_2011/ (images/, images.txt, classes.txt, image_class_labels.txt,
bounding_boxes.txt, train_test_split.txt, attributes/), OUT/text_c10/CLASS/NAME.txt with ten
captions a picture, OUT/trainvalclasses.txt and OUT/testclasses.txt (no class is in both) and
OUT/drawn.json (how it was made). The files are the same whatever the number of workers. They are
written aside and renamed together, so OUT is there only when it is complete.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.config.errors import UserError, run_program
from misc.drawings import birds
from misc.drawings.birds_captions import captions
from misc.drawings.birds_draw import draw

MIN_COUNT = 12  # below this the test split of `easy` has a single class
CERTAINTIES = "1 not visible\n2 guessing\n3 probably\n4 definitely\n"


class Item(NamedTuple):
    """One picture to draw: `name` is CLASS/NAME without a suffix, `species` its number."""

    name: str
    seed: int
    species: int
    preset: str


def plan(preset: str, count: int, seed: int) -> list[Item]:
    """The pictures of a set in the order of images.txt, class by class.

    Species take turns, training and test species in proportion, so that a set too small for all
    of them has some of both. A picture depends on the seed, its species and its number there, not
    on `count`: a larger set begins with the pictures of a smaller one.
    """
    species = birds.all_species(preset)
    sizes = {split: sum(s.split == split for s in species) for split in ("train", "test")}
    ranks, seen = [], {"train": 0, "test": 0}
    for number, (_, split, _) in enumerate(species):
        ranks.append(((seen[split] + 0.5) / sizes[split], number))
        seen[split] += 1
    turns = [number for _, number in sorted(ranks)]
    shares = np.bincount([turns[i % len(turns)] for i in range(count)], minlength=len(turns))
    items = []
    for number, share in enumerate(shares):
        for k in range(1, share + 1):
            name = f"{class_folder(number, preset)}/{species[number].name}_{k:04d}"
            items.append(Item(name, (seed << 40) + (number << 24) + k, number, preset))
    return items


def class_folder(number: int, preset: str) -> str:
    """`001.Blue_winged_Finch`, as CUB names its folders."""
    return f"{number + 1:03d}.{birds.all_species(preset)[number].name}"


def draw_item(item: Item, out: Path, size: int) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Draw one picture, write it and its captions, and return its box and attribute labels."""
    bird = birds.attributes(item.seed, item.preset, item.species)
    drawing = draw(bird, size)
    picture = out / "CUB_200_2011" / "images" / f"{item.name}.jpg"
    drawing.picture.save(picture, quality=95, subsampling=0)  # colours at full resolution
    write(out / "text_c10" / f"{item.name}.txt", captions(bird, 10))
    return drawing.box, birds.labels(bird)


def write(path: Path, lines) -> None:
    """Lines of text, with Unix line ends on every system."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_set(out: Path, items: list[Item], size: int, workers: int) -> None:
    """Draw `items` into the folder `out`, with its tables."""
    root = out / "CUB_200_2011"
    for folder in sorted({Path(item.name).parent for item in items}):
        (root / "images" / folder).mkdir(parents=True)
        (out / "text_c10" / folder).mkdir(parents=True)
    task = partial(draw_item, out=out, size=size)
    progress = partial(tqdm, total=len(items), unit="picture", file=sys.stderr)
    if workers == 1:
        drawn = list(progress(map(task, items)))
    else:
        # Spawned, not forked: the one way that is the same on every system. Ctrl-C is for us.
        spawn = multiprocessing.get_context("spawn")
        with spawn.Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            drawn = list(progress(pool.imap(task, items, chunksize=16)))
    write_tables(root, items, *zip(*drawn, strict=True))
    preset = items[0].preset
    for split, file in (("train", "trainvalclasses.txt"), ("test", "testclasses.txt")):
        of_split = {i.species for i in items if birds.all_species(preset)[i.species].split == split}
        write(out / file, (class_folder(number, preset) for number in sorted(of_split)))


def write_tables(root: Path, items: list[Item], boxes, labels) -> None:
    """CUB's tables; picture and attribute ids count from 1, class ids are the species' own."""
    preset = items[0].preset
    ids = range(1, len(items) + 1)
    species = sorted({item.species for item in items})
    write(root / "images.txt", (f"{i} {item.name}.jpg" for i, item in enumerate(items, 1)))
    write(root / "classes.txt", (f"{n + 1} {class_folder(n, preset)}" for n in species))
    write(
        root / "image_class_labels.txt",
        (f"{i} {item.species + 1}" for i, item in enumerate(items, 1)),
    )
    write(
        root / "bounding_boxes.txt",
        (" ".join([str(i), *(f"{v:.1f}" for v in box)]) for i, box in zip(ids, boxes, strict=True)),
    )
    # CUB's official split halves every class: here the odd numbers train.
    write(
        root / "train_test_split.txt",
        (f"{i} {int(item.name[-1]) % 2}" for i, item in enumerate(items, 1)),
    )
    folder = root / "attributes"
    folder.mkdir()
    names = birds.attribute_names(preset)
    write(folder / "attributes.txt", (f"{i} {name}" for i, name in enumerate(names, 1)))
    write(folder / "certainties.txt", CERTAINTIES.splitlines())
    write(
        folder / "image_attribute_labels.txt",
        (
            f"{i} {a} {max(int(label), 0)} {1 if label < 0 else 4} 0.0"
            for i, row in zip(ids, labels, strict=True)
            for a, label in enumerate(row, 1)
        ),
    )


def draw_dataset(out: Path, preset: str, count: int, size: int, seed: int, workers: int) -> dict:
    """Draw a whole set to `out`; returns what `drawn.json` says.

    Raises: UserError if a number is out of range, `out` is not a new or empty folder, or cannot be
      written.
    """
    bounds = {"--count": (count, MIN_COUNT, 2**24), "--size": (size, 32, 2048)}
    bounds |= {"--seed": (seed, 0, 2**31), "--workers": (workers, 1, 1024)}
    for flag, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise UserError(f"{flag}: received {value}, expected {low} to {high}")
    items = plan(preset, count, seed)
    card = {"kind": "birds", "preset": preset, "count": count, "size": size, "seed": seed}
    if preset == "full":
        card["held_out_of_training"] = [f"{colour} {part}" for part, colour in birds.HELD_OUT]
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
            write_set(aside, items, size, workers)
            write(aside / "drawn.json", [json.dumps(card, indent=1)])
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
        description="Draw a captioned data set in the layout of CUB-200-2011.", allow_abbrev=False
    )
    parser.add_argument("--kind", choices=("birds",), default="birds")
    parser.add_argument("--preset", choices=tuple(birds.PRESETS), default="full")
    parser.add_argument("--count", type=int, default=4000, help="pictures in all (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--size", type=int, default=304, help="pixels a side (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other birds")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    args = parser.parse_args(argv)
    card = draw_dataset(args.out, args.preset, args.count, args.size, args.seed, args.workers)
    print(json.dumps({"out": str(args.out), **card}))
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
