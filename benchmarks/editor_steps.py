"""Speed and memory of the editor's training, as ratios to a plain Keras form of the same step.

    python -m benchmarks.editor_steps --run runs/editor_demo_faces [--rounds 5] [--out steps.json]

At the widths, size and batch of a run, and at the published widths, 64 px, in batches of 8. As in
`benchmarks.training` each variant lives in a process of its own, and they take turns. Plain is
`benchmarks.plain.editor_step`: stock layers in float32, each loss taken back through all that it
came through, Keras' RMSprop; and no one waits for another, so that it never has less to do.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.training import machine, serve_bursts, take_turns
from misc.config.errors import UserError, run_program

VARIANTS = ("plain float32", "float32", "bfloat16")
WORKS = ("as the run", "published")
PUBLISHED = ("GAN.WIDTH=1.0", "IMAGE.SIZE=64", "IMAGE.CHANNELS=3", "TRAIN.BATCH_SIZE=8")
PLAIN = ["vaegan", 3, "features", "both"]  # type, channels, what is compared, fakes
STEPS = {"as the run": 10, "published": 2}  # in a burst


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --variant) serve as one of its processes."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder of an editor")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--variant", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.variant:
        return serve(args.run, *args.variant)
    rows = measure(args.run, args.rounds)
    print(table(rows))
    if args.out:
        from misc.data.atomic import write_atomic

        result = {"machine": machine(), "rounds": args.rounds, "rows": rows}
        write_atomic(args.out, (json.dumps(result, indent=1) + "\n").encode())


def measure(run: Path, rounds: int) -> list[dict]:
    """One row a work and variant: steps/s (median), ratio to plain, peak memory.

    Raises: UserError if the run is not of the kind that the plain step is of.
    """
    from misc.training.runs import load_run

    _, cfg = load_run(run, "editor")
    kind = [cfg.GAN.NETWORK_TYPE, cfg.IMAGE.CHANNELS, cfg.LOSS.RECONSTRUCTION, cfg.LOSS.FAKES]
    if kind != PLAIN:
        raise UserError(f"{run}: of {kind}, but the plain form is of {PLAIN}; say --rounds 0")
    rows = []
    command = [sys.executable, "-m", "benchmarks.editor_steps", "--run", str(run), "--variant"]
    for work in WORKS:
        turns = take_turns([[*command, work, variant] for variant in VARIANTS], rounds)
        for variant, (rate, ratio, last) in zip(VARIANTS, turns, strict=True):
            row = {
                "work": work,
                "variant": variant,
                "steps_per_second": round(rate, 3),
                "ratio": round(ratio, 3),
                "peak_gib": round(last["peak_gib"], 2),
            }
            rows.append(row)
            print(row, file=sys.stderr)
    return rows


def serve(run: Path, work: str, variant: str) -> None:
    """Build one variant and serve its bursts."""
    from misc.config.quiet import import_tensorflow
    from misc.training.runs import load_run

    _, cfg = load_run(run, "editor")
    if work == "published":
        from misc.config.load import load_config

        cfg = load_config("editor", None, list(PUBLISHED))
    import_tensorflow()
    from misc.config.devices import choose_devices

    choose_devices("-1")
    step = make_step(cfg, variant)
    step()
    serve_bursts(lambda: [step() for _ in range(STEPS[work])], STEPS[work])


def make_step(cfg, variant: str):
    """A function that runs one step of a variant on pictures of noise, and waits for it."""
    import keras
    import tensorflow as tf

    from benchmarks import plain
    from editor.trainer import build
    from misc.training.distribute import precision

    batch, side = cfg.TRAIN.BATCH_SIZE, cfg.IMAGE.SIZE
    real = tf.random.stateless_uniform((batch, side, side, 3), (0, 0), -1.0, 1.0)
    if variant == "plain float32":
        networks = plain.editor(side, cfg.Z_DIM, cfg.GAN.WIDTH, cfg.LOSS.LAYER)
        decay = cfg.TRAIN.WEIGHT_DECAY / batch
        rates = [cfg.TRAIN.LEARNING_RATE] * 2 + [cfg.TRAIN.DISCRIMINATOR_LR]
        optimizers = [keras.optimizers.RMSprop(r, rho=0.9, weight_decay=decay) for r in rates]
        for optimizer, network in zip(optimizers, networks, strict=True):
            optimizer.build(network.trainable_variables)

        @tf.function
        def run():
            eps, prior = (tf.random.normal((batch, cfg.Z_DIM)) for _ in range(2))
            plain.editor_step(networks, real, eps, prior, cfg.LOSS, optimizers)
            return tf.reduce_sum(networks[2].trainable_variables[-1])

        return lambda: float(run())
    with precision(variant):
        trainer = build(cfg, 1, 100)
    step = tf.function(trainer.train_step)
    number = tf.constant(0, tf.int64)
    return lambda: float(step({"real": real}, number)["d_loss"])


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| widths | variant | steps/s | ratio | peak GiB |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        lines.append("| " + " | ".join(map(str, row.values())) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(run_program(main))
