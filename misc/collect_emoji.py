"""Make a real captioned picture set of two npm packages: 3-D emoji, named and tagged by people.

  npm install --ignore-scripts @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0
  python misc/collect_emoji.py --packages node_modules --out data/raw/emoji
  python misc/preprocess_folder.py --images data/raw/emoji/images \\
      --captions data/raw/emoji/captions.csv --class-column class --out data/emoji

The first holds Microsoft's Fluent renders (WebP with alpha, later shown on white), the second
their English labels and tags; both are under the MIT license. 3,367 pictures get captions: the
label, and the label with three tags at a time ("lion", "lion, alpha, animal, face"). The pictures
of one emoji in several skin tones are one class, so that a wrong picture shows another subject.

Version 1.1.0 of the pictures has medium and medium-light skin the wrong way round in nearly all
emoji, and all tones of one (a mountain biker): the former are put right, the latter left out.
"""

import argparse
import csv
import hashlib
import json
import sys
from pathlib import Path

from misc.config.errors import UserError, run_program
from misc.data.atomic import disk_errors, make_folder, replace_with

PICTURES = Path("@lobehub/fluent-emoji-3d/assets")
LABELS = Path("emojibase-data/en/data.json")
INSTALL = "npm install --ignore-scripts @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0"
TAGS = 3  # in one caption
MEDIUM_LIGHT, MEDIUM = "1f3fc", "1f3fd"
MIXED_UP = [f"1f6b5-{tone}" for tone in ("1f3fb", MEDIUM_LIGHT, MEDIUM, "1f3fe", "1f3ff")]


def main(argv=None):
    """Copy the named pictures to OUT/images and write OUT/captions.csv: file, caption, class.

    The last line of stdout is a JSON object: `out`, `pictures`, `captions`, `classes` and
    `left_out`, the pictures without a label or of doubtful ones.
    Raises: UserError if a package is missing or not what it should be, or the disk is full.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--packages", type=Path, default=Path("node_modules"), help="npm's folder")
    parser.add_argument("--out", type=Path, default=Path("data/raw/emoji"), help="what to make")
    args = parser.parse_args(argv)

    assets = sorted((args.packages / PICTURES).glob("*.webp"))
    if not assets:
        raise UserError(f"{args.packages / PICTURES} has no pictures; install them: {INSTALL}")
    pictures = _put_right({_code(path.stem): path for path in assets})
    images = make_folder(args.out / "images")
    rows, classes = [], {}
    for code, kind, captions in _named(args.packages / LABELS):
        if code in pictures:
            content = pictures.pop(code).read_bytes()
            # A few emoji of different names are the same picture.
            kind = classes.setdefault(hashlib.sha256(content).hexdigest(), kind)
            with disk_errors(images):
                (images / f"{code}.webp").write_bytes(content)
            rows += [(f"{code}.webp", caption, kind) for caption in captions]
    if not rows:
        raise UserError(f"{args.packages / LABELS} names none of the pictures; {INSTALL}")
    with (
        replace_with(args.out / "captions.csv") as partial,
        open(partial, "w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows([("file", "caption", "class"), *rows])
    result = {
        "out": str(args.out),
        "pictures": len({file for file, _, _ in rows}),
        "captions": len(rows),
        "classes": len(set(classes.values())),
        "left_out": len(assets) - len({file for file, _, _ in rows}),
    }
    print(json.dumps(result))


def _code(text: str) -> str:
    """Code points in hex as both packages have them, but for the emoji selector fe0f."""
    return "-".join(part for part in text.lower().split("-") if part != "fe0f")


def _put_right(pictures: dict[str, Path]) -> dict[str, Path]:
    """{code: picture} with medium-light skin the brighter one of the two medium tones."""
    from PIL import ImageStat

    from misc.data.images import open_picture

    def brightness(code):
        return ImageStat.Stat(open_picture(pictures[code]).convert("L")).mean[0]

    result = {code: path for code, path in pictures.items() if code not in MIXED_UP}
    for light in [code for code in result if MEDIUM_LIGHT in code]:
        medium = light.replace(MEDIUM_LIGHT, MEDIUM)
        if medium in result and brightness(light) < brightness(medium):
            result[light], result[medium] = pictures[medium], pictures[light]
    return result


def _named(path: Path):
    """(code, label of the emoji without skin tones, captions) of all that the package names."""
    try:
        emojis = json.loads(path.read_text(encoding="utf-8"))
        for emoji in emojis:
            for tone in [emoji, *emoji.get("skins", [])]:
                captions = _captions(tone["label"], emoji.get("tags", []))
                yield _code(tone["hexcode"]), emoji["label"], captions
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {INSTALL}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not emojibase-data 17 ({error!r}); {INSTALL}") from error


def _captions(label: str, tags: list[str]) -> list[str]:
    """The label, then the label with three tags at a time that say more than it does."""
    words = set(label.lower().replace(":", "").replace(",", "").split())
    new = [tag for tag in tags if not set(tag.lower().split()) <= words]
    groups = [new[i : i + TAGS] for i in range(0, len(new), TAGS)]
    return [label, *(", ".join([label, *group]) for group in groups)]


if __name__ == "__main__":
    sys.exit(run_program(main))
