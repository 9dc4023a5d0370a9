"""Prepare scenes of LSUN for training: python misc/preprocess_lsun.py --scene church_outdoor

Expects in --source, of each scene: SCENE_train_lmdb/data.mdb and SCENE_val_lmdb/data.mdb, or the
archives SCENE_train_lmdb.zip and SCENE_val_lmdb.zip. The set is data/church, data/bedroom
and so on; several scenes make one, data/lsun, of which each is a class.
There are no captions: they are made from the names of the scenes, as "the outside of a church".
"""

import sys
from pathlib import Path

from misc.config.errors import run_program
from misc.sources.prepare import preprocess, source_parser, tfds_source


def main(argv=None):
    """Parse the flags, read the raw set, write the prepared one; see `misc.sources.lsun`."""
    # Not above: the processes that read and prepare pictures import this file.
    from misc.sources.lsun import SCENES, lsun

    parser = source_parser(__doc__, "lsun")
    parser.add_argument(
        "--scene",
        nargs="+",
        choices=SCENES,
        default=["church_outdoor"],
        metavar="SCENE",
        help=f"one or several of {', '.join(SCENES)} (default: church_outdoor)",
    )
    parser.add_argument(
        "--limit", type=int, help="training pictures of each scene, at most (bedroom: 3 million)"
    )
    parser.set_defaults(out=None)
    args = parser.parse_args(argv)
    scenes = tuple(dict.fromkeys(args.scene))

    source = tfds_source(parser, args) or lsun(args.source, scenes, args.limit, args.seed)
    # The church is the one that is called otherwise than its scene.
    args.out = args.out or Path("data") / (source.name.removesuffix("_outdoor") or "lsun")
    preprocess(source, args)


if __name__ == "__main__":
    sys.exit(run_program(main))
