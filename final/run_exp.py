"""Train Stage-II: a Stage-I picture and its text become 256x256. The same command resumes a run."""

import sys

from misc.config.cli import configure
from misc.config.errors import run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Run the program with these flags; returns its exit code."""
    args, cfg = configure("final", __doc__, argv)
    import_tensorflow()
    from final.trainer import build, make_data
    from misc.training.experiment import train
    from misc.training.gan_data import with_width

    return train(with_width(cfg), args, "final", build, make_data)


if __name__ == "__main__":
    sys.exit(run_program(main))
