"""Oxford 102 flowers: labels and split from Matlab files, the captions of Reed et al."""

from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.embeddings import ENCODER, SPLITS, published_embeddings
from misc.data.picture import Picture
from misc.sources.archives import unpack_missing
from misc.sources.class_captions import class_captions, families
from misc.sources.matlab import read_matlab
from misc.sources.reed import caption_reader, class_split
from misc.sources.source import Source, Split, card, check_classes, licence_in

FLOWERS_HOME = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
LICENCE = f"pictures of their owners, from the web, without a licence: {FLOWERS_HOME}"
SHARE = 20 / 102  # of the classes, for the test, as Reed et al. have it
MOST_PICTURES = 99_999  # as many as five digits count
# Of label 1, 2, ...: the set itself comes without names, its web page has them by the alphabet.
CLASS_NAMES = (
    "pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, "
    "tiger lily, moon orchid, bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, "
    "king protea, spear thistle, yellow iris, globe-flower, purple coneflower, peruvian lily, "
    "balloon flower, giant white arum lily, fire lily, pincushion flower, fritillary, red ginger, "
    "grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke, "
    "sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly, "
    "ruby-lipped cattleya, cape flower, great masterwort, siam tulip, lenten rose, "
    "barberton daisy, daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, "
    "buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula, sunflower, "
    "pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia, "
    "cautleya spicata, japanese anemone, black-eyed susan, silverbush, californian poppy, "
    "osteospermum, spring crocus, bearded iris, windflower, tree poppy, gazania, azalea, "
    "water lily, rose, thorn apple, morning glory, passion flower, lotus, toad lily, anthurium, "
    "frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen, "
    "watercress, canna lily, hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, "
    "mallow, mexican petunia, bromelia, blanket flower, trumpet creeper, blackberry lily"
).split(", ")


def flowers(root: Path, split: str = "class", captions: str = "texts", seed: int = 0) -> Source:
    """The Oxford 102 flowers and the captions of Reed et al., in one folder.

    root/102flowers.tgz             is unpacked, if there is no
    root/jpg/image_NNNNN.jpg        numbered from 1
    root/imagelabels.mat            `labels`: the class of each, from 1; LLLLL below
    root/text_c10/class_LLLLL/image_NNNNN.txt     one caption a line
    root/{train,test}/filenames.pickle, char-CNN-RNN-embeddings.pickle   StackGAN's, if there

    Args:
      split: "class" keeps whole classes for the test: filenames.pickle, else trainvalclasses.txt
        and testclasses.txt in `root` (lines such as class_00012), else 20 of 102, drawn by `seed`.
        "official" is root/setid.mat, which splits every class's pictures: `trnid` and `valid`, ten
        a class each, are the training pictures, and `tstid`, three quarters of the set, the test.
        (Some take it the other way round to train on more.)
      captions: "texts", or "names": made from the names of the classes; see `class_captions`.

    Of the captions as many are kept as there are embeddings; without text_c10 the embeddings must
    do. The pictures have no boxes: they are stored whole.
    Raises: UserError for a missing or damaged file (with where to get it) and for files that do not
      fit together.
    """
    unpack_missing(root, "jpg", "102flowers.tgz")
    if not (root / "jpg").is_dir():
        raise UserError(
            f"{root / 'jpg'} is missing; expected the pictures, or 102flowers.tgz beside it, from "
            f"{FLOWERS_HOME}"
        )
    (labels,) = _integers(root / "imagelabels.mat", "labels")
    names = [f"jpg/image_{number:05d}" for number in range(1, len(labels) + 1)]
    classes = {name: f"class_{label:05d}" for name, label in zip(names, labels, strict=True)}
    if split == "official":
        parted = _official(root / "setid.mat", names)
    else:
        parted = class_split(root, classes, "imagelabels.mat", SHARE, seed)
    if captions == "names":
        layout, embeddings = f"Oxford 102 flowers in {root}, captions from the class names", {}
        sentences = _sentences(root, names, labels, seed)
    else:
        layout = f"Oxford 102 flowers layout in {root}"
        embeddings = published_embeddings(root, parted.lists)
        read = caption_reader(root, embeddings)
        files = {name: name.replace("jpg", classes[name], 1) for name in names}
        sentences = {name: read(files[name]) for part in SPLITS for name in parted.lists[part]}
    splits = {
        part: [Picture(root / f"{n}.jpg", n, classes[n], sentences[n]) for n in parted.lists[part]]
        for part in SPLITS
    }
    check_classes(splits["train"], root)
    left_out = len(names) - sum(map(len, splits.values()))
    return Source(
        splits,
        card(layout, parted.rule, parted.by, licence_in(root, LICENCE), left_out),
        embeddings={ENCODER: embeddings} if embeddings else {},
    )


def _sentences(root: Path, names: list[str], labels: np.ndarray, seed: int) -> dict:
    """{name: captions that say what kind of flower it is}."""
    if labels.max() > len(CLASS_NAMES):
        raise UserError(
            f"{root / 'imagelabels.mat'} has class {labels.max()}, of which no name is known; "
            f"expected 1 to {len(CLASS_NAMES)}, or captions in {root / 'text_c10'}"
        )
    family = families(CLASS_NAMES)
    kinds = {name: CLASS_NAMES[label - 1] for name, label in zip(names, labels, strict=True)}
    return {
        name: class_captions(kind, "flower", name, seed, family=family.get(kind))
        for name, kind in kinds.items()
    }


def _official(path: Path, names: list[str]) -> Split:
    """See `flowers`."""
    train, valid, test = _integers(path, "trnid", "valid", "tstid")
    ids = np.concatenate([train, valid, test])
    if ids.max() > len(names) or len(np.unique(ids)) < len(ids):
        raise UserError(
            f"{path} lists a picture twice, or one that imagelabels.mat, with {len(names)}, does "
            f"not have; get both again from {FLOWERS_HOME}"
        )
    parts = (np.concatenate([train, valid]), test)
    lists = {s: [names[i - 1] for i in part] for s, part in zip(SPLITS, parts, strict=True)}
    rule = "setid.mat, official: trnid and valid train, the larger tstid test, of every class"
    return Split(lists, rule, "picture")


def _integers(path: Path, *keys: str) -> list[np.ndarray]:
    """The rows of numbers, each at least 1, that a Matlab file has under these names."""
    if not path.is_file():
        raise UserError(f"{path} is missing; get it from {FLOWERS_HOME}")
    rows = read_matlab(path, *keys)
    # NaN and infinity fail the first comparison, fractions the second.
    known = (len(row) <= MOST_PICTURES and (row >= 1) & (row <= MOST_PICTURES) for row in rows)
    if all(row.dtype.kind in "iuf" for row in rows) and all(map(np.all, known)):
        whole = [row.astype(np.int64) for row in rows]
        if all(map(np.array_equal, rows, whole)):
            return whole
    raise UserError(
        f"{path} holds other numbers than 1, 2, ... as {', '.join(keys)}; get it again from "
        f"{FLOWERS_HOME}"
    )
