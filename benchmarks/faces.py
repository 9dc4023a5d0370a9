"""Which way of drawing described faces is better: runs compared on the same test captions.

    python -m benchmarks.faces --runs progressive=runs/faces_demo_faces \
        multi-scale=runs/faces_multiscale_demo_faces Stage-I=runs/initial_demo_faces \
        --classifier runs/classifier_demo_faces --data data/demo_faces \
        --out docs/faces.md --sheet docs/faces.jpg

Every run, of faces/ or of initial/, draws one picture of one caption of each picture of the test
split, from the same seeds. EfficientNet-Lite0 compares them with the real pictures; an oracle, the
set's own classifier (`misc.evaluation.train_classifier`, best with --independent), reads whether
they show what captions ask for. The page says what is measured, and which run is ahead.
"""

import argparse
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from benchmarks.paged import oracle, publish
from misc.config.errors import UserError, run_program

NETWORK = "efficientnet-lite0"
METRICS = ("kid", "attributes", "diversity")
SHOWN = 8  # descriptions on the sheet
SUFFIXES = (".jpg", ".jpeg")
NAME = re.compile(r"[\w .-]{1,24}", re.ASCII)


def measure(args: argparse.Namespace) -> dict:
    """All numbers, as JSON has them. Writes the sheet, too."""
    import numpy as np

    from benchmarks.faces_models import BATCH, choices, look, model_of, size_of
    from benchmarks.faces_scores import answers, scores, seen, varied
    from benchmarks.turns import machine
    from misc.data.mentions import mentions_of
    from misc.data.prepared import open_split
    from misc.evaluation import features, judges
    from misc.evaluation.judging import judge
    from misc.evaluation.measures import Judged
    from misc.evaluation.measures import measure as numbers

    split = open_split(args.data, "test")
    names = split.attribute_names
    classify = oracle(args, names)
    network = judges.by_network(features.load(NETWORK))
    asked = {"network": network, "classifier": judges.by_classifier(classify)}
    chosen = choices(split, None, args.most, args.seed)
    every, captions = chosen[0], chosen[0].captions()
    said = mentions_of(captions, names)
    wanted, labels = (answers(values, names) for values in (said, split.attributes[every.pictures]))
    models = [model_of(name, run, chosen) for name, run in args.runs.items()]
    side, told, words = size_of(models, split), {}, {}
    if args.sheet:  # first, for it may be refused
        from benchmarks.faces_sheet import write_sheet

        write_sheet(args.sheet, models, every, varied(wanted, SHOWN), side)
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder)
        real = judge(every.reals(side, BATCH), every.distinct, asked, aside)
        own = seen(real["classifier/attributes"][every.own], names)
        for model in models:
            fake, several = look(model, side, asked, args.most, args.seed, aside)
            judged = Judged(
                fake,
                real,
                {name: one.facts for name, one in asked.items()},
                own=every.own,
                labels=every.labels,
                mentions=said,
                attributes=names,
                several=several,
            )
            lines = numbers(METRICS, judged, args.seed, 1)
            told[model.name] = {line["metric"]: (line, found) for line, found in lines}
            shown = seen(fake["classifier/attributes"], names)
            words[model.name] = scores(wanted, shown, own, labels, args.seed)
        floor = _floor(np.array(real["network/features"]), args.seed)
    if args.rounds:
        from benchmarks.faces_time import seconds

        steps = [[count for count, _ in model.facts["stages"]] for model in models]
        timed = seconds(list(zip(args.runs.values(), steps, strict=True)), args.rounds)
        for model, one in zip(models, timed, strict=True):
            model.facts["equal_seconds"] = one
    return {
        "machine": machine(),
        "data": args.data.as_posix(),
        "seed": args.seed,
        "captions": [len(captions), len(split)],
        "size": side,
        "network": network.facts,
        "classifier": {"digest": classify.digest, "accuracy": classify.accuracy},
        "kid_of_halves": floor,
        "runs": {model.name: model.facts for model in models},
        "metrics": {
            name: {metric: line for metric, (line, _) in found.items()}
            for name, found in told.items()
        },
        "words": {
            name: {word: _plain(one) for word, one in found.items()}
            for name, found in words.items()
        },
        **_verdicts(told, words),
    }


def _floor(features, seed: int) -> float | None:
    """The KID of two halves of the real pictures."""
    import numpy as np

    from misc.evaluation.kid import LEAST, kid

    if len(features) < 2 * LEAST:
        return None
    halves = np.array_split(np.random.default_rng(seed).permutation(features), 2)
    return kid(*halves, seed).value


