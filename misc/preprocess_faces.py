"""Prepare faces for training, of CelebA or of LFW: python misc/preprocess_faces.py --source DIR

Expects in --source (what is missing is named with where to get it)
  CelebA: img_align_celeba/ or its .zip, list_attr_celeba.txt, list_eval_partition.txt, and, if
          there, identity_CelebA.txt; Kaggle's .csv do as well. Captions are made from the
          attributes, ten a picture, which --seed varies, or taken from --annotations.
  LFW:    lfw/ or lfw.tgz (or deepfunneled, funneled); peopleDevTrain.txt, peopleDevTest.txt and
          lfw_attributes.txt if there. Captions are those of --annotations.
--annotations is a JSON file of Face2Text. Pictures that it does not describe are left out.
"""

import argparse
import sys
from pathlib import Path

from misc.config.errors import UserError, run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source

# Of --source, in the form of `layout_of`.
LAYOUTS = {
    "celeba": (
        "CelebA, img_align_celeba/ with its tables",
        ("img_align_celeba*", "list_attr_celeba.*", "Anno/list_attr_celeba.*"),
    ),
    "lfw": ("LFW, lfw/ or lfw.tgz", ("lfw", "lfw.tgz", "lfw[-_]*funneled*")),
}


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources`."""
    parser = source_parser(__doc__, "faces")
    parser.add_argument("--layout", choices=tuple(LAYOUTS), help="default: by what is there")
    parser.add_argument("--annotations", type=Path, metavar="FILE", help="descriptions, as JSON")
    parser.add_argument(
        "--add-validation",
        action="store_true",
        help="CelebA: train on its validation pictures too, which are left out else",
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="CelebA: keep pictures whole, instead of their largest centred square; LFW's always",
    )
    args = parser.parse_args(argv)

    preprocess(tfds_source(parser, args) or _original(args), args)


def _original(args: argparse.Namespace):
    """The `Source` that lies in --source."""
    from misc.sources.source import layout_of

    if (args.layout or layout_of(args.source, "faces", LAYOUTS)) == "lfw":
        if args.add_validation:
            raise UserError("--add-validation: LFW has no validation pictures; leave it out")
        from misc.sources.lfw import lfw

        return lfw(args.source, args.annotations, args.seed)
    from misc.sources.celeba import celeba

    return celeba(args.source, args.annotations, args.seed, args.add_validation, args.whole)


if __name__ == "__main__":
    sys.exit(run_program(main))
