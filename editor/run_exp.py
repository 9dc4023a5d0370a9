"""Train the attribute editor: a VAE/GAN that encodes pictures. The same command resumes a run."""

import sys

from misc.config.cli import configure
from misc.config.errors import run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Run the program with these flags; returns its exit code."""
    args, cfg = configure("editor", __doc__, argv)
    import_tensorflow()
    from editor.trainer import build, make_data
    from misc.training.experiment import train

    return train(cfg, args, "editor", build, make_data)


if __name__ == "__main__":
    sys.exit(run_program(main))
