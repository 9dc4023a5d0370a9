"""From a configuration to a trained run: devices, data, run folder, networks, loop."""

import argparse
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable
from pathlib import Path

from easydict import EasyDict

from misc.config.errors import UserError
from misc.config.load import ROOMS, values_of
from misc.data.atomic import disk_errors
from misc.training.cluster import read_cluster
from misc.training.distribute import choose_strategy, is_chief, precision
from misc.training.gan_data import data_folder, set_digest
from misc.training.runs import newest_checkpoint, open_run, run_folder
from misc.training.team import Team


def train(
    cfg: EasyDict, args: argparse.Namespace, room: str, build: Callable, make_data: Callable
) -> int:
    """Run one experiment, or resume it; with --dry-run only build its networks and print sizes.

    Args:
      cfg: resolved configuration, not changed.  args: `run` and `dry_run`.  room: its name.
      build: (cfg, replicas, steps_per_epoch) -> trainer, called in the strategy's scope. A trainer
        has `networks` and `optimizers` (by network's name, or any name for further ones; built),
        `train_step(batch, step) -> losses`, `snapshot(data) -> (scalars, Pillow image or None)`,
        and perhaps `frozen` networks that are saved along, `first_epoch`, `average` (a
        RunningAverage), `sampler(data)`, which `misc.training.live` evaluates, and `begin()`, which
        loads what training starts from (a dry run does without).
      make_data: (cfg) -> data, with `steps_per_epoch`, `dataset(start_step, context)`,
        `save(run folder)`, and perhaps `facts`, digests that a resumed run must find again, and
        `timetable`, if the run has stages: `dataset` then gives batches of the stage that the step
        is in, and `train_step` takes the stage's number as its third argument.
    Returns: the exit code of the program.
    Raises: UserError for what the user can mend.
    """
    if args.dry_run:
        with precision(cfg.PRECISION):
            print(json.dumps({"networks": sizes(build(cfg, 1, 1))}))
        return 0
    cluster = read_cluster(os.environ.get("TF_CONFIG", ""))
    with Team(cluster, 60 * cfg.TRAIN.WAIT_MINUTES) as team:
        return _train(cfg, args, room, build, make_data, team)


def _train(cfg, args, room: str, build: Callable, make_data: Callable, team: Team) -> int:
    common = common_facts(cfg, room) if team.several else {}
    strategy = choose_strategy(cfg.GPU_ID, team, common)
    replicas = strategy.num_replicas_in_sync
    parts = cfg.TRAIN.get("ACCUMULATE", 1)
    if cfg.TRAIN.get("BATCH_SIZE", replicas) % (replicas * parts):
        times = f" times the {parts} parts of TRAIN.ACCUMULATE" if parts > 1 else ""
        raise UserError(
            f"TRAIN.BATCH_SIZE {cfg.TRAIN.BATCH_SIZE} must be divisible by the {replicas} devices"
            + times
        )
    if cfg.get("XLA") and replicas > 1:
        raise UserError(
            f"XLA is for one device, and there are {replicas}, whose batch normalisation is "
            "synchronised: leave it out, or name one with GPU_ID"
        )
    import keras

    from misc.training.live import live_evaluation
    from misc.training.loop import loop

    data = make_data(cfg)
    folder = run_folder(cfg, args.run)
    with strategy.scope(), precision(cfg.PRECISION):
        keras.utils.set_random_seed(cfg.SEED)
        trainer = build(cfg, replicas, data.steps_per_epoch)
        if hasattr(trainer, "begin"):
            trainer.begin()
    check_networks(trainer)
    live = live_evaluation(cfg, trainer, data)
    facts = getattr(data, "facts", {})
    if (data_folder(cfg) / "set.json").is_file():  # what is no prepared set has facts of its own
        facts = {"prepared set": set_digest(cfg)} | facts
    if team.several:
        newest = {f"newest checkpoint in {folder}": Path(newest_checkpoint(folder) or "none").name}
        team.agree(facts | newest | {"initial weights": weights_digest(trainer)})
    chief = is_chief(strategy)
    open_run(cfg, room, folder, facts, write=chief)
    if chief:
        with disk_errors(folder):
            data.save(folder)
    return loop(trainer, data, strategy, folder, cfg, live)


def common_facts(cfg: EasyDict, room: str) -> dict:
    """What several workers must have in common before they make anything, by its name for people.

    The configuration but for where a machine has its data and devices, versions and our own code.
    """
    root, code = Path(__file__).parents[2], hashlib.sha256()
    for package in ("misc", *ROOMS):
        for path in sorted((root / package).rglob("*.py")):
            code.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    values = values_of(room, cfg)
    keys = {name: values[name] for name in values if name not in ("DATA_DIR", "GPU_ID")}
    versions = {n: importlib.metadata.version(n) for n in ("keras", "numpy")}
    here = {"program": room, "our code": code.hexdigest(), **versions}
    return here | keys


def weights_digest(trainer) -> str:
    """SHA-256 of the weights of all networks as they are now: 64 hex digits."""
    digest = hashlib.sha256()
    for network in (trainer.networks | getattr(trainer, "frozen", {})).values():
        for weight in network.weights:
            digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def sizes(trainer) -> dict[str, dict[str, int]]:
    """Parameters of each network the trainer trains, trainable and not."""

    def count(weights):
        return sum(int(w.value.shape.num_elements()) for w in weights)

    return {
        name: {
            "trainable": count(network.trainable_weights),
            "non_trainable": count(network.non_trainable_weights),
        }
        for name, network in trainer.networks.items()
    }


def check_networks(trainer) -> None:
    """Raise ValueError unless every variable belongs to exactly one network."""
    owner: dict[int, str] = {}
    for name, network in (trainer.networks | getattr(trainer, "frozen", {})).items():
        for weight in network.weights:
            if id(weight) in owner:
                raise ValueError(f"{weight.path} belongs to {owner[id(weight)]} and to {name}")
            owner[id(weight)] = name
