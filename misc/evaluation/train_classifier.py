"""Train the classifier of a prepared set, on some individuals of every species, test it on others.

    python -m misc.evaluation.train_classifier --data data/birds --out runs/classifier_birds

Unlike a GAN it sees the species of both splits: it must judge pictures of the test species too. One
individual in five of each species is held out; what it tells of them is printed as one JSON line on
stdout and stands beside every score it gives. It never sees a generated picture.

Within species attributes go together, and who knows the species need not look at the wings. With
--independent the attributes are learned from a second set, in which none tells another:

    python misc/draw_dataset.py --kind birds --preset easy --independent ... --out data/raw/mixed
    python misc/preprocess_birds.py --source data/raw/mixed --out data/mixed --imsizes 32 64
    python -m misc.evaluation.train_classifier --data data/birds --independent data/mixed --out ...
"""

import argparse
import hashlib
import io
import itertools
import json
import sys
from pathlib import Path

import numpy as np

from misc.config.devices import choose_devices, gpu_indices
from misc.config.errors import UserError, run_program

# Pictures are held in memory, 17 kB each for 64 px: of a larger set a seeded choice is used.
MOST_BYTES = 1.8e9


def read_set(folder: Path, stored: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All splits: pictures uint8 (n, stored, stored, 3), labels (n,), attributes int8 (n, a).

    More pictures than fit into `MOST_BYTES` are not read: `seed` chooses.

    Raises: UserError if there is no complete prepared set in `folder`.
    """
    from PIL import Image
    from tqdm import tqdm

    from misc.data.prepared import open_split, read_card

    card = read_card(folder)
    splits = [open_split(folder, name) for name in card["splits"]]
    places = [(split, i) for split in splits for i in range(len(split))]
    most = int(MOST_BYTES / (3 * stored**2))
    choice = np.random.default_rng([seed, 0]).permutation(len(places))[:most]
    places = [places[k] for k in np.sort(choice)]
    size = min((s for s in card["sizes"] if s >= stored), default=max(card["sizes"]))
    pictures = np.empty((len(places), stored, stored, 3), np.uint8)
    for picture, (split, i) in zip(pictures, tqdm(places, "read", disable=None), strict=True):
        with Image.open(io.BytesIO(split.pictures([i], size)[0])) as png:
            picture[:] = png.resize((stored, stored), Image.Resampling.BILINEAR)
    labels = np.array([split.labels[i] for split, i in places])
    attributes = np.zeros((len(places), len(card["attributes"])), np.int8)
    for row, (split, i) in zip(attributes, places, strict=True):
        row[:] = split.attributes[i] if card["attributes"] else ()
    return pictures, labels, attributes


def train(
    folder: Path,
    out: Path,
    epochs: int,
    seed: int,
    gpu: str = "0",
    independent: Path | None = None,
    size: int = 64,
) -> dict:
    """Fit, test on the held-out individuals, save both into `out`; returns the card.

    Of it, `attribute_accuracy` is of held-out pictures of the set that attributes are learned from,
    `attribute_ceiling` of the set's own: {attribute: share}, see `fit_classifier.accuracies`.

    Raises: UserError if there is nothing to learn from or to test on, or the sets do not have the
      same attributes.
    """
    from misc.config.quiet import import_tensorflow
    from misc.data.atomic import make_folder
    from misc.data.prepared import read_card, stored_size

    card = read_card(folder)
    names = card["attributes"]
    if independent:
        check_attributes(folder, names, independent, read_card(independent)["attributes"])
    make_folder(out)
    import_tensorflow()
    choose_devices(gpu)
    import keras

    from misc.evaluation import classifier, fit_classifier

    pictures, labels, attributes = read_set(folder, stored_size(size), seed)
    test = fit_classifier.held_out_mask(labels, seed)
    if len(np.unique(labels)) < 2 or not test.any():
        raise UserError(
            f"{folder}: {len(np.unique(labels))} classes and {test.sum()} pictures to hold out; "
            "a classifier needs at least two classes, and classes of several pictures"
        )
    seen, unseen = ([a[rows] for a in (pictures, labels, attributes)] for rows in (~test, test))
    mixed = unseen
    if independent:
        others, groups, of_others = read_set(independent, stored_size(size), seed)
        held = fit_classifier.held_out_mask(groups, seed)
        unknown = np.full(len(groups), -1)  # their classes mean nothing
        seen[2][:] = -1
        others = others, unknown, of_others
        seen = [np.concatenate([a, b[~held]]) for a, b in zip(seen, others, strict=True)]
        mixed = [b[held] for b in others]
    single = fit_classifier.one_of(names, seen[2])
    keras.utils.set_random_seed(seed)
    model = classifier.build(len(card["classes"]), len(names), size)
    fit_classifier.fit(model, *seen, names, single, epochs, seed)
    accuracy, ceiling = fit_classifier.accuracies(model, *unseen, names, single)
    shares = fit_classifier.accuracies(model, *mixed, names, single)[1] if independent else ceiling
    facts = {
        "name": card["name"],
        "set": _digest(folder),
        "independent": _digest(independent) if independent else None,
        "accuracy": accuracy,
        "attribute_accuracy": shares,
        "attribute_ceiling": ceiling,
        "trained_on": len(seen[1]),
        "tested_on": int(test.sum()),
        "epochs": epochs,
        "seed": seed,
        "classes": card["classes"],
        "attributes": names,
        "one_of": single,
    }
    classifier.save(out, model, facts)
    return facts


def check_attributes(folder: Path, names: list, independent: Path, others: list) -> None:
    """Raise UserError unless both sets have the same attributes, in the same order, and any."""
    if names == others and names:
        return
    pairs = itertools.zip_longest(names, others, fillvalue="nothing")
    number, (one, other) = next(
        ((k, pair) for k, pair in enumerate(pairs, 1) if pair[0] != pair[1]),
        (1, ("nothing", "nothing")),
    )
    raise UserError(
        f"--independent {independent}: its attribute {number} is {other}, that of {folder} is "
        f"{one}; expected the same attributes: draw both sets with one --kind and --preset"
    )


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / "set.json").read_bytes()).hexdigest()


def main(argv: list[str] | None = None) -> None:
    """Parse the flags, train, print one JSON line."""
    parser = argparse.ArgumentParser(
        description="Train the classifier that scores are computed with.", allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared set, data/NAME")
    parser.add_argument("--out", type=Path, required=True, help="folder of the classifier")
    parser.add_argument(
        "--independent",
        type=Path,
        help="prepared set of independently drawn attributes, to learn them from (none: --data)",
    )
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    parser.add_argument("--size", type=int, default=64, help="pixels a side it looks at (64)")
    parser.add_argument("--seed", type=int, default=0, help="weights, order, held-out share (0)")
    parser.add_argument("--gpu", default="0", metavar="N", help="0 (default), or -1 for the CPU")
    args = parser.parse_args(argv)
    for flag, value, least in (("epochs", args.epochs, 1), ("seed", args.seed, 0)):
        if value < least:
            raise UserError(f"--{flag} {value}: expected a whole number of at least {least}")
    if args.size % 16 or not 32 <= args.size <= 256:
        raise UserError(f"--size {args.size}: expected a multiple of 16 from 32 to 256")
    gpu_indices(args.gpu)
    facts = train(
        args.data, args.out, args.epochs, args.seed, args.gpu, args.independent, args.size
    )
    summary = {
        "classifier": str(args.out),
        "accuracy": round(facts["accuracy"], 4),
        "attribute_accuracy": _mean(facts["attribute_accuracy"]),
        "attribute_ceiling": _mean(facts["attribute_ceiling"]),
        "classes": len(facts["classes"]),
        "trained_on": facts["trained_on"],
        "tested_on": facts["tested_on"],
    }
    print(json.dumps(summary))


def _mean(shares: dict[str, float]) -> float | None:
    return round(float(np.mean(list(shares.values()))), 4) if shares else None


if __name__ == "__main__":
    sys.exit(run_program(main))
