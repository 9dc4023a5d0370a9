"""Sets that come through TensorFlow Datasets: from a builder's features to `Source`."""

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from misc.config.errors import UserError
from misc.data.captions import PICTURE_SUFFIXES, clean_caption, path_inside, read_lines
from misc.data.embeddings import SPLITS
from misc.data.images import FORMATS
from misc.data.picture import Picture, Pictures
from misc.sources.attribute_captions import attribute_captions
from misc.sources.class_captions import class_captions, families, spoken
from misc.sources.flowers import SHARE as FLOWERS
from misc.sources.lsun import SCENES
from misc.sources.source import Source, card, hashed_split, seeded_split
from misc.sources.tfds_builder import open_builder, read_examples
from misc.sources.tfds_layouts import DEFAULTS, LAYOUTS, THINGS, Layout

SHARE = 0.1  # of the pictures, for the test, where a builder has none
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # of Pillow
# What features of another form than that of any known builder make a reader say.
UNFIT = (TypeError, ValueError, KeyError, IndexError)
CLASSES = {"birds": 0.25, "flowers": FLOWERS}  # share of whole classes


def tfds_set(
    kind: str,
    name: str,
    folder: Path | None = None,
    texts: Path | None = None,
    split: str = "official",
    seed: int = 0,
) -> Source:
    """A set that TensorFlow Datasets has, or can get; its pictures are a stream, in a fixed order.

    Captions are the builder's own, else those in `texts`, else made of its attributes, if they are
    CelebA's, or of the names of its classes.

    Args:
      kind: a key of `DEFAULTS`.   name: of the builder; "": the default, or what is in `folder`.
      folder: see `open_builder`.
      texts: folder of captions, CLASS/NAME.txt, one a line.
      split: "official": that of the builder, or a share of the pictures if it has no test; "class":
        whole classes for the test, drawn by `seed`, unless the builder's own split is such.
      seed: also of the captions that are made.

    Raises: UserError as `open_builder`, for a builder of another kind or without what is needed,
      and, as late as that place is reached, for a damaged file.
    """
    builder = open_builder(name, DEFAULTS[kind], folder)
    layout = LAYOUTS.get(builder.name, Layout())
    if layout.kinds and kind not in layout.kinds:
        raise UserError(
            f"{builder.info.full_name} is no set of {kind}: misc/preprocess_{layout.kinds[0]}.py "
            "prepares it"
        )
    features, sizes = builder.info.features, builder.info.splits
    train, test = ([s for s in part if s in sizes] for part in (layout.train, layout.test))
    if not train or "image" not in features:
        raise UserError(
            f"{builder.data_dir} has the splits {', '.join(sizes) or '(none)'} and the features "
            f"{', '.join(features)}; expected a split train and image"
        )
    reader = Reader(builder, layout, kind, texts, seed)
    counts = [sum(sizes[s].num_examples for s in part) for part in (train, test)]
    left_out = sum(split.num_examples for split in sizes.values()) - sum(counts)
    if test and (split == "official" or layout.whole):
        rule = f"the builder's: {' and '.join(train)} train, {' and '.join(test)} test"
        by, choose = "class" if layout.whole else "picture", None
        places = dict(zip(SPLITS, (train, test), strict=True))
    else:
        rule, by, share, choose = reader.parting(split, seed)
        places = dict.fromkeys(SPLITS, train + test)
        counts = [round(sum(counts) * part) for part in (1 - share, share)]
    streams = {
        part: Pictures(partial(reader.pictures, places[part], part, choose), count)
        for part, count in zip(SPLITS, counts, strict=True)
    }
    source = f"{builder.info.full_name} of TensorFlow Datasets in {builder.data_dir}"
    facts = card(f"{source}, captions {reader.origin}", rule, by, layout.licence, left_out)
    return Source(streams, facts, reader.attribute_names, name=reader.scene)


