"""Pictures for a reader: some test sentences with what a run makes of them, and ways between them.

RUN/evaluation/samples.json names them, RUN/evaluation/pictures/ holds them. The sentences depend on
the test split and the seed alone, so those of several runs on one set can be laid side by side.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, write_atomic
from misc.data.captions import parse_json
from misc.data.images import centre_of, encode_png, open_picture
from misc.data.prepared import PreparedSplit
from misc.evaluation.caption_choice import CaptionChoice
from misc.evaluation.neighbours import nearest
from misc.evaluation.records import bounded_text, finite
from misc.evaluation.steady import Stages

FILE = "samples.json"
SENTENCES = 24
QUERIES = 8  # of their pictures are looked up among the training pictures
NEAREST = 3
TYPICAL = 200  # test pictures that tell how far from training a real one lies
MOST = 2000  # training pictures that are looked at
STEPS = 8  # pictures on the way between two sentences, or two noises
_PICTURE = re.compile(r"pictures/[a-z0-9-]{1,60}\.png")
_PICTURE_BYTES = 32 * 2**20
_LONGEST = 1000  # lists in samples.json


def captions_digest(captions: Sequence[str]) -> str:
    """By which two evaluations know that they are about the same sentences: 64 hex digits."""
    return hashlib.sha256("\n".join(captions).encode()).hexdigest()


def write_samples(
    folder: Path,
    stages: Stages,
    embeddings: np.ndarray,
    split: PreparedSplit,
    *,
    imsize: int,
    seed: int,
    step: int,
    network=None,
    train: PreparedSplit | None = None,
    cache: Path | None = None,
) -> Path:
    """Write samples.json and its pictures.

    The way between two sentences is a straight line between their embeddings, with the same noise:
    embeddings have no norm to keep, and training itself shows the generator means of several
    (TRAIN.NUM_EMBEDDING). The way between two noises is `rows_normal`'s.

    Args:
      folder: RUN/evaluation.  stages: of a room's sampler.
      embeddings: float32 (captions of the split, width), perhaps memory-mapped.
      split: the test split.  imsize: side of the run's last pictures.
      step: of the run's checkpoint.
      network, train: a `misc.evaluation.features.Network` and the training split, for the nearest
        training pictures; without them there are none.  cache: see `nearest`.
    Returns: the path of samples.json, which is written last.
    Raises: UserError if `folder` cannot be written, or the set stores no pictures of this size.
    """
    make_folder(folder / "pictures")
    with disk_errors(folder / FILE):
        (folder / FILE).unlink(missing_ok=True)  # it would name pictures of two evaluations
    choice = CaptionChoice(split, embeddings, TYPICAL, seed, distinct=True)
    reals = np.concatenate(list(choice.reals(imsize, 64)))[choice.own]
    count = min(SENTENCES, len(reals))
    rows = np.asarray(embeddings[choice.rows[:count]], np.float32)
    captions = [_caption(split, *one) for one in zip(choice.pictures, choice.rows, strict=True)]
    captions = captions[:count]
    drawn = stages(rows, seed, 0)
    samples = {
        "seed": seed,
        "step": step,
        "imsize": imsize,
        "rows": [{"caption": caption} for caption in captions],
    }
    kinds = {"real": reals, "fake": drawn[-1]} | ({"stage1": drawn[0]} if len(drawn) > 1 else {})
    for kind, pictures in kinds.items():
        names = _save(folder, kind, pictures[:count])
        for row, name in zip(samples["rows"], names, strict=True):
            row[kind] = name
    samples["neighbours"] = None
    if network is not None and train is not None:
        samples["neighbours"] = _neighbours(
            folder, network, drawn[-1][:QUERIES], reals, train, cache, samples
        )
    labels = split.labels[choice.pictures[:count]]
    others = [*np.flatnonzero(labels != labels[0]), *range(1, count)]
    samples["between_sentences"] = None
    if others:
        ends, t = rows[[0, others[0]]], np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
        way = stages((1 - t) * ends[0] + t * ends[1], seed, 0, np.zeros(STEPS, np.float32))[-1]
        samples["between_sentences"] = {
            "captions": [captions[0], captions[others[0]]],
            "pictures": _save(folder, "sentences", way),
        }
    way = np.linspace(0, 1, STEPS, dtype=np.float32)
    pictures = stages(np.repeat(rows[:1], STEPS, axis=0), seed, 0, way)[-1]
    samples["between_noises"] = {
        "caption": captions[0],
        "pictures": _save(folder, "noises", pictures),
    }
    write_atomic(folder / FILE, json.dumps(samples, indent=1, allow_nan=False).encode())
    return folder / FILE


def _caption(split: PreparedSplit, picture: int, row: int) -> str:
    record, number = split.record(int(picture)), int(row - split.index["first"][picture])
    # Imported embeddings may come without the sentences they were made from.
    return record["captions"][number] if record["captions"] else record["name"]


def _save(folder: Path, kind: str, pictures: Sequence[np.ndarray]) -> list[str]:
    names = [f"pictures/{kind}-{k + 1:02d}.png" for k in range(len(pictures))]
    for name, picture in zip(names, pictures, strict=True):
        with disk_errors(folder / name):
            (folder / name).write_bytes(encode_png(Image.fromarray(picture)))
    return names


def _neighbours(folder, network, fakes, reals, train, cache, samples) -> dict:
    """Name the fakes' nearest training pictures in their rows; returns how they were looked for."""
    imsize, seed = samples["imsize"], samples["seed"]
    found = nearest(
        network,
        np.concatenate([fakes, reals]),
        train,
        imsize,
        count=NEAREST,
        most=MOST,
        seed=seed,
        cache=cache,
    )
    size = train.sizes[train.card["imsizes"].index(imsize)]
    for k, row in enumerate(samples["rows"][: len(fakes)]):
        places = found.places[k]
        files = train.pictures(places, size)
        names = _save(folder, f"near-{k + 1:02d}", [centre_of(file, imsize) for file in files])
        row["neighbours"] = [
            {"picture": name, "name": train.record(int(place))["name"], "distance": float(distance)}
            for name, place, distance in zip(names, places, found.distances[k], strict=True)
        ]
    low, median, high = np.quantile(found.distances[len(fakes) :, 0], (0.05, 0.5, 0.95))
    return {
        "network": network.judge,
        "network_digest": network.digest,
        "looked_at": found.looked_at,
        "of": len(train),
        "reals": len(reals),
        "typical": {"low": float(low), "median": float(median), "high": float(high)},
    }


