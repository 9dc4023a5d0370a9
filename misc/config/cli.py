"""The flags that every room's `run_exp.py` has."""

import argparse

from easydict import EasyDict

from misc.config.errors import UserError
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