def _verdicts(told: dict, words: dict) -> dict:
    """`ahead`: of each measure the best run, and how far it is ahead of each other; `order`."""
    from benchmarks.faces_page import BARRED
    from misc.evaluation.bootstrap import difference
    from misc.evaluation.ranking import ranking

    # Not diversity: beyond that of real pictures more of it is not better.
    sides = {
        metric: {name: found[metric][1] for name, found in told.items()}
        for metric in ("kid", "attributes")
    }
    for word in BARRED:
        if word in next(iter(words.values())):  # those of all runs are the captions' own
            sides[word] = {name: found[word].gain for name, found in words.items()}
    ahead = []
    for measured, estimates in sides.items():
        sign = -1 if measured == "kid" else 1
        best = max(estimates, key=lambda name: sign * estimates[name].value)
        others = []
        for name, other in estimates.items():
            if name != best:
                apart = difference(estimates[best], other, paired=True)
                interval = sorted(sign * end for end in apart.interval)
                others.append({"run": name, "value": sign * apart.value, "interval": interval})
        ahead.append({"measure": measured, "best": best, "others": others})
    lines = {name: [line for line, _ in found.values()] for name, found in told.items()}
    return {"ahead": ahead, "order": ranking(lines)}


def _plain(one) -> dict:
    """A `Score`, or a `Contrast`, with its estimates as value and interval."""
    from misc.evaluation.bootstrap import Estimate

    plain = {}
    for key, value in one._asdict().items():
        if isinstance(value, Estimate):
            value = {"value": value.value, "interval": value.interval}
        elif isinstance(value, tuple):
            value = _plain(value)
        plain[key] = value
    return plain


def main(argv: list[str] | None = None) -> None:
    """Measure, and print the page or write it."""
    args = _parse(argv)
    _check(args)
    from benchmarks.faces_page import page
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.config.devices import choose_devices

    choose_devices("-1")

    result = measure(args)
    given = sys.argv[1:] if argv is None else argv
    sheet = ""
    if args.sheet:
        sheet = os.path.relpath(args.sheet, args.out.parent if args.out else ".")
    text = page("python -m benchmarks.faces " + shlex.join(map(str, given)), result, sheet)
    publish(args, result, text)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--runs", nargs="+", required=True, metavar="NAME=DIR", help="run folders, each named")
    add("--classifier", type=Path, required=True, help="folder of the set's classifier")
    add("--data", type=Path, required=True, help="prepared set, with attributes")
    add("--most", type=int, default=0, help="captions, at most; 0: one of each test picture (0)")
    add("--seed", type=int, default=0, help="of captions, noise and intervals (0)")
    add("--rounds", type=int, default=3, help="in which the runs' steps are timed; 0: not (3)")
    add("--out", type=Path, metavar="FILE.md", help="write the page here")
    add("--sheet", type=Path, metavar="FILE.jpg", help="write a sheet of faces here")
    add("--json", type=Path, metavar="FILE.json", help="write all the numbers here")
    return parser.parse_args(argv)


def _check(args: argparse.Namespace) -> None:
    """What can be checked without TensorFlow; `runs` becomes {name: folder}."""
    from misc.evaluation.frechet import LEAST

    if args.most and args.most < LEAST or min(args.seed, args.rounds) < 0:
        raise UserError(
            f"--most, --seed, --rounds: expected at least {LEAST}, or 0 for all, and 0, and 0"
        )
    if args.sheet and args.sheet.suffix.lower() not in SUFFIXES:
        raise UserError(f"--sheet {args.sheet}: expected a name ending in {' or '.join(SUFFIXES)}")
    runs = {}
    for one in args.runs:
        name, _, folder = one.partition("=")
        if not NAME.fullmatch(name) or not folder or name in runs:
            raise UserError(
                f"--runs {one}: expected NAME=DIR, each name once, of at most 24 letters, digits, "
                "blanks, dots and hyphens"
            )
        runs[name] = Path(folder)
    args.runs = runs
    _check_set(args.data)
    for run in runs.values():
        _check_run(run, args.data)


def _check_set(data: Path) -> None:
    from benchmarks.faces_scores import WORDS, columns_of
    from misc.data.prepared import open_split

    split = open_split(data, "test")
    if split.attributes is None:
        raise UserError(
            f"--data {data}: the set has no attributes, so no oracle can tell whether faces show "
            "their words; expected a set such as misc/preprocess_faces.py makes"
        )
    if not columns_of(split.attribute_names):
        raise UserError(
            f"--data {data}: its attributes ({', '.join(split.attribute_names[:3])} ...) are not "
            f"those of faces; expected CelebA's names, such as {', '.join(WORDS['hair colour'])}"
        )


def _check_run(run: Path, data: Path) -> None:
    """A run of these rooms on this very set: another's may have trained on the test pictures."""
    from easydict import EasyDict

    from misc.training.gan_data import set_digest
    from misc.training.runs import load_run, read_facts

    load_run(run, "faces", "initial")
    known = read_facts(run).get("prepared set")  # of an import nothing tells the set
    if known not in (None, set_digest(EasyDict(DATA_DIR=data))):
        raise UserError(
            f"{run} was trained on another set than --data {data} (another set.json, or others in "
            "quarantine); expected runs on one set"
        )


if __name__ == "__main__":
    sys.exit(run_program(main))
