"""Prepare a folder of pictures with captions for training.

  python misc/preprocess_folder.py --images DIR --captions FILE --out data/NAME

Captions are a FILE.csv (columns file, caption), FILE.jsonl (the same keys), FILE.json as COCO has
it, or NAME.txt files in a folder, one caption a line. The class of a picture, outside of which
wrong pictures are drawn, is --class-column, else its sub-folder, else its captions.
"""

import sys
from pathlib import Path

from misc.config.errors import UserError, run_program
from misc.sources.prepare import preprocess, preprocess_parser


def main(argv=None):
    """Parse the flags, read the folder, write the set; see `misc.sources.folder`."""
    parser = preprocess_parser(__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder with the pictures")
    parser.add_argument("--captions", type=Path, help="file or folder (default: --images)")
    parser.add_argument("--class-column", help="column or key of the class, in CSV and JSONL")
    parser.add_argument(
        "--test-share",
        type=float,
        default=0.1,
        help="share of the classes that is kept for the test (default: 0.1)",
    )
    parser.add_argument("--out", type=Path, required=True, help="the prepared set")
    args = parser.parse_args(argv)
    if args.out.resolve().is_relative_to(args.images.resolve()):
        raise UserError(
            f"--out {args.out} lies in --images: its card would be one of the pictures; name "
            "another folder"
        )

    from misc.sources.folder import folder

    source = folder(args.images, args.captions, args.class_column, args.test_share, args.seed)
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
