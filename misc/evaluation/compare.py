"""Compare what several runs were measured to be: one table, and one page.

    python -m misc.evaluation.compare runs/final_a runs/final_b --out comparison.html

Reads only what main.py left in each run's evaluation/ folder. Differences are to the first run, and
only between numbers of one protocol. The last line on stdout is the path of the page.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from misc.config.errors import UserError, run_program
from misc.data.atomic import write_atomic
from misc.evaluation.bootstrap import Estimate, difference
from misc.evaluation.protocols import RULES
from misc.evaluation.ranking import SIDES, ranking
from misc.evaluation.records import FOLDER, METRICS, Metric, Number, read_numbers

FILE = "compare.html"
NO_ORDER = "No overall order: there is no measure in which all runs compare."
# What has to agree, besides the protocol, before two numbers are subtracted.
SAME = {
    "data_checksum": "measured on another set",
    "network_digest": "judged by other weights",
    "splits": "of another number of splits",
    "candidates": "chosen among another number of captions",
    "left_out": "without other attributes",
}


class Entry(NamedTuple):
    """One run's number of a protocol, and how it differs from the first run's.

    number, difference: None if there is none to be had.
    verdict: "better" or "worse" if the difference's interval leaves zero out, else "".
    remark: why something is missing, or to be taken with care; "" for nothing.
    """

    run: str
    number: Number | None
    difference: Estimate | None
    verdict: str
    remark: str


class Group(NamedTuple):
    """All runs' numbers of one protocol."""

    title: str
    higher: bool
    protocol: str
    entries: list[Entry]


def main(argv: list[str] | None = None) -> None:
    """Print the table and the path of the page."""
    parser = argparse.ArgumentParser(
        description="Compare what several runs were measured to be: one table, and one page.",
        allow_abbrev=False,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", type=Path, help="two or more run folders")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html",
        help=f"the page (default: evaluation/{FILE} of the first run)",
    )
    args = parser.parse_args(argv)
    runs = list(dict.fromkeys(args.runs))
    if len(runs) < 2:
        raise UserError(f"{runs[0]}: one run, expected two or more to compare")
    numbers = {}
    for run in runs:
        numbers[run.as_posix()] = found = read_numbers(run / FOLDER)
        if not found:
            command = ["main.py", "--run", run.as_posix(), "--set", "EVAL.METRICS=[fid,kid,pr]"]
            raise UserError(
                f"{run / FOLDER} holds no numbers; measure this run with: python "
                f"{shlex.join(command)}"
            )
    groups = compared(numbers)
    places = order(groups)
    page = _page(runs, groups, places)
    out = args.out or runs[0] / FOLDER / FILE
    write_atomic(out, page.encode())
    print(as_text(groups))
    print("\nOverall order, by misc.evaluation.ranking:" if places else "\n" + NO_ORDER)
    for row in places:
        print(f"  {row['place']}. {row['model']}  score {row['score']:.4g}")
    print(out)


def compared(numbers: dict[str, dict[str, Number]]) -> list[Group]:
    """The numbers of runs by protocol, in the order in which they come.

    Args: numbers: {run: `records.read_numbers`}; the first is what the others are compared with.
    """
    first = next(iter(numbers))
    groups = {}
    for found in numbers.values():
        for protocol, number in found.items():
            groups.setdefault(protocol, number.line["metric"])
    result = []
    for protocol, name in groups.items():
        metric = METRICS.get(name, Metric(name, True, True))
        entries = [
            _entry(run, run == first, protocol, name, numbers[first], found, metric)
            for run, found in numbers.items()
        ]
        result.append(Group(metric.title, metric.higher, protocol, entries))
    return result


