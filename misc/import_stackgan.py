"""Import StackGAN's sets: python misc/import_stackgan.py --source DIR --out data/NAME

Expects in DIR (what is missing or not as it should be is named):
  {train,test}/filenames.pickle, class_info.pickle, char-CNN-RNN-embeddings.pickle
  {train,test}/76images.pickle, 304images.pickle   the cropped pictures, kept as they are; or
  images/NAME.jpg                                  whole ones, as StackGAN-Pytorch has COCO
  {train,test}/val_captions.t7                     sentences and embeddings, instead of the pickle
Pickles are read by a reader that runs nothing of them. They are in memory whole, one at a time:
5 GB for CUB's pictures. They hold no sentences, so such a set has embeddings alone.
"""

import sys
from pathlib import Path

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, set_parser


def main(argv=None):
    """Parse the flags, read the files, write the prepared set; see `misc.sources.stackgan`."""
    parser = set_parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="where train/ and test/ are")
    parser.add_argument("--out", type=Path, required=True, help="the prepared set")
    parser.set_defaults(imsizes=(64, 256), stretch=False, seed=0)
    args = parser.parse_args(argv)

    from misc.sources.stackgan import stackgan

    preprocess(stackgan(args.source), args)


if __name__ == "__main__":
    sys.exit(run_program(main))
