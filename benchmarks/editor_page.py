"""The numbers of `benchmarks.editor` as a Markdown page."""

SUCCESS, LEAKAGE = 0.8, 0.1  # the targets
MAIN, BASELINE = "VAE/GAN", "plain VAE"


def page(command: str, result: dict) -> str:
    """The whole page. Args: result: what `benchmarks.editor.measure` returns."""
    parts = [
        _intro(command, result),
        _similarity(result),
        _clear(result),
        _edits(result),
        _targets(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intro(command, result):
    runs = "; ".join(f"{k}: `{v['run']}`, step {v['step']:,}" for k, v in result["runs"].items())
    count, there = result["held_out"]
    held = f"{count:,} of the {there:,} pictures of the test split"
    machine = ", ".join(f"{k} {v}" for k, v in result["machine"].items() if v)
    digest = result["classifier"]["digest"][:12]
    lines = [
        "# What an edit changes, and what it leaves",
        "",
        f"Made by `{command}`. {runs}; pictures of {result['size']} px. Measured on {held}, which "
        "training has not seen, by an oracle: the set's own classifier, "
        f"`{digest}...`, which reads attributes from pictures and was trained on real ones alone. "
        f"{machine}.",
        "",
        "The paper of the VAE/GAN scores attributes too, but its protocol and its numbers were not "
        "at hand: **what is measured here, and how, is ours**, and compares with nothing outside "
        "this page.",
    ]
    return "\n".join(lines)


def _similarity(result):
    lines = [
        "## Attribute similarity",
        "",
        "Wanted are the attributes of each held-out picture, from -1, absent, to 1; what is not "
        "known counts for nothing. A reading p counts as 2 p - 1. `reconstructed`: the picture "
        "itself, encoded and decoded. `moved there`: three other held-out pictures for each, whose "
        "codes are moved, from what these are known to show, to what is wanted. Real pictures are "
        "the ceiling, those of others the floor. Mean and standard deviation over pictures; `of "
        "one`: mean deviation of the three of one target. `person`: distance from the original in "
        "the oracle's features, where 1 is the mean distance of two people"
        + _same(result["same_person"])
        + ".",
        "",
        "| pictures | cosine | of one | squared difference | of one | person |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["similarity"]:
        cells = [row["pictures"]]
        for key in ("cosine", "mse"):
            several = row[f"{key}_of_one"]
            cells += [f"{row[key]:.3f} ± {row[f'{key}_deviation']:.3f}"]
            cells += [f"{several:.3f}" if several else ""]
        cells.append(f"{row['identity']:.2f}" if "identity" in row else "")
        lines.append(f"| {' | '.join(cells)} |")
    rows = {row["pictures"]: row for row in result["similarity"]}
    for kind in ("reconstructed", "moved there, regression"):
        pair = [rows.get(f"{name}: {kind}") for name in (MAIN, BASELINE)]
        if all(pair):
            wins = [pair[0]["cosine"] > pair[1]["cosine"], pair[0]["mse"] < pair[1]["mse"]]
            said = {2: "is ahead of the plain VAE", 0: "is behind the plain VAE"}.get(
                sum(wins), "and the plain VAE are each ahead in one of the two measures"
            )
            lines += ["", f"{kind[0].upper()}{kind[1:]}: the VAE/GAN {said}."]
    return "\n".join(lines)


def _same(value):
    return "" if value != value else f", and {value:.2f} that of two pictures of one person"


def _clear(result):
    lines = [
        "## The attributes",
        "",
        "Those of which the training set has both kinds and that the oracle reads from real "
        "held-out pictures, the best first; the first ten are edited below. `read`: the mean share "
        "of pictures with it, and of those without it, that it reads right. Some names are one "
        "label in this set, always together or never: they are measured once, and are not leaks "
        "of each other. Nor are answers to one question, such as the colours of hair, nor what "
        "cannot be seen in most pictures with an attribute, or without it.",
        "",
        "| attribute | the same label | pictures with it | read | should stay |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for one in result["attributes"]:
        cells = [one["name"], ", ".join(one["same"]), _share(one["present"]), _share(one["read"])]
        lines.append(f"| {' | '.join(cells)} | {', '.join(one['others'])} |")
    return "\n".join(lines)


def _edits(result):
    lines = [
        "## Single edits",
        "",
        "Each attribute of each picture is asked to become what it is not read as. `success`: it "
        "is then read on the other side of 0.5. `leakage`: mean absolute change of the readings "
        "that should stay. `person`: how far the features move, without the directions that the "
        "oracle reads the attribute by, as above. Counted from the reconstruction; pasted edits "
        f"(--paste), which are {result['tile']} px large, from the original. `rest`: root of the "
        "mean squared difference from the original, in levels of 255, of the part of the picture "
        "that the edit does not change; `changes`: the other part.",
        "",
        "| model | method | steps | picture | success | leakage | person | changes | rest |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["edits"]:
        kind = "pasted" if row["pasted"] else "decoded"
        cells = [row["model"], row["method"], f"{row['steps']:g}", kind, _share(row["success"])]
        cells += [_share(row["leakage"]), _number(row["identity"]), _share(row["changed"])]
        lines.append(f"| {' | '.join(cells)} | {_number(row['rest'], 1)} |")
    lines += [
        "",
        f"One by one, of the {MAIN}, by regression:",
        "",
        "| attribute | steps | asked | success | added | removed | leakage | person | pasted: "
        "success | leakage |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = chosen(result, 1.0)["attributes"]
    for name in names:
        for steps in sorted({row["steps"] for row in result["edits"]}):
            row, pasted = (
                chosen(result, steps, pasted=kind)["attributes"][name] for kind in (False, True)
            )
            cells = [name, f"{steps:g}", f"{row['asked']:,}"]
            cells += [_share(row[key]) for key in ("success", "added", "removed", "leakage")]
            cells += [_number(row["identity"])]
            cells += [_share(pasted[key]) for key in ("success", "leakage")]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def chosen(result: dict, steps: float, method: str = "regression", pasted: bool = False) -> dict:
    """The row of edits by the VAE/GAN."""
    wanted = {"model": MAIN, "method": method, "steps": steps, "pasted": pasted}
    return next(row for row in result["edits"] if wanted.items() <= row.items())


def _targets(result):
    lines = ["## Targets", "", "Of decoded edits by regression, against targets set beforehand."]
    for steps in sorted({row["steps"] for row in result["edits"]}):
        row = chosen(result, steps)
        each = row["attributes"]
        weak = [k for k, one in each.items() if (one["success"] or 0.0) < SUCCESS]
        loose = [k for k, one in each.items() if (one["leakage"] or 0.0) >= LEAKAGE]
        words = "one step" if steps == 1 else f"{steps:g} steps"
        lines += [
            "",
            f"With {words}:",
            "",
            f"- success of at least {100 * SUCCESS:.0f} % on the {len(each)} clearest attributes: "
            f"{_met(row['success'] >= SUCCESS)} on average ({_share(row['success'])})"
            + _failures(weak, each, "success"),
            f"- leakage under {100 * LEAKAGE:.0f} %: {_met(row['leakage'] < LEAKAGE)} on average "
            f"({_share(row['leakage'])})" + _failures(loose, each, "leakage"),
        ]
    low, high = result["leakage_difference"]["interval"]
    value = result["leakage_difference"]["value"]
    ours, theirs = (
        chosen(result, 1.0, method)["leakage"] for method in ("regression", "difference")
    )
    wins = high < 0
    lines += [
        "",
        f"Regression leaks less than the published difference, in one step: {_met(wins)} "
        f"({_share(ours)} against {_share(theirs)}; over pictures {100 * value:+.1f} points, 95 %: "
        f"{100 * low:+.1f} to {100 * high:+.1f}).",
    ]
    return "\n".join(lines)


def _failures(names, each, key):
    told = ", ".join(f"{name} ({_share(each[name][key])})" for name in names)
    return f"; missed by {told}" if told else "; by each of them"


def _met(good) -> str:
    return "**met**" if good else "**missed**"


def _share(value) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"
