"""Run folders: opening, resuming, and taking trained networks out of them.

runs/<CONFIG_NAME>_<DATASET_NAME>/ holds config.yml (every key, and the room), data.json (by which
its data are known again), checkpoints/, log.jsonl, grids/, tensorboard/, and best/, the checkpoint
that evaluation during training chose. It is named by its configuration and not by the clock, so
that other configurations can name it in advance and the same command resumes it.
"""

import contextlib
import json
import math
import shutil
from pathlib import Path

from easydict import EasyDict

from misc.config.errors import UserError
from misc.config.load import differing_keys, load_run_config, save_config
from misc.data.atomic import write_atomic

_MOST_BYTES = 2**20  # of data.json, which has a few hundred


def run_folder(cfg: EasyDict, given: str | None) -> Path:
    """The folder a run lives in: --run if given, else runs/<CONFIG_NAME>_<DATASET_NAME>."""
    return Path(given) if given else Path("runs") / f"{cfg.CONFIG_NAME}_{cfg.DATASET_NAME}"


def open_run(
    cfg: EasyDict, room: str, folder: Path, facts: dict[str, str], *, write: bool = True
) -> None:
    """Make the run folder with its config.yml and data.json, or check that this may resume it.

    Args:
      facts: what the run's data are known by: digests, by the name of what they are of.
      write: False only checks, for a worker that is not the chief.
    Raises: UserError if the folder holds another room's run or one whose keys or data differ,
      naming them, or if it cannot be written.
    """
    config = folder / "config.yml"
    if config.exists():
        old_room, old = load_run_config(config)
        if old_room != room:
            raise UserError(
                f"{folder} is a run of {old_room}, not of {room}: name another folder with --run, "
                "or another CONFIG_NAME"
            )
        differing = differing_keys(room, old, cfg)
        if differing:
            raise UserError(
                f"{folder} was begun with other values of {', '.join(differing)}: restore them to "
                "resume, or name another folder with --run"
            )
        _check_data(folder, facts)
    if not write:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_changed(folder / "data.json", json.dumps(facts).encode() + b"\n")
        save_config(cfg, room, config)
    except OSError as error:
        raise UserError(
            f"{folder}: the run folder cannot be written: {error.strerror or error}; check the "
            "path and the free space, or name another folder with --run"
        ) from error


def read_facts(folder: Path) -> dict:
    """What a run was begun with, from its data.json; {} if there is none, as in an import.

    Raises: UserError if it is damaged.
    """
    path = folder / "data.json"
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES:,} bytes")
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({error}): delete it if the data are still those the run was begun "
            "with, or name another folder with --run"
        ) from error


def _check_data(folder: Path, facts: dict[str, str]) -> None:
    old = read_facts(folder)
    if not old:
        return  # a run of an older version: there is nothing to compare with
    differing = [
        f"{name} ({str(old.get(name))[:12]} -> {str(facts.get(name))[:12]})"
        for name in old | facts
        if old.get(name) != facts.get(name)
    ]
    if differing:
        raise UserError(
            f"{folder} was begun on other data: {', '.join(differing)}; put the old data back to "
            "resume, or name another folder with --run"
        )


def write_changed(path: Path, content: bytes) -> None:
    """Write a file as a whole, unless it already says just that; `UserError` if it cannot be."""
    if not path.exists() or path.read_bytes() != content:
        write_atomic(path, content)


def load_run(folder: str | Path, *rooms: str) -> tuple[str, EasyDict]:
    """The room and configuration of a finished or interrupted run.

    Args: folder; rooms: the rooms it may be of, any if none is named.
    Raises: UserError if it is no run folder, or of another room.
    """
    folder = Path(folder)
    if not (folder / "config.yml").is_file():
        raise UserError(
            f"{folder} is not a run folder (no config.yml): train it first, or name another one"
        )
    room, cfg = load_run_config(folder / "config.yml")
    if rooms and room not in rooms:
        raise UserError(f"{folder} is a run of {room}, expected one of {' or '.join(rooms)}")
    return room, cfg


