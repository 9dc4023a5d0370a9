"""Prepare the Oxford 102 flowers for training: python misc/preprocess_flowers.py

Expects in --source (what is missing is named with where to get it):
  102flowers.tgz                      or what it holds, jpg/image_00001.jpg, ...
  imagelabels.mat, setid.mat          classes, and for --split official the split
  text_c10/class_00001/image_06734.txt, ...     ten captions a picture
  {train,test}/filenames.pickle and char-CNN-RNN-embeddings.pickle   if there: split, embeddings
Pictures are stored whole, squashed to squares, at two sizes.
"""

import sys

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.flowers`."""
    parser = source_parser(__doc__, "flowers")
    parser.add_argument(
        "--split",
        choices=("class", "official"),
        default="class",
        help="keep whole classes for the test (default), or setid.mat, which trains on a quarter",
    )
    parser.add_argument(
        "--captions",
        choices=("texts", "names"),
        default="texts",
        help="those in text_c10 (default), or made from the names of the classes",
    )
    args = parser.parse_args(argv)

    from misc.sources.flowers import flowers

    source = tfds_source(parser, args)
    source = source or flowers(args.source, args.split, args.captions, args.seed)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
