"""Prepare pictures of dogs for training: python misc/preprocess_dogs.py

Expects in --source one of these, unpacked or as the original archives:
  stanford Stanford Dogs: Images/BREED/NAME.jpg; used if there: Annotation/BREED/NAME with boxes, to
           which the pictures are cropped, and train_list.mat, test_list.mat
  oxford   Oxford-IIIT Pets: images/, annotations/trainval.txt, test.txt
  kaggle   Microsoft's and Kaggle's cats and dogs: PetImages/Dog/; some files of it are no pictures
           (--skip-broken), and it names no breeds
There are no captions: they are made from the names of the breeds, as "this dog is a beagle".
"""

import sys

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.pets`."""
    # Not above: the processes that prepare pictures import this file.
    from misc.sources.pets import LAYOUTS, pets

    parser = source_parser(__doc__, "dogs")
    layouts = [name for name, layout in LAYOUTS.items() if "dog" in layout.species]
    parser.add_argument(
        "--layout", choices=layouts, help="which it is (default: what is there tells)"
    )
    args = parser.parse_args(argv)

    source = tfds_source(parser, args) or pets(args.source, "dog", args.layout, args.seed)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