class Reader:
    """What the examples of one builder say; see `Layout` and `tfds_set`.

    Attributes:
      label_names: of each number of the label, as far as they are numbers.
      attribute_names: in the order of the pictures' attributes.
      origin: of the captions, in words.
      scene: of all its pictures, a key of `SCENES`, if the set is LSUN's; else "".
    """

    def __init__(self, builder, layout: Layout, kind: str, texts: Path | None, seed: int):
        features = builder.info.features
        self.builder, self.layout, self.kind = builder, layout, kind
        self.texts, self.seed = texts, seed
        self.label_names = self._names(layout.label)
        self.families = families(map(spoken, self.label_names))
        self.attribute_names = ()
        if hasattr(answers := _at(features, layout.attributes), "keys"):
            # Those of a mapping have no order of their own.
            names = getattr(answers["yes"], "names", ()) if "yes" in answers else sorted(answers)
            self.attribute_names = tuple(names or ())
        # What a picture shows, and what kind of thing that is, if no class says more.
        self.subject = self.thing = THINGS.get(kind)
        self.scene = ""
        if kind == "lsun" and builder.info.config_name in SCENES:
            self.scene = builder.info.config_name
            self.subject, self.thing = SCENES[self.scene]
        if texts and not texts.is_dir():
            raise UserError(f"{texts} is no folder; expected one of captions, CLASS/NAME.txt")
        if layout.captions[0] in features:
            self.origin = "its own"
        elif texts:
            self.origin = f"in {texts}"
        elif kind == "faces" and self.attribute_names:
            self.origin = f"from attributes, seed {seed}"
        elif self.thing or kind == "faces" and layout.label[0] in features:
            self.origin = f"from the names of classes, seed {seed}"
        else:
            raise UserError(
                f"{builder.info.full_name} has no captions, and nothing that says what its "
                f"pictures show as a set of {kind}; expected a folder of captions: --texts DIR"
            )

    def parting(self, split: str, seed: int) -> tuple[str, str, float, Callable]:
        """A split that the builder does not have, drawn by `seed`; `split` as in `tfds_set`.

        Returns: its rule; "class" or "picture"; the share of the test; and `choose(name, example)`,
          which tells the part of a picture.
        """
        if split == "class":
            if not self.label_names:
                raise UserError(f"{self.builder.info.full_name} has no classes: --split official")
            share, names = CLASSES[self.kind], {name: name for name in self.label_names}
            drawn = seeded_split(names, share, seed, self.builder.data_dir)
            test = set(drawn.lists["test"])
            return drawn.rule, "class", share, lambda _, one: SPLITS[self._class(one)[1] in test]
        by = self.layout.by

        def choose(name: str, example: Mapping) -> str:
            key = str(self._class(example)[1]) if by == "class" else name
            return hashed_split(key, SHARE, seed)

        return f"by {by}, hashed with seed {seed}: {SHARE:.0%} test", by, SHARE, choose

    def pictures(self, splits: list[str], part: str, choose: Callable | None) -> Iterator[Picture]:
        """This kind's pictures of some splits of the builder: those that `choose`, if any, puts
        into `part`; see `parting`."""
        only = self.layout.only and THINGS[self.kind]
        names = self._names(self.layout.only)
        for split in splits:
            for number, example in enumerate(read_examples(self.builder, split)):
                try:
                    if only and _named(names, _at(example, self.layout.only)) != only:
                        continue
                    name = _file_name(_at(example, self.layout.file)) or f"{split}/{number:06d}"
                    if choose and choose(name, example) != part:
                        continue
                    picture = self._picture(name, example)
                except UNFIT as error:
                    raise UserError(
                        f"{self.builder.data_dir}: a feature of example {number} of {split} has "
                        f"another form than this program reads ({error}); prepare the set again "
                        "with features as in misc/sources/source_builder.py"
                    ) from error
                yield picture

    def _names(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Of the numbers of a feature, if it is a label that is one."""
        features = self.builder.info.features
        return tuple(getattr(_at(features, path[:1]), "names", None) or ())

    def _class(self, example: Mapping) -> tuple[int, str | None, str | None]:
        """Number (0 if it has none), name and words of an example's class; None without one."""
        value = _at(example, self.layout.label)
        if value is None or self.label_names and not 0 <= value < len(self.label_names):
            return 0, None, None
        number = int(value) if self.label_names else 0
        name = self.label_names[number] if self.label_names else _text(value)
        words = _at(example, self.layout.words)
        return number, name, name if words is None else _text(words)

    def _picture(self, name: str, example: Mapping) -> Picture:
        number, _, words = self._class(example)
        answers = _at(example, self.layout.attributes) if self.attribute_names else {}
        attributes = _attributes(answers, self.attribute_names)
        content, own = example["image"], _at(example, self.layout.captions)
        if not isinstance(content, bytes):
            raise TypeError(f"image is {type(content).__name__}, not an encoded picture")
        if own is not None:
            captions = tuple(filter(None, (clean_caption(_text(one)) for one in np.ravel(own))))
        elif self.texts:
            file = self.layout.text.format(name=name, label=number + 1)
            captions = read_lines(self.texts / path_inside(file, self.texts, self.builder.data_dir))
        else:
            known = dict(zip(self.attribute_names, attributes, strict=True))
            captions = self._made(name, words, known)
        kind = self.subject if self.kind == "lsun" else words
        box = self.layout.frame or _box(_at(example, self.layout.box), content)
        return Picture(content, name, kind, captions, box, attributes)

    def _made(self, name: str, words: str | None, known: dict[str, int]) -> tuple[str, ...]:
        """Captions of what is known of a picture; see `origin`."""
        said = spoken(words or "").strip("? ")  # one flower is a "pink-yellow dahlia?"
        if self.kind == "faces":
            who = said or "somebody"
            people = f"a photo of {who}", f"this is {who}"
            return attribute_captions(known, name, self.seed) if known else people
        subject, family = said or self.subject, self.families.get(said)
        return class_captions(subject, self.thing, name, self.seed, family=family)


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of an encoded picture; raises what Pillow does if it is none."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        return image.size


def _at(example: Mapping, path: tuple[str, ...]):
    """The value at the end of some keys; None if they do not lead to one."""
    for key in path:
        if not hasattr(example, "keys") or key not in example:
            return None
        example = example[key]
    return example if path else None


def _named(names: tuple[str, ...], number) -> str:
    """The name of a label's number in lower case; "" if it has none, as -1 for what is unknown."""
    return names[number].lower() if 0 <= number < len(names) else ""


def _text(value) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not np.isscalar(value):
        raise TypeError(f"{type(value).__name__} in place of a text")
    return str(value)


def _file_name(value: bytes | None) -> str:
    """CLASS/NAME of a path, as the readers of the original files name pictures."""
    path = PureWindowsPath(_text(value or ""))  # takes both kinds of slash
    if path.suffix.lower() in PICTURE_SUFFIXES:
        path = path.with_suffix("")
    return "/".join(path.parts[-2:])


def _attributes(answers: Mapping, names: tuple[str, ...]) -> tuple[int, ...]:
    if "yes" not in answers:
        return tuple(int(answers[name]) for name in names)
    values = np.zeros(len(names), int)
    for answer, value in (("yes", 1), ("unknown", -1)):
        if ((answers[answer] < 0) | (answers[answer] >= len(names))).any():
            raise ValueError("attributes has numbers without a name")
        values[answers[answer]] = value
    return tuple(values.tolist())


def _box(corners, content: bytes) -> tuple[float, float, float, float] | None:
    """The largest box in pixels, (x, y, width, height); None if there is none, or it is empty."""
    if corners is None:
        return None
    corners = np.nan_to_num(np.reshape(corners, (-1, 4)))
    top, left, bottom, right = corners.clip(0, 1).astype(float).T
    areas = (bottom - top).clip(0) * (right - left).clip(0)
    if not (areas > 0).any():
        return None
    try:
        width, height = picture_size(content)
    except UNREADABLE:
        return None  # it is named when it is packed
    i = areas.argmax()
    sides = (
        left[i] * width,
        top[i] * height,
        (right - left)[i] * width,
        (bottom - top)[i] * height,
    )
    # Stored in single precision: whole pixels come back as whole ones.
    return tuple(round(side, 2) for side in sides)
