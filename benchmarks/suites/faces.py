"""Steps and sampling of a configuration of faces, stage by stage.

A step is all that training does with a batch, running averages included. A stage that fades in is
timed halfway, too, which changes the plain form alone: ours blends to the end of a stage; a
multi-scale run has one stage. Pictures are noise, captions as long as Face2Text's: half have more
than 24 words, one in twenty more than 60. Sampling makes 16 faces of the last size, from
embeddings. Plain is `benchmarks.plain_faces`. Operations and what is attainable are those of the
suite `training`. A second table says where a run on --pictures spends its time.
"""

from benchmarks.performance_page import figures
from benchmarks.suites.attainable import LIMITS, limit
from benchmarks.turns import Work
from misc.config.cli import configured
from misc.config.defaults.faces import GROUP, final_size, stages
from misc.config.errors import UserError

UNIT, ROUNDS = "steps", 3
VARIANTS = ("plain float32", "float32", "bfloat16")
SAMPLING, FADING = "sampling", "px, fading"
PICTURES = 4000  # in the training set
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


def check(args) -> None:
    """See that there is a plain form of this configuration's step.

    Raises: UserError if not, or if the pictures are less than a batch.
    """
    cfg, (pictures, *_) = configured("faces", args), args.pictures or [PICTURES]
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


def works(args) -> dict[str, tuple[str, ...]]:
    """The stages, and sampling."""
    steps = dict.fromkeys(places(configured("faces", args)), (*VARIANTS, *LIMITS))
    return steps | {SAMPLING: VARIANTS}


def places(cfg) -> dict[str, tuple[int, bool]]:
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


def make(args, work: str, variant: str, _folder: str) -> Work:
    """One step, or one batch of faces; or what a step is compared with."""
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    cfg = configured("faces", args)
    import_tensorflow()
    choose_devices(cfg.GPU_ID)
    if variant in LIMITS:
        return limit(variant)
    from benchmarks.faces_variants import make_step

    return make_step(cfg, *places(cfg)[work], variant, sampling=work == SAMPLING)


def more(args, rows: list[dict]) -> str:
    """Where a run spends its time: minutes of each stage, and their shares."""
    cfg, (pictures, *_) = configured("faces", args), args.pictures or [PICTURES]
    found = {(row["work"], row["variant"]): row for row in rows}
    parts = {}
    for work, (stage, fading) in places(cfg).items():
        if work == SAMPLING:
            continue
        share = cfg.FADE_IN_PERCENTAGE[stage] / 100 if stage else 0.0
        own = parts.setdefault(stage, {"name": work.replace(FADING, "px")})
        own["steps"] = cfg.EPOCHS[stage] * (pictures // cfg.BATCH_SIZES[stage])
        own["graph"] = found[work, VARIANTS[1]]["graph_seconds"]
        for variant in VARIANTS:
            rate = found[work, variant]["per_second"]
            seconds = own["steps"] * (share if fading else 1.0 - share) / rate
            own[variant] = own.get(variant, 0.0) + seconds / 60
    whole = {variant: sum(part[variant] for part in parts.values()) for variant in VARIANTS}
    lines = [
        f"Training on {pictures:,} pictures:",
        "",
        f"| stage | steps | {', min | '.join(VARIANTS)}, min | new graph, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for part in parts.values():
        cells = [f"{figures(part[one])} ({part[one] / whole[one]:.0%})" for one in VARIANTS]
        lines.append(
            f"| {part['name']} | {part['steps']:,} | {' | '.join(cells)} | {part['graph']} |"
        )
    steps, graphs = (sum(part[key] for part in parts.values()) for key in ("steps", "graph"))
    cells = " | ".join(map(figures, whole.values()))
    return "\n".join([*lines, f"| all | {steps:,} | {cells} | {graphs:.1f} |"])
