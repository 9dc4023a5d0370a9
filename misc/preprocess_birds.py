"""Prepare CUB-200-2011 for training: python misc/preprocess_birds.py

Expects in --source (what is missing is named with where to get it):
  CUB_200_2011/                       the unpacked archive
  text_c10/CLASS/NAME.txt             ten captions a picture
  {train,test}/filenames.pickle and char-CNN-RNN-embeddings.pickle   if there: split, embeddings
Each picture is cropped to about 1.5 times its bounding box, and stored at two sizes.
"""

import sys

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.cub`."""
    parser = source_parser(__doc__, "birds")
    parser.add_argument(
        "--split",
        choices=("class", "official"),
        default="class",
        help="keep whole classes for the test (default), or CUB's own train_test_split.txt",
    )
    args = parser.parse_args(argv)

    from misc.sources.cub import cub

    source = tfds_source(parser, args) or cub(args.source, args.split, args.seed)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
