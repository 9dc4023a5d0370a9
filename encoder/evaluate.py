"""Measure what a trained text encoder knows of classes that it was not trained on.

    python encoder/evaluate.py --run runs/encoder_birds
    python encoder/evaluate.py --run runs/encoder_birds --page docs/encoder.md

On every picture and caption of the test split: zero-shot classification and retrieval as published
by Reed et al. (CVPR 2016), the pictures that captions find, and what a linear map reads of each
attribute, each number with what chance gives. One JSON line a number, on stdout and in
evaluation/encoder.jsonl of the run folder; --page writes them as Markdown, with the captions and
pictures nearest to some sentences. An encoder that has no eye for pictures, an imported one, is
measured by its captions alone, unless --data names the released files of Reed et al., which hold
features of pictures.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from easydict import EasyDict
from tqdm import tqdm

from encoder import probe, retrieval
from encoder.release import is_release, open_release
from misc.config.errors import UserError, run_program

TRAINING = 10_000  # captions of training pictures that are looked at, at most: a choice of more
PICTURES = 64  # at once
QUERIES = 10  # of the page, if none are given


class Texts(NamedTuple):
    """Captions of a split. sentences: m of them.   owners: int (m,), pictures that they are of."""

    sentences: list[str]
    owners: np.ndarray


def texts_of(split, seed: int, *, a_class: int | None = None, most: int | None = None) -> Texts:
    """Captions of a split, all of them, or a seeded choice in their order.

    Args: a_class: at most so many of each class; most: at most so many in all.
    Raises: UserError if there is none.
    """
    sentences, owners = [], []
    for i in range(len(split.labels)):
        captions = split.record(i)["captions"]
        sentences += captions
        owners += [i] * len(captions)
    if not sentences:
        raise UserError(
            f"{split.folder}: no captions to measure a text encoder on; prepare the set from "
            "sources with captions"
        )
    order = np.random.default_rng(seed).permutation(len(sentences))
    if a_class:
        labels = split.labels[owners][order]
        grouped = order[np.argsort(labels, kind="stable")]
        place = np.arange(len(order)) - np.searchsorted(np.sort(labels), np.sort(labels))
        order = grouped[place < a_class]
    chosen = np.sort(order[:most])
    return Texts([sentences[k] for k in chosen], np.array(owners)[chosen])


def picture_embeddings(run: Path, cfg: EasyDict, split) -> tuple[np.ndarray | None, str]:
    """Embeddings of a split's pictures in the space of its captions, float32 (n, d).

    They are the features that the encoder was trained on, by their first view, or what the image
    tower in the run folder sees of each picture's middle. None, and why, if there is neither.
    """
    from encoder.data import image_features

    given = cfg.TRAIN.IMAGE_FEATURES
    if given.endswith(".npy"):
        return None, f"{given} holds features of the training pictures alone"
    if given:
        if not (split.folder / "features" / f"{given}.npy").exists():
            return None, f"{split.folder} has no features {given}, which the encoder was trained on"
        rows = image_features(split, given, cfg.TEXT.DIMENSION)[split.rows]
        return np.ascontiguousarray(rows if rows.ndim == 2 else rows[:, :, 0]), ""
    from encoder.look import has_eye

    tower = has_eye(run)
    if is_release(split.folder):
        if tower:
            return None, f"the encoder learnt from pictures, and {split.folder} holds features"
        return split.features, ""
    if not tower:
        return None, "no image tower came with this encoder"
    return _seen(run, cfg, split), ""


def _seen(run, cfg, split):
    from encoder.batches import family
    from encoder.look import load
    from misc.data.images import centre_of

    imsize, stored = family(split, cfg.IMAGE.SIZE)
    look = load(run, cfg)
    out = np.empty((len(split), cfg.TEXT.DIMENSION), np.float32)
    for start in tqdm(range(0, len(out), PICTURES), "pictures", disable=None):
        some = np.arange(start, min(start + PICTURES, len(out)))
        out[some] = look(np.stack([centre_of(p, imsize) for p in split.pictures(some, stored)]))
    return out


def main(argv: list[str] | None = None) -> None:
    """Measure, print and keep what the flags ask for."""
    args = _parse(argv)
    from misc.config.devices import choose_devices, gpu_indices
    from misc.training.gan_data import data_folder
    from misc.training.runs import load_run

    _, cfg = load_run(args.run, "encoder")
    if not (args.data or cfg.DATA_DIR or cfg.DATASET_NAME):
        raise UserError(f"{args.run} was trained elsewhere: name a prepared set with --data")
    data = args.data or data_folder(cfg)
    train, test = _splits(data, cfg)
    seen, unseen = (
        texts_of(train, args.seed, most=TRAINING),
        texts_of(test, args.seed, a_class=args.captions),
    )
    queries = _queries(args, unseen)
    gpu = cfg.GPU_ID if args.gpu is None else args.gpu
    gpu_indices(gpu)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(gpu)
    from encoder.embed import load
    from encoder.evaluation_page import Neighbours, write_page

    step, embed = _step(args.run), load(args.run, args.batch_size)
    with tqdm(total=len(seen.sentences) + len(unseen.sentences), unit="caption", disable=None) as b:
        rows, test_rows = (embed(some.sentences, b.update) for some in (seen, unseen))
    pictures, why = picture_embeddings(args.run, cfg, test)
    if _step(args.run) != step:
        raise UserError(
            f"{args.run} was trained on meanwhile, from step {step} to {_step(args.run)}: measure "
            "it when its training has ended"
        )
    if pictures is None:
        print(f"no pictures are measured: {why}", file=sys.stderr)
        lines = [{"metric": "retrieval", "value": None, "why": why}]
    else:
        lines = retrieval.measure(test_rows, unseen.owners, pictures, test.labels)
    if test.attribute_names:
        known = _known(train, seen, rows), _known(test, unseen, test_rows)
        lines += probe.measure(
            test.attribute_names, *known, partial(tqdm, desc="probe", disable=None)
        )
    facts = {
        "run": args.run.as_posix(),
        "step": step,
        "encoder": embed.digest,
        "data": data.as_posix(),
        "captions_a_class": args.captions,
        "seed": args.seed,
        "chance_by": "formula",  # none had to be simulated
    }
    _report(args.run, [line | facts for line in lines])
    if args.page:
        shown = pictures if test.sizes else None
        neighbours = Neighbours(queries, embed(queries), seen.sentences, rows, shown)
        write_page(args.page, _command(args), facts, lines, neighbours, test)


def _splits(data: Path, cfg: EasyDict):
    """Training and test split of a prepared set, or of the released files of Reed et al."""
    from misc.data.prepared import open_split

    if not is_release(data):
        return open_split(data, "train"), open_split(data, "test")
    train, test = open_release(data, cfg.TEXT.DIMENSION)
    if test is None:
        raise UserError(f"{data} has no testclasses.txt; expected the classes to measure on")
    return train, test


def _known(split, texts: Texts, rows):
    """Captions as `probe.measure` takes them."""
    owners = texts.owners
    return rows, texts.sentences, split.attributes[owners], split.labels[owners]


def _queries(args, unseen: Texts) -> list[str]:
    """The sentences of the page: those of --queries, or some captions of the test split."""
    from misc.data.sentences import read_sentences

    if args.queries:
        return read_sentences(args.queries).texts
    different = list(dict.fromkeys(unseen.sentences))
    order = np.random.default_rng(args.seed).permutation(len(different))
    return [different[k] for k in order[:QUERIES]]


def _step(run: Path) -> int:
    from misc.training.runs import newest_checkpoint

    newest = newest_checkpoint(run)
    if newest is None:
        raise UserError(f"{run} holds no checkpoint yet: train it first")
    return int(Path(newest).name.removeprefix("ckpt-"))


def _report(run: Path, lines: list[dict]) -> None:
    from misc.data.atomic import write_atomic

    text = "".join(json.dumps(line) + "\n" for line in lines)
    print(text, end="")
    write_atomic(run / "evaluation" / "encoder.jsonl", text.encode())


def _command(args: argparse.Namespace) -> str:
    """What makes the same page again."""
    given = {
        "--run": args.run,
        "--data": args.data,
        "--captions": args.captions,
        "--queries": args.queries,
        "--seed": args.seed or None,
        "--page": args.page,
    }
    flags = [f"{flag} {value}" for flag, value in given.items() if value is not None]
    return " ".join(["python encoder/evaluate.py", *flags])


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder of the encoder")
    parser.add_argument("--data", type=Path, metavar="DIR", help="prepared set (default: run's)")
    parser.add_argument("--captions", type=int, metavar="N", help="of a class, at random (all)")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="the same as Markdown")
    parser.add_argument("--queries", type=Path, metavar="FILE", help="sentences for the page")
    parser.add_argument("--seed", type=int, default=0, help="of what is chosen at random (0)")
    parser.add_argument("--batch-size", type=int, default=256, help="captions at once (256)")
    parser.add_argument("--gpu", metavar="N", help="0, or -1 for the CPU (default: run's GPU_ID)")
    args = parser.parse_args(argv)
    for flag, value, least in (
        ("--captions", args.captions, 1),
        ("--batch-size", args.batch_size, 1),
        ("--seed", args.seed, 0),
    ):
        if value is not None and value < least:
            raise UserError(f"{flag} {value}: expected a whole number of at least {least}")
    if args.page and args.page.suffix != ".md":
        raise UserError(f"--page is {args.page}: expected a file name that ends in .md")
    if args.queries and not args.page:
        raise UserError("--queries is for the page: add --page FILE.md")
    return args


if __name__ == "__main__":
    sys.exit(run_program(main))
