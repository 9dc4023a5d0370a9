"""Speed and memory of faces, stage by stage, as ratios to a plain Keras form of the same step.

    python -m benchmarks.faces_steps --cfg faces/cfg/progressive_demo.yml --gpu -1
    python -m benchmarks.faces_steps --cfg faces/cfg/progressive.yml --gpu -1 --pictures 13233 \
        --set "BATCH_SIZES=[16,16,16,16,8]"

A step is all that training does with a batch, running averages included. A stage that fades in is
timed halfway, too, which changes the plain form alone: ours blends to the end of a stage; a
multi-scale run has one stage. Pictures are noise, captions as long as Face2Text's: half have more
than 24 words, one in twenty more than 60. Sampling makes 16 faces of the last size, from
embeddings. As in `benchmarks.training` each variant lives in a process of its
own, and they take turns; plain is `benchmarks.plain_faces`. A new graph costs what the first call
takes longer than others. A second table says where a run on so many pictures spends its time.
"""

import argparse
import sys
import time

from benchmarks.training import keep, serve_bursts, take_turns
from misc.config.cli import add_config_flags, configured
from misc.config.defaults.faces import GROUP, final_size, stages
from misc.config.errors import UserError, run_program

VARIANTS = ("plain float32", "float32", "bfloat16")
SAMPLING, FADING = "sampling", "px, fading"
FACES = 16  # sampled at once
BURST = 1.5  # seconds, about
# What a configuration must say for the plain step to be its own.
PLAIN = {
    "CONDITION": "concat",
    "MINIBATCH_STD": "group",
    "RGB": "linear",
    "CA_FORM": "logvar",
    "USE_EQL": True,
    "MASKED": True,
    "USE_EMA": True,
    "DETACH_TEXT": True,
    "USE_MATCHING_AWARE_DISCRIMINATOR": True,
    "MATCHING": "mean",
    "N_CRITIC": 1,
}


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --variant) serve as one of its processes."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_flags(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help='one work alone, such as "8 px", "8 px, fading", sampling')
    parser.add_argument("--pictures", type=int, default=4000, help="in the training set (4000)")
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--variant", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    cfg = configured("faces", args)
    check(cfg, args.pictures, args.only)
    if args.variant:
        return serve(cfg, *args.variant)
    given, rows = sys.argv[1:] if argv is None else argv, []
    for work in [args.only] if args.only else works(cfg):
        rows += measure([sys.executable, "-m", "benchmarks.faces_steps", *given], work, args.rounds)
    print(table(rows))
    if not args.only:
        print("\n" + growing(cfg, rows, args.pictures))
    keep(args.out, rows, rounds=args.rounds, pictures=args.pictures, flags=given)


def check(cfg, pictures: int, only: str | None = None) -> None:
    """See that there is a plain form of this configuration's step, and such a work.

    Raises: UserError if not, or if the pictures are less than a batch.
    """
    other = [f"{key} {cfg[key]}" for key, value in PLAIN.items() if cfg[key] != value]
    if other:
        raise UserError(
            f"{', '.join(other)}: the plain form has no such step; change it with --set"
        )
    odd = [size for size in cfg.BATCH_SIZES if size % GROUP or size > pictures]
    if odd:
        raise UserError(
            f"BATCH_SIZES: {odd[0]}, expected a multiple of {GROUP}, of at most the {pictures} "
            "pictures that --pictures says"
        )
    if only not in (None, *works(cfg)):
        raise UserError(f"--only {only}: expected one of: {'; '.join(works(cfg))}")


def works(cfg) -> dict[str, tuple[int, bool]]:
    """What is timed, by name: a stage, and whether that is still fading in."""
    if cfg.NETWORK_TYPE == "multiscale":
        found = {f"4 to {final_size(cfg)} px": (0, False)}
    else:
        found = {}
        for stage in range(cfg.DEPTH):
            if stage and cfg.FADE_IN_PERCENTAGE[stage]:
                found[f"{4 << stage} {FADING}"] = (stage, True)
            if not stage or cfg.FADE_IN_PERCENTAGE[stage] < 100:
                found[f"{4 << stage} px"] = (stage, False)
    return found | {SAMPLING: (stages(cfg) - 1, False)}


def measure(command: list[str], work: str, rounds: int) -> list[dict]:
    """One row a variant: steps/s (median), ratio to plain, peak memory, seconds of a new graph."""
    turns = take_turns([[*command, "--variant", work, variant] for variant in VARIANTS], rounds)
    rows = []
    for variant, (rate, ratio, last) in zip(VARIANTS, turns, strict=True):
        row = {
            "work": work,
            "variant": variant,
            "steps_per_second": float(f"{rate:.3g}"),
            "ratio": round(ratio, 3),
            "peak_gib": round(last["peak_gib"], 2),
            "graph_seconds": round(last["graph_seconds"], 1),
        }
        rows.append(row)
        print(row, file=sys.stderr)
    return rows


def serve(cfg, work: str, variant: str) -> None:
    """Build one variant and serve its bursts."""
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(cfg.GPU_ID)
    from benchmarks.faces_variants import make_step

    step, seconds = make_step(cfg, work, variant), []
    for _ in range(3):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    count = max(1, round(BURST / seconds[-1]))
    graph = seconds[0] - seconds[-1]
    serve_bursts(lambda: [step() for _ in range(count)], count, graph_seconds=graph)


def growing(cfg, rows: list[dict], pictures: int) -> str:
    """Where a run spends its time, as a Markdown table: minutes of each stage, and their shares."""
    found = {(row["work"], row["variant"]): row for row in rows}
    parts = {}
    for work, (stage, fading) in works(cfg).items():
        if work == SAMPLING:
            continue
        share = cfg.FADE_IN_PERCENTAGE[stage] / 100 if stage else 0.0
        own = parts.setdefault(stage, {"name": work.replace(FADING, "px")})
        own["steps"] = cfg.EPOCHS[stage] * (pictures // cfg.BATCH_SIZES[stage])
        for variant in VARIANTS:
            row = found[work, variant]
            seconds = own["steps"] * (share if fading else 1.0 - share) / row["steps_per_second"]
            own[variant] = own.get(variant, 0.0) + seconds / 60
            own[f"graph of {variant}"] = row["graph_seconds"]
    whole = {variant: sum(part[variant] for part in parts.values()) for variant in VARIANTS}
    lines = [
        f"| stage | steps | {', min | '.join(VARIANTS)}, min | new graph, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for part in parts.values():
        cells = [f"{part[one]:.3g} ({part[one] / whole[one]:.0%})" for one in VARIANTS]
        graph = part[f"graph of {VARIANTS[1]}"]
        lines.append(f"| {part['name']} | {part['steps']:,} | {' | '.join(cells)} | {graph} |")
    steps = sum(part["steps"] for part in parts.values())
    graphs = sum(part[f"graph of {VARIANTS[1]}"] for part in parts.values())
    cells = " | ".join(f"{minutes:.3g}" for minutes in whole.values())
    return "\n".join([*lines, f"| all | {steps:,} | {cells} | {graphs:.1f} |"])


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| work | variant | steps/s | ratio | peak GiB | new graph, s |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


if __name__ == "__main__":
    sys.exit(run_program(main))
