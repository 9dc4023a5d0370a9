"""From a configuration to a trained run: devices, data, run folder, networks, loop."""

import argparse
import json
from collections.abc import Callable

from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.atomic import disk_errors
from misc.training.distribute import choose_strategy, is_chief, precision
from misc.training.gan_data import data_folder, set_digest
from misc.training.runs import open_run, run_folder


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
    strategy = choose_strategy(cfg.GPU_ID)
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
    chief = is_chief(strategy)
    open_run(cfg, room, folder, facts, write=chief)
    if chief:
        with disk_errors(folder):
            data.save(folder)
    return loop(trainer, data, strategy, folder, cfg, live)


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
