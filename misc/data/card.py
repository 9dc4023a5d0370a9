"""The card of a prepared set, for people: card.md says what set.json holds, card.png shows some."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from misc.data.atomic import disk_errors, replace_with, write_atomic
from misc.data.images import contact_sheet
from misc.data.prepared import open_split, read_card

SHOWN = 6  # pictures of each split
TILE = 160


def write_card(folder: Path) -> None:
    """Write card.md and card.png into the prepared set `folder`; raises as `open_split`."""
    card = read_card(folder)
    pictures, captions = [], []
    for split in card["splits"]:
        opened = open_split(folder, split)
        picks = np.linspace(0, len(opened) - 1, min(SHOWN, len(opened))).astype(int)
        for pick, png in zip(picks, opened.pictures(picks, opened.sizes[1]), strict=True):
            pictures.append(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
            record = opened.record(int(pick))
            # Imported embeddings may come without the sentences they were made from.
            captions.append(f"{split}: {(record['captions'] or [record['name']])[0]}")
    with disk_errors(folder), replace_with(folder / "card.png") as partial:
        contact_sheet(pictures, captions, columns=SHOWN, tile=TILE).save(partial)
    write_atomic(folder / "card.md", card_text(card).encode())


def card_text(card: dict) -> str:
    """Markdown of the content of set.json."""
    fewest, most = card["captions_per_picture"]
    sizes = " and ".join(
        f"{stored} px (for {size} px)"
        for stored, size in zip(card["sizes"], card["imsizes"], strict=True)
    )
    facts = {
        "source": card["source"],
        "licence": card["licence"],
        "split": card["split_rule"],
        "captions a picture": fewest if fewest == most else f"{fewest} to {most}",
        "different words": f"{card['vocabulary']:,}",
        "stored pictures": sizes + (", contrast stretched" if card["stretch"] else ""),
        "attributes": len(card["attributes"]) or "none",
        "left out": f"{card['left_out']:,} of the raw set",
        "checksum": f"SHA-256 {card['checksum']}",
    }
    counts = [
        f"| {split} | {n['pictures']:,} | {n['captions']:,} | {n['classes']:,} |"
        for split, n in card["splits"].items()
    ]
    broken = [f"- {reason}" for reason in card["broken"]]
    return "\n".join(
        [
            f"# {card['name']}",
            "",
            "| split | pictures | captions | classes |",
            "| --- | --- | --- | --- |",
            *counts,
            "",
            *(f"- {name}: {value}" for name, value in facts.items()),
            "",
            *(["Left out because they could not be used:", "", *broken, ""] if broken else []),
            "![some pictures of each split, each with its first caption](card.png)",
            "",
        ]
    )
