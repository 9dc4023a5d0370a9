"""What the features of TensorFlow Datasets' builders mean, for each builder that we know."""

from typing import NamedTuple

from misc.sources import celeba, coco, cub, flowers, lfw, lsun, pets


class Layout(NamedTuple):
    """Which features of a builder tell what of a picture; one that it lacks tells nothing.

    A feature is named by its keys from the outside in: ("captions", "text").

    Attributes:
      kinds: of our sets, those that it can make; none: any.   licence: see `source.card`.
      file: the picture's file, which names it.
      label: its class.   words: the same in words, if the label is a number.
      box: one box or several, each (ymin, xmin, ymax, xmax), 0 to 1; the largest counts.
      captions: its sentences.
      attributes: one feature for each, or `yes` and `unknown`.
      text: where its captions lie in a folder of them, from its name and its label's number.
      only: what says of which kind a picture is, if the builder has pictures of several.
      train, test: the builder's splits that are, as far as it has them.
      whole: no class is in both.   by: what is parted if there is no test, "class" or "picture".
      frame: box (x, y, width, height) of every picture, in pixels.
    """

    kinds: tuple[str, ...] = ()
    licence: str = "that of whoever made the builder's pictures and captions"
    file: tuple[str, ...] = ("file_name",)
    label: tuple[str, ...] = ("label",)
    words: tuple[str, ...] = ("label_name",)
    box: tuple[str, ...] = ("bbox",)
    captions: tuple[str, ...] = ("captions",)
    attributes: tuple[str, ...] = ("attributes",)
    text: str = "{name}.txt"
    only: tuple[str, ...] = ()
    train: tuple[str, ...] = ("train",)
    test: tuple[str, ...] = ("test",)
    whole: bool = False
    by: str = "picture"
    frame: tuple[float, float, float, float] | None = None


FILE = ("image/filename",)
DRAWN = "drawn by this project, MIT like it"
LAYOUTS = {
    "caltech_birds2011": Layout(("birds",), cub.LICENCE, FILE),
    "oxford_flowers102": Layout(
        ("flowers",),
        flowers.LICENCE,
        text="class_{label:05d}/{name}.txt",
        train=("train", "validation"),
    ),
    # Its own test is Karpathy's; the three together are val2014, the test of StackGAN.
    "coco_captions": Layout(
        ("coco",),
        coco.LICENCE,
        FILE,
        captions=("captions", "text"),
        test=("test", "val", "restval"),
    ),
    "lsun": Layout(("lsun",), lsun.LICENCE, ("id",), test=("validation",)),
    "lfw": Layout(("faces",), lfw.LICENCE, by="class"),
    "celeb_a": Layout(
        ("faces",),
        celeba.LICENCE,
        label=("identity", "Identity_No"),
        whole=True,
        frame=celeba.SQUARE,
    ),
    "cats_vs_dogs": Layout(("cats", "dogs"), pets.LAYOUTS["kaggle"].licence, FILE, only=("label",)),
    # Its boxes are of heads, and the pictures of the test have none.
    "oxford_iiit_pet": Layout(("cats", "dogs"), pets.LAYOUTS["oxford"].licence, only=("species",)),
    "stanford_dogs": Layout(
        ("dogs",), pets.LAYOUTS["stanford"].licence, FILE, box=("objects", "bbox")
    ),
    **{
        f"drawn_{kind}": Layout((kind,), DRAWN, whole=True)
        for kind in ("birds", "flowers", "faces")
    },
}
DEFAULTS = {
    "birds": "caltech_birds2011",
    "flowers": "oxford_flowers102",
    "coco": "coco_captions",
    "lsun": "lsun/church_outdoor",
    "faces": "celeb_a",
    "cats": "oxford_iiit_pet",
    "dogs": "stanford_dogs",
}
# What a class of each kind is one of: see `class_captions`.
THINGS = {"birds": "bird", "flowers": "flower", "cats": "cat", "dogs": "dog"}
