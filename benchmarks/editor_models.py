"""Held-out faces and an editor's edits of them, measured; the program is `benchmarks.editor`."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.editor_scores import outcome, similarity, steps_to
from editor.directions import find_directions
from editor.edit import load
from editor.frame import FAINT, Frame
from editor.methods import METHODS
from misc.config.errors import UserError
from misc.data.prepared import open_split

SAMPLES = 3  # codes that are moved to each wanted vector of attributes
STEPS = (1.0, 2.0)


class Faces(NamedTuple):
    """Held-out pictures, and what is known of them.

    frames: of each picture as it is stored, largest.  labels: int8 (n, a); classes: (n,).
    real: what the oracle reads of them at `tile` px, the largest that the set is prepared for.
    """

    frames: list
    labels: np.ndarray
    classes: np.ndarray
    tile: int
    real: dict


class Model(NamedTuple):
    """An editor, and what it makes of the held-out pictures: uint8 (n, side, side, 3).

    directions: by their method.  codes: float32 (n, d).  read: what the oracle reads of `made`.
    """

    name: str
    editor: object
    directions: dict
    codes: np.ndarray
    made: np.ndarray
    read: dict


def held_out(data: Path, side: int, most: int, read: Callable) -> Faces:
    """Pictures of the test split, evenly out of it. Raises: UserError if they have no attributes.

    Args: side: of the editor's pictures; read: the oracle.
    """
    split = open_split(data, "test")
    if split.attributes is None:
        raise UserError(f"{data}: the set has no attributes, so no edit of it can be measured")
    rows = np.unique(np.linspace(0, len(split) - 1, most).round().astype(int))
    pngs = split.pictures(rows, split.sizes[-1])
    frames = [Frame(Image.open(io.BytesIO(png)).convert("RGB"), side) for png in pngs]
    tile = split.card["imsizes"][-1]
    shown = np.stack([frame.look(frame.picture, tile) for frame in frames])
    labels = np.asarray(split.attributes[rows])
    return Faces(frames, labels, split.labels[rows], tile, read(shown))


def model_of(name: str, run: Path, data: Path, faces: Faces, read: Callable) -> Model:
    """An editor with its directions, and its reconstructions of the held-out pictures."""
    editor = load(run)
    directions = {method: find_directions(editor, run, method, data) for method in METHODS}
    codes = editor.encode(np.stack([frame.pixels for frame in faces.frames]))
    made = editor.decode(codes)
    return Model(name, editor, directions, codes, made, read(made))


def similarities(
    models, faces: Faces, asked, change, recogniser, read: Callable, seed: int
) -> list[dict]:
    """Rows: how near pictures of each kind come to the attributes that are wanted of them.

    Wanted are those of the held-out pictures. Their reconstructions should have them, and so should
    other held-out pictures whose codes are moved there from what these show. Args: change: as of
    `steps_to`.
    """
    columns = [one.column for one in asked]
    wanted = faces.labels[:, columns]
    told = (wanted >= 0).any(axis=1)
    order = np.random.default_rng(seed).permutation(len(wanted))
    starts = [np.roll(order, k + 1)[np.argsort(order)] for k in range(SAMPLES)]
    rows = []

    def add(pictures, readings, apart=None):
        found = [similarity(wanted[told], one[told][:, columns]) for one in readings]
        row = {"pictures": pictures}
        for name, values in zip(("cosine", "mse"), zip(*found, strict=True), strict=True):
            row[name], row[f"{name}_deviation"] = float(np.mean(values)), float(np.std(values))
            # Of samples of one target, as far as there are several.
            row[f"{name}_of_one"] = float(np.mean(np.std(values, axis=0)))
        rows.append(row | ({} if apart is None else {"identity": float(np.mean(apart))}))

    def distance(reading):
        return recogniser(faces.real["features"], reading["features"])

    add("real", [faces.real["attributes"]])
    pixels = np.stack([frame.pixels for frame in faces.frames])
    if pixels.shape[1] < faces.tile:
        small = read(pixels)
        add("real, at the editor's size", [small["attributes"]], distance(small))
    add("real, of others", [faces.real["attributes"][start] for start in starts])
    for model in models:
        made = model.read
        add(f"{model.name}: reconstructed", [made["attributes"]], distance(made))
        for method, directions in model.directions.items():
            vectors = np.stack([directions.move({one.name: 1.0}) for one in asked])
            readings = []
            for start in starts:
                steps = steps_to(wanted, wanted[start], change)
                moved = model.editor.decode(model.codes[start] + steps @ vectors)
                readings.append(read(moved)["attributes"])
            add(f"{model.name}: moved there, {method}", readings)
    return rows


def edits(model: Model, faces: Faces, asked, recogniser, read: Callable) -> list[dict]:
    """Rows: every attribute edited alone, by each method, in one step and two, pasted and not."""
    rows = []
    total = len(model.directions) * len(STEPS) * len(asked)
    with tqdm(total=total, desc=f"edits of {model.name}", disable=None) as bar:
        for method in model.directions:
            for steps in STEPS:
                told = {False: {}, True: {}}
                for one in asked:
                    for pasted, found in _edited(
                        model, faces, one, method, steps, recogniser, read
                    ).items():
                        told[pasted][one.name] = found
                    bar.update()
                for pasted, found in told.items():
                    facts = {"model": model.name, "method": method, "steps": steps}
                    rows.append(_row(found) | facts | {"pasted": pasted})
    return rows


def _edited(model: Model, faces: Faces, one, method, steps, recogniser, read):
    """{pasted: (outcome, share of the picture that changes, difference of the rest)}."""
    vector = model.directions[method].move({one.name: steps})
    out = {}
    for pasted, before in ((False, model.read), (True, faces.real)):
        adding = before["attributes"][:, one.column] <= 0.5
        drawn = model.editor.decode(model.codes + np.where(adding, 1, -1)[:, None] * vector)
        if pasted:
            pairs = zip(faces.frames, drawn, model.made, strict=True)
            shown = np.stack([frame.look(frame.paste(e, r), faces.tile) for frame, e, r in pairs])
        else:
            shown = drawn
        after = read(shown)
        apart = recogniser(before["features"], after["features"], one.columns)
        found = outcome(one, faces.labels, before, after, apart)
        out[pasted] = found, *_rest(faces, drawn, model.made, shown)
    return out


def _rest(faces: Faces, drawn, made, shown):
    """Share of each picture that an edit changes; difference of the rest from the original (n,).

    What changes is what differs by more than `FAINT` levels between reconstruction and edit.
    """
    side, shares, differences = (faces.tile,) * 2, [], []
    for frame, edit, before, picture in zip(faces.frames, drawn, made, shown, strict=True):
        change = np.abs(edit.astype(int) - before).max(axis=-1) > FAINT
        changed = np.asarray(Image.fromarray(change).resize(side, Image.Resampling.NEAREST))
        large = np.asarray(Image.fromarray(picture).resize(side, Image.Resampling.BICUBIC))
        apart = large.astype(float) - frame.look(frame.picture, faces.tile)
        rest = np.square(apart[~changed])
        shares.append(changed.mean())
        differences.append(np.sqrt(rest.mean()) if rest.size else np.nan)
    return np.array(shares), np.array(differences)


def _row(told: dict) -> dict:
    """Means over pictures and then over attributes; `leakages`: of each picture, for intervals."""
    attributes = {}
    for name, (found, shares, rest) in told.items():
        kept, added = found.asked, found.added
        attributes[name] = {
            "asked": int(kept.sum()),
            "success": _mean(found.success[kept]),
            "added": _mean(found.success[kept & added]),
            "removed": _mean(found.success[kept & ~added]),
            "leakage": _mean(found.leakage[kept]),
            "identity": _mean(found.identity[kept]),
            "changed": _mean(shares[kept]),
            "rest": _mean(rest[kept & ~np.isnan(rest)]),
        }
    every = [found for found, _, _ in told.values()]
    asked = np.stack([found.asked for found in every])
    leakages = np.sum([np.where(found.asked, found.leakage, 0.0) for found in every], axis=0)
    means = {
        key: _mean([row[key] for row in attributes.values() if row[key] is not None])
        for key in ("success", "leakage", "identity", "changed", "rest")
    }
    return means | {"attributes": attributes, "leakages": leakages / np.maximum(asked.sum(0), 1)}


def _mean(values) -> float | None:
    return float(np.mean(values)) if len(values) else None
