"""Do the numbers fall in order? Real pictures against real ones, ever more blurred, noisy, packed.

    python -m benchmarks.degradations --data data/demo_birds \
        --classifier runs/classifier_demo_birds --page docs/metrics.md

Half of the pictures of a prepared set, training and test, stand for the real ones, the other half
for a GAN's, as they are and spoilt by degrees. A number that can be trusted is near nothing for two
halves of one set, its floor, and grows worse with every degree. The classifier also reads what a
caption of each picture names, its oracle's ceiling.
"""

import argparse
import io
import shlex
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from misc.config.errors import run_program

METRICS = ("is", "fid", "kid", "pr")  # of pictures; beside them the attributes


def blur(radius: float, picture: Image.Image) -> Image.Image:
    """Gaussian, of `radius` pixels."""
    return picture.filter(ImageFilter.GaussianBlur(radius))


def noise(deviation: float, picture: Image.Image) -> Image.Image:
    """Normal, of `deviation` grey levels; the same for the same picture."""
    pixels = np.asarray(picture, np.float32)
    random = np.random.default_rng(np.asarray(picture).sum(dtype=np.int64))
    spoilt = pixels + random.normal(0, deviation, pixels.shape)
    return Image.fromarray(np.clip(spoilt, 0, 255).astype(np.uint8))


