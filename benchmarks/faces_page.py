"""The numbers of `benchmarks.faces` as a Markdown page."""

BAR = 0.3  # above chance, set beforehand, of these words
BARRED = ("hair colour", "eyeglasses")
TITLES = {"kid": "KID", "attributes": "attributes read", "diversity": "diversity"}


def page(command: str, result: dict, sheet: str = "") -> str:
    """The whole page.

    Args: result: what `benchmarks.faces.measure` returns; sheet: path of the sheet from the page.
    """
    parts = [
        _intro(command, result),
        _runs(result),
        _metrics(result),
        _ahead(result),
        _words(result),
        _contrasts(result),
        _targets(result),
        _sheet(sheet),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intro(command, result):
    count, there = result["captions"]
    machine = ", ".join(f"{k} {v}" for k, v in result["machine"].items() if v)
    network, digest = result["network"], result["classifier"]["digest"][:12]
    which = f"each of the {there:,}" if count == there else f"each of {count:,} of the {there:,}"
    return "\n".join(
        [
            f"# Faces of the same descriptions: {', '.join(result['runs'])}",
            "",
            f"Made by `{command}`. Each run draws one face of one caption of {which} pictures of "
            "the test "
            f"split of `{result['data']}`, which training has not seen; captions, noise and "
            f"intervals are by seed {result['seed']}. All pictures are brought to {result['size']} "
            f"px. `{network['network']}` compares them with the real ones; an oracle, the set's "
            f"own classifier, `{digest}...`, which was trained on real pictures alone, reads what "
            f"they show. {machine}.",
        ]
    )


def _runs(result):
    lines = [
        "## The runs",
        "",
        "`seen`: real pictures that the discriminator was shown. `minutes`: wall time from the "
        "first to the last entry of each sitting's log, its sample grids included, pauses between "
        "sittings left out, whatever else the machine did. `in turns`: minutes that its steps take "
        "on equal terms, when all runs take turns on the machine. `draws`, `judges`: parameters "
        "that learn, of what turns text and noise into a face, and of the discriminator.",
        "",
        "| run | what it is | px | steps | seen | minutes | in turns | draws | judges |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, run in result["runs"].items():
        cells = [name, f"`{run['run']}`: {run['room']}, {run['kind']}", f"{run['imsize']}"]
        seen = sum(steps * pictures for steps, pictures in run["stages"])
        cells += [f"{run['step']:,}", f"{seen:,}"]
        cells += [_minutes(run["seconds"]), _minutes(run.get("equal_seconds"))]
        cells += [f"{run['parameters'][key]:,}" for key in ("drawing", "judging")]
        lines.append(f"| {' | '.join(cells)} |")
    for name, run in result["runs"].items():
        if run["encoder"] is not None:
            by = f"`{run['encoder']}`" if run["encoder"] else "an imported encoder"
            known = _minutes(run["encoder_seconds"])
            lines += [
                "",
                f"{name} reads sentences by {by}, which was trained before it: neither its "
                f"{known + ' minutes' if known else 'training'} nor its parameters are counted "
                "above. A run of faces trains an encoder of its own along with the rest.",
            ]
    return "\n".join(lines)


def _minutes(seconds) -> str:
    return "" if seconds is None else f"{seconds / 60:.1f}"


def _metrics(result):
    floor = result["kid_of_halves"]
    one = next(iter(result["metrics"].values()))
    two = one["diversity"]["real_pairs"]
    left_out = ", ".join(one["attributes"]["left_out"])
    lines = [
        "## Pictures and words",
        "",
        "KID: how far the features of the drawn faces lie from those of the real ones, lower is "
        "better"
        + ("" if floor is None else f"; two halves of the real pictures are {floor:.4f} apart")
        + ". `attributes read`: of all that captions name, the share that the oracle reads from "
        "their faces; `real`: from their own real pictures, `others`: from the faces of other "
        "captions"
        + (f"; without {left_out}, which it reads badly from real pictures" if left_out else "")
        + f". `diversity`: mean distance of two of {one['diversity']['copies']} faces of one "
        f"caption, in the same features, over {one['diversity']['captions']} captions; beside it "
        f"that of faces of two captions, and of two real pictures, {two}. In brackets 95 % "
        "intervals.",
        "",
        "| run | KID | attributes read | real | others | diversity | two captions | two real |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, found in result["metrics"].items():
        kid, read, apart = (found[key] for key in TITLES)
        cells = [name, f"{kid['value']:.3f} {_interval(kid['interval'], '{:.3f}')}"]
        cells += [f"{_share(read['value'])} {_points(read['interval'])}"]
        cells += [_share(read["ceiling"]), _share(read["chance"])]
        cells += [f"{apart['value']:.2f} {_interval(apart['interval'], '{:.2f}')}"]
        cells += ["" if apart[k] is None else f"{apart[k]:.2f}" for k in ("others", "real")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ahead(result):
    if len(result["runs"]) < 2:
        return ""
    lines = [
        "## Which is better",
        "",
        "Differences are of the same captions, with 95 % intervals; ahead is who leaves zero out.",
        "",
    ]
    for one in result["ahead"]:
        kid = one["measure"] == "kid"
        said = []
        for other in one["others"]:
            low, high = other["interval"]
            by = f"{other['value']:.3f}" if kid else f"{100 * other['value']:.1f} points"
            bounds = _interval((low, high), "{:.3f}") if kid else _points((low, high))
            kind = f"ahead of {other['run']} by" if low > 0 else f"level with {other['run']},"
            said.append(f"{kind} {by} {bounds}")
        lines.append(f"- {_title(one['measure'])}: {one['best']} is {'; '.join(said)}")
    first = [row["model"] for row in result["order"] if row["place"] == 1]
    places = ", ".join(
        f"{row['place']}. {row['model']} ({row['score']:.2f})" for row in result["order"]
    )
    better = (
        f"the better one is **{first[0]}**"
        if len(first) == 1
        else f"nothing tells {' and '.join(first)} apart"
    )
    lines += [
        "",
        "In all, by the order of `misc.evaluation.ranking`, where pictures (KID, and diversity up "
        f"to that of real ones) and words weigh the same, {better}: {places}.",
    ]
    return "\n".join(lines)


def _title(measured) -> str:
    return TITLES.get(measured, f"{measured} above chance")


def _words(result):
    lines = [
        "## The words that people ask for",
        "",
        "Of the captions that say something of it, the share whose face shows it. Hair colour is "
        "one question: of black, blond, brown and gray, is the one that is named the most probable "
        "in the oracle's eyes? The others are yes or no; sunglasses are eyeglasses. `real`: read "
        "from the captions' own real pictures. `chance`: from the faces of all other captions. "
        "`above`: share minus chance, in points, with its 95 % interval; `real "
        "above`: the same of real pictures in place of the faces.",
        "",
        "| word | run | captions | shown | real | chance | above | real above |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for word, name, one in _told(result):
        cells = [word, name, f"{one['asked']:,}"]
        cells += [_share(one[key]) for key in ("value", "ceiling", "chance")]
        cells += [_above(one["gain"]), f"{100 * one['real_gain']:+.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _contrasts(result):
    rows = []
    for word, name, one in _told(result):
        if told := one["contrast"]:
            cells = [word, name, f"{told['said']:,}", _share(told["affirmed"])]
            cells += [f"{told['lacking']:,}", _share(told["absent"]), _above(told["difference"])]
            rows.append(f"| {' | '.join(cells)} |")
    if not rows:
        return ""
    lines = [
        "Some of these captions only affirm: of a face with glasses they may say nothing of them, "
        "so that other captions' faces have them, too. So here the faces of captions that say the "
        "word stand against those of captions whose real picture has it not; for a beard, of "
        "captions about men.",
        "",
        "| word | run | captions with it | shown | without it | shown | apart |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        *rows,
    ]
    return "\n".join(lines)


def _told(result):
    """(word, run, score), word by word."""
    for word in next(iter(result["words"].values())):
        for name, found in result["words"].items():
            yield word, name, found[word]


def _targets(result):
    lines = [
        "## Targets",
        "",
        f"At least {100 * BAR:.0f} points above chance, a target set beforehand:",
        "",
    ]
    for word, name, one in _told(result):
        if word in BARRED:
            met = "**met**" if one["gain"]["value"] >= BAR else "**missed**"
            if one["gain"]["interval"][0] < BAR <= one["gain"]["value"]:
                met += ", though the interval reaches below"
            lines.append(f"- {word}, {name}: {met}: {_above(one['gain'])}")
    return "\n".join(lines) if len(lines) > 4 else ""


def _sheet(path):
    if not path:
        return ""
    return (
        "## Some of them\n\nDescriptions of the test split, chosen for the variety of what they "
        "say; the real picture of each, then faces of each run, none of them chosen.\n\n"
        f"![Descriptions, their real pictures, and faces of each run]({path})"
    )


def _above(estimate) -> str:
    return f"{100 * estimate['value']:+.1f} {_points(estimate['interval'])}"


def _points(interval) -> str:
    return _interval([100 * end for end in interval], "{:.1f}")


def _interval(interval, form) -> str:
    return f"({' to '.join(form.format(end) for end in interval)})"


def _share(value) -> str:
    return f"{100 * value:.1f} %"
