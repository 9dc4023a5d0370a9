"""Prepare faces for training, of CelebA or of LFW: python misc/preprocess_faces.py --source DIR

Expects in --source (what is missing is named with where to get it)
  CelebA: img_align_celeba/ or its .zip, list_attr_celeba.txt, list_eval_partition.txt, and, if
          there, identity_CelebA.txt; Kaggle's .csv do as well. Captions are made from the
          attributes, ten a picture, which --seed varies, or taken from --annotations.
  LFW:    lfw/ or lfw.tgz (or deepfunneled, funneled); peopleDevTrain.txt, peopleDevTest.txt and
          lfw_attributes.txt if there. Captions are those of --annotations.
--annotations is a JSON file of Face2Text. Pictures that it does not describe are left out.
"""

import sys
from pathlib import Path

from misc.config.errors import UserError, run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source

MARKS = {
    "celeba": ("img_align_celeba*", "list_attr_celeba.*", "Anno/list_attr_celeba.*"),
    "lfw": ("lfw", "lfw.tgz", "lfw[-_]*funneled*"),
}


def layout_of(root: Path) -> str:
    """`celeba` or `lfw`, by what lies in a folder; UserError if neither or both do."""
    found = [name for name, marks in MARKS.items() if any(any(root.glob(m)) for m in marks)]
    if len(found) != 1:
        raise UserError(
            f"--source {root} holds {' and '.join(found) or 'neither celeba nor lfw'}; expected "
            "img_align_celeba/ with CelebA's tables, or lfw/; choose by --layout"
        )
    return found[0]


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources`."""
    parser = source_parser(__doc__, "faces")
    parser.add_argument("--layout", choices=tuple(MARKS), help="default: by what is there")
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

    if args.tfds is not None:
        source = tfds_source(parser, args)
    elif (args.layout or layout_of(args.source)) == "lfw":
        if args.add_validation:
            raise UserError("--add-validation: LFW has no validation pictures; leave it out")
        from misc.sources.lfw import lfw

        source = lfw(args.source, args.annotations, args.seed)
    else:
        from misc.sources.celeba import celeba

        source = celeba(args.source, args.annotations, args.seed, args.add_validation, args.whole)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
