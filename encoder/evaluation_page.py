"""The numbers of `encoder/evaluate.py` as a page of Markdown, and its sheet of pictures."""

import re
from pathlib import Path
from urllib.parse import quote

import numpy as np

from encoder import retrieval
from misc.data.atomic import replace_with, write_atomic
from misc.data.images import centre_of, contact_sheet

NEAREST = 5  # captions and pictures for each sentence
TILE = 96
TITLES = {
    "zero_shot_top1": "top-1: a picture named by its class's captions",
    "ap@": "AP@{}: pictures of a class found by its captions",
    "caption_r@": "R@{}: a caption's own picture found",
    "caption_class_r@": "R@{}: a picture of a caption's class found",
}


class Neighbours:
    """What comes nearest to some sentences.

    Args:
      queries: sentences; rows: float (q, d), their embeddings.
      sentences: training captions; sentence_rows: float (m, d).
      pictures: float (n, d) of test pictures, or None.

    Attributes:
      queries; captions: for each the nearest different captions, with their cosines.
      pictures: int (q, up to 5), by dot product, which is the score the encoder was trained for;
        None without.
    """

    def __init__(self, queries, rows, sentences, sentence_rows, pictures):
        self.queries = queries
        first = {sentence: i for i, sentence in reversed(list(enumerate(sentences)))}
        different = sorted(first.values())
        order, cosines = retrieval.nearest(
            retrieval.unit(rows), retrieval.unit(sentence_rows[different]), NEAREST
        )
        self.captions = [
            [(sentences[different[k]], float(c)) for k, c in zip(ks, cs, strict=True)]
            for ks, cs in zip(order, cosines, strict=True)
        ]
        self.pictures = None if pictures is None else retrieval.nearest(rows, pictures, NEAREST)[0]

    def sheet(self, split):
        """A Pillow image: each sentence under the test pictures that fit it best."""
        side = max(split.card["imsizes"])
        stored = split.sizes[split.card["imsizes"].index(side)]
        files = split.pictures(self.pictures.ravel(), stored)
        return contact_sheet([centre_of(f, side) for f in files], self.queries, 2, TILE)


def write_page(
    path: Path, command: str, facts: dict, lines: list[dict], neighbours: Neighbours, split
) -> None:
    """Write the page, and beside it, where there are pictures, the sheet of the same name.

    Args:
      command: that makes the page; facts: of the run; lines: what was measured.
      split: of the test pictures.
    Raises: UserError if they cannot be written.
    """
    parts = [_head(command, facts), _numbers(lines), _probes(lines), _captions(neighbours)]
    if neighbours.pictures is not None:
        sheet = path.with_suffix(".png")
        with replace_with(sheet) as partial:
            neighbours.sheet(split).save(partial)
        parts.append(
            "## Nearest pictures\n\nOf the test split, the best first, by dot product.\n\n"
            f"![Each sentence under the five pictures that fit it best]({quote(sheet.name)})\n"
        )
    write_atomic(path, "\n".join(part for part in parts if part).encode())


def _head(command, facts):
    return (
        f"# What a text encoder knows: {_plain(Path(facts['run']).name)}\n\n"
        f"Made by `{command}` after {facts['step']:,} training steps, on the test split of "
        f"`{facts['data']}`, whose classes training has not seen.\n"
    )


def _numbers(lines):
    rows = [line for line in lines if line["metric"] != "probe"]
    missing = [f"Not measured: {_plain(line['why'])}.\n" for line in rows if "why" in line]
    rows = [line for line in rows if "why" not in line]
    if not rows:
        return "## Pictures\n\n" + "\n".join(missing)
    counts = rows[0]
    table = [
        (_title(r["metric"]), _percent(r["value"]), _percent(r["chance"]), _percent(r["best"]))
        for r in rows
    ]
    return (
        f"## Pictures\n\n{counts['pictures']:,} pictures and {counts['captions']:,} captions of "
        f"{counts['classes']:,} unseen classes. The score is a dot product; a class is the mean of "
        "its captions, as Reed et al. (CVPR 2016) measure it. AP@K is the share of right pictures "
        "among the K best, averaged over classes; R@K asks, for each single caption, whether one "
        "of the K best is right. Chance is exact: class vectors of random classes, pictures in a "
        "random order. `best` is what nothing exceeds: below 100 % where a class has fewer than K "
        "pictures.\n\n" + _table(("measure", "value", "chance", "best"), table)
    )


def _probes(lines):
    probes = [line for line in lines if line["metric"] == "probe"]
    if not probes:
        return ""
    rows = []
    for line, named in zip(probes[::2], probes[1::2], strict=True):
        numbers = [_percent(one[key]) for one in (line, named) for key in ("value", "bag_of_words")]
        chances = [_percent(one["chance"]) for one in (line, named)]
        rows.append(
            (_plain(line["attribute"]), chances[0], *numbers[:2])
            + (f"{named['captions']:,}", chances[1], *numbers[2:])
        )
    return (
        "## Attributes\n\nWhat a ridge regression, fitted to captions of training classes, reads "
        "from captions of unseen ones: balanced accuracy, of the embedding, and of a bag of the "
        "same captions' words and pairs of words, which is about what the text itself tells. Most "
        "captions leave most attributes out: on the right are those that name the attribute (by "
        "the words of its name and its values; synonyms are missed). Chance is 1 / values, the "
        "most that is reached without a look at the caption.\n\n"
        + _table(
            ("attribute", "chance", "embedding", "words")
            + ("captions that name it", "chance", "embedding", "words"),
            rows,
        )
    )


def _captions(neighbours):
    text = ["## Nearest captions\n\nOf training pictures, with their cosines.\n"]
    for query, found in zip(neighbours.queries, neighbours.captions, strict=True):
        text.append(f"**{_plain(query)}**\n")
        text += [f"- {cosine:.2f} {_plain(sentence)}" for sentence, cosine in found]
        text.append("")
    return "\n".join(text)


def _title(metric):
    name, at, k = metric.partition("@")
    return TITLES[name + at].format(k)


def _table(heads, rows):
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(share):
    return "" if share is None else f"{100 * np.float64(share):.1f} %"


def _plain(text):
    """Text of a file from outside, so that Markdown shows it as it is, in one line."""
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", " ".join(text.split()))
