"""Train the classifier of a prepared set, on some individuals of every species, test it on others.

    python -m misc.evaluation.train_classifier --data data/birds --out runs/classifier_birds

Unlike a GAN it sees the species of both splits: it must judge pictures of the test species too. One
individual in five of each species is held out; its accuracy on them is printed as one JSON line on
stdout and stands beside every score it gives.
"""

import argparse
import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np

from misc.config.devices import choose_devices, gpu_indices
from misc.config.errors import UserError, run_program

# Pictures are held in memory at 76 px, 17 kB each: of a larger set a seeded choice is used.
MAX_PICTURES = 100_000


def read_set(folder: Path, stored: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All splits: pictures uint8 (n, stored, stored, 3), labels (n,), attributes int8 (n, a).

    Raises: UserError if there is no complete prepared set in `folder`.
    """
    from PIL import Image
    from tqdm import tqdm

    from misc.data.prepared import open_split, read_card

    card = read_card(folder)
    splits = [open_split(folder, name) for name in card["splits"]]
    places = [(split, i) for split in splits for i in range(len(split))]
    choice = np.random.default_rng([seed, 0]).permutation(len(places))[:MAX_PICTURES]
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


def train(folder: Path, out: Path, epochs: int, seed: int, gpu: str = "0") -> dict:
    """Fit, test on the held-out individuals, save both into `out`; returns the card."""
    from misc.config.quiet import import_tensorflow
    from misc.data.atomic import make_folder
    from misc.data.prepared import read_card, stored_size

    card = read_card(folder)
    make_folder(out)
    import_tensorflow()
    choose_devices(gpu)
    import keras

    from misc.evaluation import classifier, fit_classifier

    pictures, labels, attributes = read_set(folder, stored_size(classifier.SIZE), seed)
    test = fit_classifier.held_out_mask(labels, seed)
    if len(np.unique(labels)) < 2 or not test.any():
        raise UserError(
            f"{folder}: {len(np.unique(labels))} classes and {test.sum()} pictures to hold out; "
            "a classifier needs at least two classes, and classes of several pictures"
        )
    keras.utils.set_random_seed(seed)
    model = classifier.build(len(card["classes"]), len(card["attributes"]))
    mirrored = fit_classifier.mirrored_columns(card["attributes"])
    seen, unseen = ([a[rows] for a in (pictures, labels, attributes)] for rows in (~test, test))
    fit_classifier.fit(model, *seen, mirrored, epochs, seed)
    accuracy, shares = fit_classifier.accuracies(model, *unseen)
    facts = {
        "name": card["name"],
        "set": hashlib.sha256((folder / "set.json").read_bytes()).hexdigest(),
        "accuracy": accuracy,
        "attribute_accuracy": shares,
        "trained_on": int((~test).sum()),
        "tested_on": int(test.sum()),
        "epochs": epochs,
        "seed": seed,
        "classes": card["classes"],
        "attributes": card["attributes"],
    }
    classifier.save(out, model, facts)
    return facts


def main(argv: list[str] | None = None) -> None:
    """Parse the flags, train, print one JSON line."""
    parser = argparse.ArgumentParser(
        description="Train the classifier that scores are computed with.", allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared set, data/NAME")
    parser.add_argument("--out", type=Path, required=True, help="folder of the classifier")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    parser.add_argument("--seed", type=int, default=0, help="weights, order, held-out share (0)")
    parser.add_argument("--gpu", default="0", metavar="N", help="0 (default), or -1 for the CPU")
    args = parser.parse_args(argv)
    if args.epochs < 1 or args.seed < 0:
        raise UserError(f"--epochs {args.epochs} --seed {args.seed}: expected 1 and 0, or more")
    gpu_indices(args.gpu)
    facts = train(args.data, args.out, args.epochs, args.seed, args.gpu)
    known = [share for share in facts["attribute_accuracy"] if share is not None]
    summary = {
        "classifier": str(args.out),
        "accuracy": round(facts["accuracy"], 4),
        "attribute_accuracy": round(float(np.mean(known)), 4) if known else None,
        "classes": len(facts["classes"]),
        "trained_on": facts["trained_on"],
        "tested_on": facts["tested_on"],
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    sys.exit(run_program(main))
