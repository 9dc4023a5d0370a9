"""The flags of every room's `run_exp.py`, and of programs that import the ancestors' weights."""

import argparse
from pathlib import Path

from easydict import EasyDict

from misc.config.errors import UserError
from misc.config.keys import plain_name
from misc.config.load import load_config, to_yaml


def configure(
    room: str, description: str, argv: list[str] | None
) -> tuple[argparse.Namespace, EasyDict]:
    """Parse a room's flags and load its configuration; imports no TensorFlow.

    Returns: the flags (`run`, `dry_run`) and the configuration, which is printed unless --dry-run.
    Raises: UserError for a mistake in the file or the flags; SystemExit for --help.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    add_config_flags(parser)
    parser.add_argument("--run", help="run folder (default: runs/<CONFIG_NAME>_<DATASET_NAME>)")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="build the networks, print their sizes as one JSON line, write nothing",
    )
    args = parser.parse_args(argv)
    cfg = configured(room, args)
    if not cfg.TRAIN.FLAG:
        raise UserError(
            f"{args.cfg or 'defaults'}: TRAIN.FLAG is False: this program trains; "
            f"to sample or evaluate run python main.py --cfg {args.cfg or 'cfg/eval_bird.yml'}"
        )
    print(to_yaml(cfg), end="")
    return args, cfg


def configure_import(
    room: str, description: str, argv: list[str] | None
) -> tuple[argparse.Namespace, EasyDict]:
    """The same for a program that makes a run folder of an ancestor's checkpoint.

    Returns: the flags (`checkpoint`, `discriminator`, `embeddings`, `out`) and the configuration.
    Raises: UserError also if they cannot describe an ancestor's run.
    """
    parser = argparse.ArgumentParser(
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_flags(parser)
    parser.add_argument(
        "--checkpoint",
        required=True,
        metavar="FILE",
        help="netG_*.pth, model_*.ckpt, or what precedes its .index",
    )
    parser.add_argument("--discriminator", metavar="FILE", help="netD_*.pth, to train on with")
    parser.add_argument(
        "--embeddings",
        metavar="NAME",
        help="the embeddings in the prepared set that it was trained on (default: char-CNN-RNN)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the run folder to make")
    args = parser.parse_args(argv)
    cfg = configured(room, args)
    refuse_existing_run(args.out)
    if args.embeddings and plain_name(args.embeddings):
        raise UserError(f"--embeddings {args.embeddings}: expected {plain_name(args.embeddings)}")
    for key, value in (("TEXT.STANDARDIZE", cfg.TEXT.STANDARDIZE), ("TRAIN.EMA", cfg.TRAIN.EMA)):
        if value:
            raise UserError(f"{key} is {value}, but the ancestors know no such thing: leave it out")
    if not cfg.TEXT.DIMENSION:
        raise UserError("TEXT.DIMENSION is 0, but there is no set here to ask: say the width")
    if args.discriminator and cfg.GAN.NETWORK_TYPE != "pytorch":
        raise UserError(
            f"--discriminator, but GAN.NETWORK_TYPE is {cfg.GAN.NETWORK_TYPE}: a TensorFlow "
            "checkpoint holds its discriminator itself, leave the flag out"
        )
    return args, cfg


def refuse_existing_run(out: str | Path) -> None:
    """Raise UserError if --out, where an imported run should go, is a run folder already."""
    if (Path(out) / "config.yml").exists():
        raise UserError(f"{out} is a run folder already: name another one with --out")


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Add --cfg, --gpu and --set."""
    parser.add_argument("--cfg", metavar="FILE", help="YAML file; it lists only what differs")
    parser.add_argument("--gpu", metavar="N", help="sets GPU_ID: 0, or 0,1, or -1 for the CPU")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change one key, such as TRAIN.BATCH_SIZE=32; may be repeated",
    )


def configured(room: str, args: argparse.Namespace) -> EasyDict:
    """The configuration that --cfg, --set and --gpu ask for."""
    overrides = list(args.set)
    if args.gpu is not None:
        overrides.append(f'GPU_ID="{args.gpu}"')
    return load_config(room, args.cfg, overrides)
