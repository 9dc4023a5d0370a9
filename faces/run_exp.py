"""Train T2F: a description becomes a face, from 4x4 px upwards. The same command resumes a run."""

import sys

from misc.config.cli import configure
from misc.config.errors import run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Run the program with these flags; returns its exit code."""
    args, cfg = configure("faces", __doc__, argv)
    import_tensorflow()
    from faces.data import with_vocabulary
    from faces.trainer import build, make_data
    from misc.training.experiment import train

    cfg = cfg if args.dry_run else with_vocabulary(cfg)
    return train(cfg, args, "faces", build, make_data)


if __name__ == "__main__":
    sys.exit(run_program(main))