def complete_checkpoints(folder: Path) -> list[str]:
    """Prefixes of the complete checkpoints in a folder, oldest first.

    Complete is one whose index can be read, as it is what a save writes last.
    """
    import tensorflow as tf

    steps = {}
    for index in folder.glob("ckpt-*.index"):
        prefix, step = str(index.with_suffix("")), index.stem.removeprefix("ckpt-")
        with contextlib.suppress(ValueError, tf.errors.OpError):
            tf.train.load_checkpoint(prefix)
            steps[int(step)] = prefix
    return [steps[step] for step in sorted(steps)]


def newest_checkpoint(folder: Path) -> str | None:
    """Prefix of the newest complete checkpoint of a run folder, or None if it holds none.

    Raises: UserError if there are some but none is complete.
    """
    checkpoints = folder / "checkpoints"
    complete = complete_checkpoints(checkpoints)
    if not complete and list(checkpoints.glob("ckpt-*.index")):
        raise UserError(
            f"{checkpoints}: no checkpoint in it can be read: put back a copy of one, or delete "
            "the folder to begin again"
        )
    return complete[-1] if complete else None


def read_best(folder: Path) -> dict | None:
    """What best.json says of the best checkpoint of a run folder; None if it keeps none.

    Returns: `step`, `value`, `metric` and what else values compare under, and `history`, the same
      of those that were the best before.
    Raises: UserError if the file is damaged.
    """
    path = folder / "best" / "best.json"
    if not path.exists():
        return None
    try:
        best = json.loads(path.read_text(encoding="utf-8"))
        for one in (best, *best["history"]):
            if type(one["step"]) is not int or not math.isfinite(one["value"]):
                raise ValueError(f"{one} is no step and value")
        return best
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}): put back a copy of it, or delete {path.parent}"
        ) from error


def _best_checkpoint(folder: Path) -> str:
    best = read_best(folder)
    if best is None:
        raise UserError(
            f"{folder} keeps no best checkpoint: take the newest (TEST.CHECKPOINT: newest), or "
            "train with EVAL.LIVE_INTERVAL above 0"
        )
    return str(folder / "best" / f"ckpt-{best['step']}")


def restore_networks(folder: str | Path, networks: dict, checkpoint: str = "newest") -> int:
    """Load networks, by name, from a checkpoint of a run.

    Args:
      folder: run folder.   networks: name -> built Keras model, as the run's trainer names them.
      checkpoint: "newest", or "best", the one that evaluation during training chose.
    Returns: the step of the checkpoint.
    Raises: UserError if there is no such checkpoint or its weights do not fit.
    """
    import tensorflow as tf

    folder = Path(folder)
    prefix = _best_checkpoint(folder) if checkpoint == "best" else newest_checkpoint(folder)
    if prefix is None:
        raise UserError(f"{folder} holds no checkpoint yet: train it first")
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    restore(tf.train.Checkpoint(step=step, **networks), prefix, partial=True)
    return int(step.numpy())


def restore(checkpoint, prefix: str, *, partial: bool = False) -> None:
    """Restore a tf.train.Checkpoint whole; `partial`: the file may hold more than is asked for.

    Raises: UserError if the file is damaged or belongs to another architecture.
    """
    import tensorflow as tf

    try:
        status = checkpoint.restore(prefix)
        if partial:
            status.expect_partial().assert_existing_objects_matched()
        else:
            status.assert_consumed()
    except (AssertionError, ValueError, IndexError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(
            f"{prefix}: this checkpoint does not fit the networks of its config.yml, or is damaged "
            f"({reason}); restore the configuration it was trained with, or use another run"
        ) from error


def rewind_log(folder: Path, step: int) -> None:
    """Drop the log lines and sample grids of steps after `step`: a resumed run makes them again.

    At step 0, where a run begins anew, the best checkpoint too.
    """
    if not step and (folder / "best").exists():
        shutil.rmtree(folder / "best")
    log = folder / "log.jsonl"
    if log.exists():
        kept = [
            line for line in log.read_text(encoding="utf-8").splitlines() if _before(line, step)
        ]
        write_changed(log, "".join(line + "\n" for line in kept).encode())
    for grid in (folder / "grids").glob("step-*.png"):
        if int(grid.stem.removeprefix("step-")) > step:
            grid.unlink()


def _before(line: str, step: int) -> bool:
    try:
        return json.loads(line)["step"] <= step
    except (ValueError, KeyError, TypeError):
        return False  # a line cut off by a kill
