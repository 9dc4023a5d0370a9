"""Prepare pictures of cats for training: python misc/preprocess_cats.py

Expects in --source one of these, unpacked or as the original archives:
  oxford   Oxford-IIIT Pets: images/, annotations/trainval.txt, test.txt
  kaggle   Microsoft's and Kaggle's cats and dogs: PetImages/Cat/; some files of it are no pictures
           (--skip-broken), and it names no breeds
There are no captions: they are made from the names of the breeds, as "this cat is a siamese".
"""

import sys

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.pets`."""
    # Not above: the processes that prepare pictures import this file.
    from misc.sources.pets import LAYOUTS, pets

    parser = source_parser(__doc__, "cats")
    layouts = [name for name, layout in LAYOUTS.items() if "cat" in layout.species]
    parser.add_argument(
        "--layout", choices=layouts, help="which it is (default: what is there tells)"
    )
    args = parser.parse_args(argv)

    source = tfds_source(parser, args) or pets(args.source, "cat", args.layout, args.seed)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
