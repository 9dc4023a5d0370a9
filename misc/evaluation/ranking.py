"""One order of several models from all their numbers, which no single number decides."""

import math
from collections.abc import Mapping, Sequence

from misc.config.errors import UserError

# What each metric is about, and whether more of it is better.
SIDES = {
    "pictures": {"is": True, "fid": False, "kid": False, "pr": True, "diversity": True},
    "sentences": {"r_precision": True, "attributes": True, "colour": True},
}


def ranking(models: Mapping[str, Sequence[dict]]) -> list[dict]:
    """The models from best to worst, as [{"model", "place", "score", "pictures", "sentences"}].

    A metric is compared if every model has one line of it, all of one protocol. On each, a model
    beats another if their intervals do not overlap, and halves with it if they do: a difference
    within the noise is none. What a model wins of all models, itself a half, is averaged over the
    metrics of a side, so that four metrics of pictures weigh no more than one of sentences; a side
    that nothing was compared on is None. The score is the geometric mean of the sides: who loses
    one side everywhere is not saved by winning the other, which is what mean ranks allow.

    A number that a line has a `ceiling` or `real` of, that is, what real pictures get, counts as
    that if it is better. Otherwise patterns that please a judge would pass real pictures.

    Places depend on who else is compared, and tell nothing of how far apart models are.

    Args: models: {name: lines}, as `protocols.line` makes them: `metric`, `value`, `interval`,
      `protocol`, perhaps `ceiling`; a value that is None or not finite loses to all others.
    Returns: equal scores share a place, 1 the best.
    Raises: UserError if no metric can be compared; ValueError if a model has two lines of one.
    """
    for name, lines in models.items():
        if len({line["metric"] for line in lines}) < len(lines):
            raise ValueError(f"ranking: {name} has several lines of one metric")
    table = {name: {line["metric"]: line for line in lines} for name, lines in models.items()}
    sides = {}
    for side, metrics in SIDES.items():
        wins = [
            _wins([lines[metric] for lines in table.values()], more)
            for metric, more in metrics.items()
            if all(metric in lines for lines in table.values())
            and len({lines[metric]["protocol"] for lines in table.values()}) == 1
        ]
        means = [sum(of) / len(wins) for of in zip(*wins, strict=True)] or [None] * len(table)
        sides[side] = dict(zip(table, means, strict=True))
    found = []
    for name in table:
        shares = {side: of[name] for side, of in sides.items()}
        known = [share for share in shares.values() if share is not None]
        if not known:
            raise UserError(
                f"no metric of one protocol that all of {', '.join(table)} have; "
                "evaluate them with the same EVAL keys"
            )
        found.append(
            {"model": name, "score": round(math.prod(known) ** (1 / len(known)), 9)} | shares
        )
    found.sort(key=lambda row: -row["score"])
    scores = [row["score"] for row in found]
    return [{"model": r["model"], "place": 1 + scores.index(r["score"]), **r} for r in found]


def _wins(lines, more):
    """The share of all models that each beats, by its (low, high), greater being better."""
    spans = [_span(line, more) for line in lines]
    return [
        sum(
            0.5 + 0.5 * (low > other_high) - 0.5 * (high < other_low)
            for other_low, other_high in spans
        )
        / len(spans)
        for low, high in spans
    ]


def _span(line, more):
    if line["value"] is None or not math.isfinite(line["value"]):
        return -math.inf, -math.inf
    ceiling = line.get("ceiling", line.get("real"))  # of the Inception score
    limits = list(line["interval"])
    if ceiling is not None:
        limits = [min(limit, ceiling) if more else max(limit, ceiling) for limit in limits]
    return sorted(limit if more else -limit for limit in limits)