def jpeg(quality: int, picture: Image.Image) -> Image.Image:
    """Packed and unpacked, with colours at half the resolution."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


DEGREES = {
    "as they are": [("", lambda picture: picture)],
    "blur": [(f"radius {radius} px", partial(blur, radius)) for radius in (1, 2, 4, 8)],
    "noise": [(f"deviation {level}", partial(noise, level)) for level in (16, 32, 64, 128)],
    "JPEG": [(f"quality {quality}", partial(jpeg, quality)) for quality in (50, 20, 5, 1)],
}


def halves(data: Path, most: int, seed: int) -> list[tuple[np.ndarray, list[str]]]:
    """Two disjoint halves: uint8 (n, s, s, 3) at the larger size, and a caption of each picture."""
    from misc.data.images import centre_of
    from misc.data.prepared import open_split, read_card

    card = read_card(data)
    splits = [open_split(data, name) for name in card["splits"]]
    places = [(split, i) for split in splits for i in range(len(split))]
    order = np.random.default_rng(seed).permutation(len(places))[: 2 * most]
    parts = []
    for half in (order[::2], order[1::2]):
        chosen = [places[k] for k in half[: len(order) // 2]]
        pngs = [split.pictures([i], card["sizes"][1])[0] for split, i in chosen]
        captions = [(split.record(i)["captions"] or [""])[0] for split, i in chosen]
        parts.append((np.stack([centre_of(png, card["imsizes"][1]) for png in pngs]), captions))
    return parts


def rows_of(data: Path, classifier: str, most: int, seed: int, splits: int):
    """(kind, degree, {metric: line}) of each degree, and the number of pictures in a half."""
    from tqdm import tqdm

    from misc.data.mentions import mentions_of
    from misc.evaluation import features, judges
    from misc.evaluation.classifier import load
    from misc.evaluation.judging import judge
    from misc.evaluation.measures import Judged, measure

    classify = load(classifier)
    everyone = {
        "network": judges.by_network(features.load("efficientnet-lite0")),
        "classifier": judges.by_classifier(classify),
    }
    (real, _), (other, captions) = halves(data, most, seed)
    said = {
        "mentions": mentions_of(captions, classify.attributes),
        "attributes": classify.attributes,
    }
    facts = {name: one.facts for name, one in everyone.items()}
    rows, total = [], sum(map(len, DEGREES.values()))
    with tempfile.TemporaryDirectory() as aside, tqdm(total=total, disable=None) as bar:

        def looked_at(pictures, name):
            folder = Path(aside) / name
            folder.mkdir()
            batches = (pictures[i : i + 64] for i in range(0, len(pictures), 64))
            return judge(batches, len(pictures), everyone, folder)

        reals, ceiling = looked_at(real, "real"), looked_at(other, "other")
        own = np.arange(len(other))
        for kind, degrees in DEGREES.items():
            for degree, spoil in degrees:
                spoilt = np.stack([np.asarray(spoil(Image.fromarray(one))) for one in other])
                fakes = looked_at(spoilt, f"fake{len(rows)}")
                judged = Judged(fakes, reals, facts)
                lines = {one["metric"]: one for one, _ in measure(METRICS, judged, seed, splits)}
                # What the captions name is held against the same pictures, unspoilt.
                judged = Judged(fakes, ceiling, facts, own=own, **said)
                lines |= {one["metric"]: one for one, _ in measure(["attributes"], judged, seed, 1)}
                rows.append((kind, degree, lines))
                bar.update()
    return rows, len(real)


def page(command: str, rows, count: int) -> str:
    """The rows as Markdown."""
    first = rows[0][2]
    attributes = first["attributes"]
    kept = {k: v for k, v in attributes["per_attribute"].items() if k not in attributes["left_out"]}
    mean = np.mean([row["ceiling"] for row in kept.values()])
    lines = [
        "# Can the numbers be trusted?",
        "",
        f"Made by `{command}`: {count:,} real pictures against {count:,} others of the same set, "
        "as they are and spoilt by degrees; intervals of 95 %. Of halves of one set FID and KID "
        "tell the floor; `FID, limit` is FID extrapolated to ever more pictures. The Inception "
        "score and the attributes are the classifier's, which looks at 64 px: they tell what is "
        "shown, not how sharp.",
        "",
        "| pictures | IS | FID | FID, limit | KID x 1000 | precision | recall | attributes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, degree, told in rows:
        cells = [
            _shown(told["is"]),
            _shown(told["fid"]),
            f"{told['fid']['extrapolated']:.1f}",
            _shown(told["kid"], 1000),
            f"{told['pr']['precision']:.2f}",
            f"{told['pr']['recall']:.2f}",
            _shown(told["attributes"], 100) + " %",
        ]
        lines.append(f"| {' '.join(filter(None, (kind, degree)))} | {' | '.join(cells)} |")
    lines += [
        "",
        f"The Inception score of the real half is {first['is']['real']:.2f}. Protocols: "
        + ", ".join(f"`{told['protocol']}`" for told in first.values())
        + ".",
        "",
        "## What the oracle reads from real pictures",
        "",
        f"The share of what captions name that it reads; mean of the {len(kept)} attributes that "
        f"it reports: {mean:.3f}. Chance: the captions shuffled.",
        "",
        "| attribute | captions | real pictures | chance |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in attributes["per_attribute"].items():
        left = " (left out)" if name in attributes["left_out"] else ""
        lines.append(
            f"| {name}{left} | {row['n']:,} | {row['ceiling']:.3f} | {row['chance']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def _shown(line: dict, scale: float = 1) -> str:
    value, (low, high) = line["value"] * scale, line["interval"]
    return f"{value:.1f} ({low * scale:.1f} to {high * scale:.1f})"


def main(argv: list[str] | None = None) -> None:
    """Measure every degree, print the page or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared set")
    parser.add_argument("--classifier", required=True, help="folder of the set's classifier")
    parser.add_argument("--most", type=int, default=500, help="pictures in a half (500)")
    parser.add_argument("--splits", type=int, default=10, help="of the Inception score (10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="write it here")
    args = parser.parse_args(argv)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    rows, count = rows_of(args.data, args.classifier, args.most, args.seed, args.splits)
    given = sys.argv[1:] if argv is None else argv
    command = shlex.join(["python", "-m", "benchmarks.degradations", *given])
    if args.page:
        from misc.data.atomic import write_atomic

        write_atomic(args.page, page(command, rows, count).encode())
    else:
        print(page(command, rows, count), end="")


if __name__ == "__main__":
    sys.exit(run_program(main))