def read_samples(folder: Path) -> dict | None:
    """What `write_samples` wrote, checked; None if there is nothing.

    Returns: its dict; each row has `neighbours` (perhaps []) and `stage1` (perhaps None).
    Raises: UserError if samples.json is not what this module writes.
    """
    path = folder / FILE
    if not path.exists():
        return None
    content = parse_json(str(path), bounded_text(path))
    try:
        neighbours = content["neighbours"]
        if neighbours is not None:
            neighbours = {
                "network": _text(neighbours["network"]),
                "typical": {
                    k: _number(neighbours["typical"][k]) for k in ("low", "median", "high")
                },
            } | {k: int(_number(neighbours[k])) for k in ("looked_at", "of", "reals")}
        between, noises = content["between_sentences"], content["between_noises"]
        return {
            "step": int(_number(content["step"])),
            "rows": [_row(row) for row in _list(content["rows"])],
            "neighbours": neighbours,
            "between_sentences": between
            and {
                "captions": [_text(between["captions"][k]) for k in (0, 1)],
                "pictures": [_picture(name) for name in _list(between["pictures"])],
            },
            "between_noises": {
                "caption": _text(noises["caption"]),
                "pictures": [_picture(name) for name in _list(noises["pictures"])],
            },
        }
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: not what main.py writes ({type(error).__name__}: {error}); remove it and run "
            "main.py again"
        ) from error


def _row(row: dict) -> dict:
    return {
        "caption": _text(row["caption"]),
        "fake": _picture(row["fake"]),
        "real": _picture(row["real"]),
        "stage1": _picture(row["stage1"]) if "stage1" in row else None,
        "neighbours": [
            {
                "picture": _picture(one["picture"]),
                "name": _text(one["name"]),
                "distance": _number(one["distance"]),
            }
            for one in _list(row.get("neighbours", []))
        ],
    }


def _list(value) -> list:
    if not isinstance(value, list) or len(value) > _LONGEST:
        raise TypeError(f"expected a list of at most {_LONGEST}")
    return value


def _text(value) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _number(value) -> float:
    if finite(value) is None:
        raise TypeError("expected a number")
    return float(value)


def _picture(value) -> str:
    if not _PICTURE.fullmatch(_text(value)):
        raise ValueError(f"{value[:80]!r} is no picture of its folder")
    return value


def open_sample(folder: Path, name: str) -> Image.Image:
    """A picture that `read_samples` named: RGB. Raises: UserError if it is not there, or none."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{path} leads out of {folder}: remove it and run main.py again")
    if path.is_file() and path.stat().st_size > _PICTURE_BYTES:
        raise UserError(f"{path}: more than {_PICTURE_BYTES:,} bytes; run main.py again")
    return open_picture(path)
