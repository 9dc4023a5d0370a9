"""Train a text encoder, the char-CNN-RNN or another TEXT.KIND, on captioned pictures.

The same command resumes a run.
"""

import sys

from misc.config.cli import configure
from misc.config.errors import UserError, run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Run the program with these flags; returns its exit code."""
    args, cfg = configure("encoder", __doc__, argv)
    if cfg.TEXT.KIND == "minilm":
        raise UserError(
            "TEXT.KIND is minilm, which comes trained: make its run folder with python "
            "encoder/import_minilm.py, or choose char-cnn-rnn or bag"
        )
    import_tensorflow()
    from encoder.trainer import build, make_data
    from misc.training.experiment import train

    return train(cfg, args, "encoder", build, make_data)


if __name__ == "__main__":
    sys.exit(run_program(main))
