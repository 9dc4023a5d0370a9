"""Generated pictures as files: single PNGs, a contact sheet with the sentences, a manifest."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from misc.data.atomic import disk_errors, make_folder, replace_with
from misc.data.images import contact_sheet, encode_png
from misc.evaluation.steady import Stages

# A sheet is to be looked at: of more captions or copies it shows the first.
SHEET_CAPTIONS = 40
SHEET_COPIES = 4
SHEET_WIDTH = 1200  # pixels, roughly
TILE = 128  # pixels; captions under narrower pictures are hard to read
COLUMNS = ("file", "caption", "copy", "stage", "seed", "run", "step", "encoder")


def slug(sentence: str) -> str:
    """The beginning of a sentence as part of a file name: a-z, 0-9 and hyphens, at most 40."""
    return re.sub(r"[^a-z0-9]+", "-", sentence.lower())[:40].strip("-") or "sentence"


def write_gallery(
    out: Path,
    captions: Sequence[str],
    embeddings: np.ndarray,
    stages: Stages,
    *,
    copies: int,
    batch: int,
    seed: int,
    facts: dict,
) -> Path:
    """Sample `copies` pictures of each caption and write them into folder `out`.

    pictures/0001_a-red-bird_02_stage1.png: caption 1, copy 2. Picture j of caption i is number
    i * copies + j, and its noise depends on that and the seed alone, so neither the batch nor the
    captions that follow change it. Of two stages the sheet shows each copy twice, Stage-I first.
    Pictures that an earlier manifest.csv lists and the new one does not are removed in the end.

    Args:
      captions, embeddings: n sentences, and float32 (n, width), which may be memory-mapped.
      stages: of a room's sampler.
      batch: pictures at once; they are written as they come, so memory does not grow with n.
      facts: `run`, `step` and `encoder` for the manifest, which is written last.
    Returns: the path of the contact sheet, out/sheet.png; beside it is manifest.csv.
    Raises: UserError if `out` cannot be written.
    """
    make_folder(out / "pictures")
    total, digits = len(captions) * copies, max(4, len(str(len(captions))))
    shown, outdated = [], _listed(out / "manifest.csv")
    with (
        replace_with(out / "manifest.csv") as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
        tqdm(total=total, desc="sample", unit="picture", disable=None) as bar,
    ):
        manifest = csv.DictWriter(file, COLUMNS)
        manifest.writeheader()
        for start in range(0, total, batch):
            numbers = np.arange(start, min(start + batch, total))
            drawn = stages(np.asarray(embeddings[numbers // copies]), seed, start)
            for number, *pictures in zip(numbers, *drawn, strict=True):
                i, copy = divmod(int(number), copies)
                name = f"{i + 1:0{digits}d}_{slug(captions[i])}_{copy + 1:02d}"
                row = facts | {"caption": captions[i], "copy": copy + 1, "seed": seed}
                for stage, picture in enumerate(pictures, 1):
                    path = f"pictures/{name}_stage{stage}.png"
                    with disk_errors(out / path):
                        (out / path).write_bytes(encode_png(Image.fromarray(picture)))
                    manifest.writerow(row | {"file": path, "stage": stage})
                    outdated.discard(path)
                if i < SHEET_CAPTIONS and copy < SHEET_COPIES:
                    shown += pictures
            bar.update(len(numbers))
    _remove(outdated, out / "pictures")
    sheet = _sheet(shown, captions[:SHEET_CAPTIONS])
    with replace_with(out / "sheet.png") as partial:
        sheet.save(partial)
    return out / "sheet.png"


def _listed(manifest: Path) -> set[str | None]:
    """What the `file` column of an earlier manifest names; nothing if there is none to read."""
    try:
        with open(manifest, newline="", encoding="utf-8") as file:
            return {row.get("file") for row in csv.DictReader(file)}
    except (OSError, ValueError, csv.Error):
        return set()


def _remove(listed: set[str | None], folder: Path) -> None:
    # By what lies in the folder, not by the manifest's paths: those may lead anywhere.
    if folder.is_symlink():
        return
    with disk_errors(folder):
        for file in folder.iterdir():
            if f"{folder.name}/{file.name}" in listed and not file.is_dir():
                file.unlink()


def _sheet(pictures: list[np.ndarray], captions: Sequence[str]) -> Image.Image:
    columns = max(1, SHEET_WIDTH // (TILE * len(pictures) // len(captions)))
    return contact_sheet(pictures, captions, min(columns, len(captions)), TILE)
