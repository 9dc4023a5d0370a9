"""Pack a drawn set as a builder of TensorFlow Datasets, for whoever reads sets through it.

    python misc/draw_dataset.py --kind birds --out data/raw/drawn_birds
    python misc/build_tfds.py --builder drawn_birds --source data/raw/drawn_birds --out data/tfds
    python misc/preprocess_birds.py --tfds drawn_birds --tfds-dir data/tfds --out data/drawn_birds

The last line reads it again; so does tfds.load("drawn_birds", data_dir="data/tfds"). The same as
`tfds build misc/sources/drawn_birds.py --manual_dir data/raw/drawn_birds --data_dir data/tfds`,
which needs the packages apache-beam and mlcroissant.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

from misc.config.errors import UserError, run_program
from misc.data.atomic import disk_errors

BUILDERS = {
    "drawn_birds": "DrawnBirds",
    "drawn_flowers": "DrawnFlowers",
    "drawn_faces": "DrawnFaces",
}


def main(argv=None):
    """Parse the flags, pack the set; the last line of stdout is JSON: `out` and `splits`.

    Raises: UserError if the raw set is missing or damaged, the disk is full, or the set is in --out
      already.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--builder", choices=tuple(BUILDERS), required=True)
    parser.add_argument("--source", type=Path, required=True, help="the raw set")
    parser.add_argument("--out", type=Path, required=True, help="TensorFlow Datasets' data_dir")
    args = parser.parse_args(argv)

    if not args.source.is_dir():
        raise UserError(
            f"--source {args.source} is no folder; expected a raw set, as of misc/draw_dataset.py"
        )

    from misc.sources.tfds_builder import import_tfds, preparing

    tfds = import_tfds()
    module = importlib.import_module(f"misc.sources.{args.builder}")
    remedy = "mend the raw set, or remove what is there of it, and run the same command again"
    with preparing(f"{args.builder} in {args.out}", remedy), disk_errors(args.out):
        builder = getattr(module, BUILDERS[args.builder])(data_dir=str(args.out))
        if builder.is_prepared():
            raise UserError(
                f"{builder.data_dir} is there already; remove it, or name another --out"
            )
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=str(args.source))
        )
    splits = {name: split.num_examples for name, split in builder.info.splits.items()}
    print(json.dumps({"out": builder.data_dir, "splits": splits}))


if __name__ == "__main__":
    sys.exit(run_program(main))
