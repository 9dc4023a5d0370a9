"""Prepare COCO's pictures and captions for training: python misc/preprocess_coco.py

Expects in --source (what is missing is named with where to get it):
  train2017.zip, val2017.zip          or what they hold, train2017/ and val2017/
  annotations_trainval2017.zip        or of it annotations/captions_{train,val}2017.json
All captions of a picture are kept, of most five. Each picture is a class of its own. Pictures are
stored whole, squashed to squares, at two sizes: at most 37 GB for the sizes 64 and 256.
"""

import sys

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.coco`."""
    parser = source_parser(__doc__, "coco")
    parser.add_argument(
        "--year",
        type=int,
        choices=(2014, 2017),
        default=2017,
        help="which edition, in all names (default: 2017)",
    )
    args = parser.parse_args(argv)

    from misc.sources.coco import coco

    preprocess(tfds_source(parser, args) or coco(args.source, args.year), args)


if __name__ == "__main__":
    sys.exit(run_program(main))