def _entry(run, is_first, protocol, name, first, found, metric) -> Entry:
    number, base = found.get(protocol), first.get(protocol)
    if number is None:
        others = [other for other, one in found.items() if one.line["metric"] == name]
        remark = f"measured by {', '.join(others)} only" if others else "not measured"
        return Entry(run, None, None, "", remark)
    if is_first:
        return Entry(run, number, None, "", "")
    if base is None:
        return Entry(run, number, None, "", "the first run has no number of this protocol")
    reasons = [words for key, words in SAME.items() if number.line.get(key) != base.line.get(key)]
    if name in SIDES["pictures"] and number.line.get("imsize") != base.line.get("imsize"):
        reasons.append("about pictures of another size")
    if metric.biased and number.get("n") != base.get("n"):
        reasons.append("of another number of pictures, on which this measure depends")
    if not reasons and None in (number.estimate, base.estimate):
        reasons.append("without its replicates: run main.py again")
    if reasons:
        return Entry(run, number, None, "", "not subtracted: " + ", ".join(reasons))
    keys = ("n", "seed", "captions_digest")
    sides = [[one.line.get(key) for key in keys] for one in (number, base)]
    paired = sides[0] == sides[1] and None not in sides[0]
    change = difference(number.estimate, base.estimate, paired)
    low, high = change.interval
    verdict = "" if low <= 0 <= high else ("better" if (low > 0) == metric.higher else "worse")
    return Entry(run, number, change, verdict, "" if paired else "other sentences, not paired")


def order(groups: list[Group]) -> list[dict]:
    """The runs from best to worst, as `misc.evaluation.ranking.ranking` says; [] without a reason.

    Only numbers that may be subtracted from each other count, and one protocol a measure: the first
    that all runs have.
    """
    lines = {}
    for group in groups:
        if all(one.difference for one in group.entries[1:]):
            told = {one.run: _ranked(one.number) for one in group.entries}
            lines.setdefault(group.entries[0].number.line["metric"], told)
    lines = {metric: told for metric, told in lines.items() if metric in METRICS}
    if not lines:
        return []
    runs = [one.run for one in groups[0].entries]
    return ranking({run: [told[run] for told in lines.values()] for run in runs})


def _ranked(number: Number) -> dict:
    """Its line, in which what real pictures get is a number or None, whatever a file says."""
    beside = {"ceiling", "real"} & number.line.keys()
    return number.line | {key: number.get(key) for key in beside}


def as_text(groups: list[Group]) -> str:
    """The groups as one table of plain text: a line a run, and one above each group."""
    from misc.evaluation.report import shown, shown_interval

    rows = [("run", "value", "95 % interval", "difference", "95 % interval", "")]
    titles = {}
    for group in groups:
        titles[len(rows)] = (
            f"{group.title}, {'higher' if group.higher else 'lower'} is better: {group.protocol}"
        )
        for one in group.entries:
            value = ("-", "-")
            if one.number:
                value = (
                    shown(one.number.get("value")),
                    shown_interval(one.number.line.get("interval")),
                )
            change = ("", "")
            if one.difference:
                change = (f"{one.difference.value:+.4g}", shown_interval(one.difference.interval))
            rows.append((one.run, *value, *change, " ".join(filter(None, one[3:]))))
    widths = [max(len(row[k]) for row in rows) for k in range(6)]
    lines = []
    for k, row in enumerate(rows):
        lines += ["", titles[k]] if k in titles else []
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines).replace("–", "-")


def _page(runs: list[Path], groups: list[Group], places: list[dict]) -> str:
    from misc.evaluation.report import data_uri, render
    from misc.evaluation.samples import open_sample, read_samples

    samples = {run: read_samples(run / FOLDER) for run in runs}
    first, remarks = samples[runs[0]], []
    beside = [runs[0]] if first else []
    for run in runs[1:] if first else []:
        other = samples[run]
        if other and _captions(other) == _captions(first):
            beside.append(run)
        else:
            why = "shows other sentences than the first run" if other else "has no pictures"
            remarks.append(f"{run.as_posix()} {why}.")
    if not first:
        remarks.append(f"{runs[0].as_posix()} has no pictures to show beside others.")
    sentences = [
        {
            "caption": row["caption"],
            "real": data_uri(open_sample(runs[0] / FOLDER, row["real"]), 256),
            "fakes": [
                data_uri(open_sample(run / FOLDER, samples[run]["rows"][k]["fake"]), 256)
                for run in beside
            ],
        }
        for k, row in enumerate(first["rows"] if first else [])
    ]
    metrics = {group.protocol.split("/")[0] for group in groups}
    return render(
        "compare.html",
        title="Runs side by side",
        groups=groups,
        places=places,
        no_order=NO_ORDER,
        rules=[(METRICS[m].title, RULES[m]) for m in RULES if m in metrics],
        beside=[run.as_posix() for run in beside],
        sentences=sentences,
        remarks=remarks,
    )


def _captions(samples: dict) -> list[str]:
    return [row["caption"] for row in samples["rows"]]


if __name__ == "__main__":
    sys.exit(run_program(main))
