"""Any of our raw sets as a builder of TensorFlow Datasets; one module a set, as `tfds build` wants.

tfds build misc/sources/drawn_birds.py --manual_dir data/raw/drawn_birds --data_dir data/tfds
python misc/preprocess_birds.py --tfds drawn_birds --tfds-dir data/tfds --out data/drawn_birds
"""

import abc
from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from misc.config.errors import UserError
from misc.data.picture import Picture
from misc.sources.source import Source
from misc.sources.tfds_sets import UNREADABLE, picture_size


class SourceBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Packs what a `Source` gives, in its order: pictures as they are, and all that is known.

    Features: `image`; `file_name`, the picture's name; `label`, its class (one without is a class
    of its own, named after it); `captions`; `bbox`, empty for the whole picture, and cut off at its
    edges; `attributes`, of which some are answered with `yes` and some `unknown`. A builder that
    `tfds_layouts` does not know is read as if it had this form.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "The raw set is read from --manual_dir; nothing is downloaded."

    @abc.abstractmethod
    def source(self, root: Path) -> Source:
        """The raw set that lies in `root`."""

    def _info(self) -> tfds.core.DatasetInfo:
        answers = {
            name: tfds.features.Sequence(tfds.features.ClassLabel()) for name in ("yes", "unknown")
        }
        features = {
            "image": tfds.features.Image(),
            "file_name": tfds.features.Text(),
            "label": tfds.features.ClassLabel(),
            "captions": tfds.features.Sequence(tfds.features.Text()),
            "bbox": tfds.features.BBoxFeature(),
            "attributes": answers,
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=(self.__doc__ or "").partition("\n")[0],
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        source = self.source(Path(dl_manager.manual_dir))
        features = self.info.features
        classes = (p.class_name or p.name for part in source.splits.values() for p in part)
        features["label"].names = sorted(set(classes))
        for answers in features["attributes"].values():
            answers.feature.names = source.attribute_names
        return {part: self._generate_examples(p) for part, p in source.splits.items()}

    def _generate_examples(self, pictures: Iterable[Picture]) -> Iterator[tuple[int, dict]]:
        for number, picture in enumerate(pictures):
            content, (width, height) = _content(picture)
            box = _relative(picture.box, width, height, picture.name)
            answers = {"yes": 1, "unknown": -1}
            yield (
                number,
                {
                    "image": content,
                    "file_name": picture.name,
                    "label": picture.class_name or picture.name,
                    "captions": picture.captions,
                    "bbox": tfds.features.BBox(*box),
                    "attributes": {
                        name: [i for i, value in enumerate(picture.attributes) if value == answer]
                        for name, answer in answers.items()
                    },
                },
            )


def _relative(
    box: tuple[float, float, float, float] | None, width: int, height: int, name: str
) -> tuple[float, float, float, float]:
    """A box as (ymin, xmin, ymax, xmax), 0 to 1, cut off at the picture's edges; all 0 without one.

    Args: box: (x, y, width, height) in pixels.   width, height, name: of the picture.
    Raises: UserError if nothing is left of the box, which would mean the whole picture.
    """
    if box is None:
        return 0.0, 0.0, 0.0, 0.0
    x, y, w, h = box
    left, right = (min(max(side / width, 0.0), 1.0) for side in (x, x + w))
    top, bottom = (min(max(side / height, 0.0), 1.0) for side in (y, y + h))
    if not (left < right and top < bottom):
        raise UserError(
            f"{name}: nothing of the box {box} is inside the {width} x {height} picture; expected "
            "x, y, width, height in pixels"
        )
    return top, left, bottom, right


def _content(picture: Picture) -> tuple[bytes, tuple[int, int]]:
    """The encoded picture, its width and height; UserError if it cannot be read."""
    try:
        image = picture.image
        content = image if isinstance(image, bytes) else Path(image).read_bytes()
        return content, picture_size(content)
    except UNREADABLE as error:
        raise UserError(f"{picture.name}: not a readable picture ({error}); mend it") from error
