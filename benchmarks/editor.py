"""What the attribute editor is worth: attributes reached, left alone, and people still recognised.

    python -m benchmarks.editor --run runs/editor_demo_faces \
        --baseline runs/editor_pixels_demo_faces --classifier runs/classifier_demo_faces \
        --data data/demo_faces --out docs/editor.md

An oracle, the set's own classifier (`misc.evaluation.train_classifier`, best with --independent),
reads attributes of real pictures and of edited ones. --baseline is a run of the same widths that
compares pixels, LOSS.RECONSTRUCTION=pixels: a plain VAE. Pictures are of the test split. The page
says what is measured and what of it is ours.
"""

import argparse
import shlex
import sys
from pathlib import Path

from benchmarks.paged import oracle, publish
from misc.config.errors import UserError, run_program

MOST = 500  # held-out pictures
CLEAREST = 10


def measure(args: argparse.Namespace) -> dict:
    """All numbers, as JSON has them."""
    import numpy as np

    from benchmarks.editor_models import edits, held_out, model_of, similarities
    from benchmarks.editor_page import BASELINE, MAIN
    from benchmarks.editor_scores import Recogniser, clearest
    from benchmarks.turns import machine
    from editor.methods import giving_way
    from misc.data.prepared import open_split
    from misc.evaluation.bootstrap import bootstrap
    from misc.training.runs import load_run

    train = open_split(args.data, "train")
    names = train.attribute_names
    classify = oracle(args, names)
    _, cfg = load_run(args.run, "editor")
    faces = held_out(args.data, cfg.IMAGE.SIZE, args.most, classify)
    asked = clearest(train.attributes, faces.labels, names, faces.real["attributes"])
    if not asked:
        raise UserError(f"--classifier {args.classifier} reads no attribute well; train it longer")
    kept = [one.column for one in asked]
    change = np.eye(len(asked)) + giving_way(train.attributes[:, kept], [one.name for one in asked])
    recogniser = Recogniser(faces.real["features"], faces.classes, classify.weights)
    runs = {MAIN: args.run} | ({BASELINE: args.baseline} if args.baseline else {})
    models = [model_of(name, run, args.data, faces, classify) for name, run in runs.items()]
    sizes = {model.editor.shape for model in models}
    if len(sizes) > 1:
        raise UserError("--run and --baseline are editors of different sizes; expected one size")
    rows = [
        row
        for model in models
        for row in edits(model, faces, asked[:CLEAREST], recogniser, classify)
    ]
    leakages = {
        row["method"]: row["leakages"]
        for row in rows
        if (row["model"], row["steps"], row["pasted"]) == (MAIN, 1.0, False)
    }
    apart = leakages["regression"] - leakages["difference"]
    estimate = bootstrap(lambda places: apart[places].mean(), len(apart), args.seed)
    return {
        "machine": machine(),
        "data": args.data.as_posix(),
        "runs": {m.name: {"run": str(runs[m.name]), "step": m.editor.step} for m in models},
        "size": cfg.IMAGE.SIZE,
        "tile": faces.tile,
        "held_out": [len(faces.frames), len(open_split(args.data, "test"))],
        "classifier": {"digest": classify.digest, "accuracy": classify.accuracy},
        "attributes": [
            one._asdict() | {"others": [names[column] for column in one.others]} for one in asked
        ],
        "same_person": recogniser.same,
        "similarity": similarities(models, faces, asked, change, recogniser, classify, args.seed),
        "edits": [{k: v for k, v in row.items() if k != "leakages"} for row in rows],
        "leakage_difference": {"value": estimate.value, "interval": estimate.interval},
    }


def main(argv: list[str] | None = None) -> None:
    """Measure, and print the page or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--run", type=Path, required=True, help="run folder of the VAE/GAN")
    add("--baseline", type=Path, help="run folder of a plain VAE")
    add("--classifier", type=Path, required=True, help="folder of the set's classifier")
    add("--data", type=Path, required=True, help="prepared set, with attributes")
    add("--most", type=int, default=MOST, help=f"held-out pictures, at most ({MOST})")
    add("--seed", type=int, default=0)
    add("--out", type=Path, metavar="FILE.md", help="write the page here")
    add("--json", type=Path, metavar="FILE.json", help="write all the numbers here")
    args = parser.parse_args(argv)
    if args.most < 2 or args.seed < 0:
        raise UserError("--most, --seed: expected at least 2 and 0")
    from benchmarks.editor_page import page
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.config.devices import choose_devices

    choose_devices("-1")

    result = measure(args)
    given = sys.argv[1:] if argv is None else argv
    text = page("python -m benchmarks.editor " + shlex.join(map(str, given)), result)
    publish(args, result, text)


if __name__ == "__main__":
    sys.exit(run_program(main))
