"""A description becomes a face, by a trained run.

    python faces/demo.py --run RUN "a smiling woman with long blond hair and glasses" --copies 8
    python faces/demo.py --run RUN --captions sentences.txt --out sheet.png
    python faces/demo.py --run RUN --between "a man with a beard" "a woman with a hat" --steps 10
    python faces/demo.py --run RUN --walk "a young man with curly hair"
    python faces/demo.py --run RUN --timelapse growth.webp

A sheet shows some faces of each description; --between the way from one description to another,
with the same noise; --walk the way from one noise to another, with the same words. Words that the
run has never read count as one unknown word. --timelapse shows the training itself: the grids of
always the same sentences that it left. The last line on stdout is the path of what was written.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

from misc.config.errors import UserError, run_program

MOST = 4096  # faces on a sheet
TILE, MOST_TILE, WIDTH = 128, 256, 1200  # sides of a face, and of a sheet, roughly, px


def main(argv: list[str] | None = None) -> None:
    """Check what can be checked without TensorFlow, then draw the sheet, or the animation."""
    args = _parse(argv)
    from misc.config.devices import choose_devices, gpu_indices
    from misc.training.runs import load_run

    _, cfg = load_run(args.run, "faces")
    if args.timelapse:
        from faces.timelapse import check_timelapse, write_timelapse

        write_timelapse(check_timelapse(args.run, args.timelapse), args.timelapse)
        print(args.timelapse)
        return
    captions = _descriptions(args, cfg)
    gpu = cfg.GPU_ID if args.gpu is None else args.gpu
    gpu_indices(gpu)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(gpu)
    from faces.sample import load
    from misc.data.atomic import replace_with
    from misc.data.images import contact_sheet

    sampler = load(args.run)
    pictures, captions, each = _drawn(args, sampler, captions)
    tile = min(max(TILE, sampler.imsize), MOST_TILE)
    columns = max(1, WIDTH // (tile * each))
    out = args.out or _out(args, captions, sampler.step)
    with replace_with(out) as partial:
        contact_sheet(pictures, captions, min(columns, len(captions)), tile).save(partial)
    print(out)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("descriptions", nargs="*", metavar="TEXT", help="sentences, each description in quotes")
    add("--run", type=Path, required=True, help="run folder of faces/run_exp.py")
    add("--captions", type=Path, metavar="FILE", help="descriptions, one a line")
    add("--between", nargs=2, metavar="TEXT", help="the way from one description to another")
    add("--walk", action="store_true", help="the way from one noise to the next, for each")
    add("--timelapse", type=Path, metavar="FILE", help=".webp, .gif or .mp4 of the training")
    add("--copies", type=int, default=4, metavar="N", help="faces of each description (4)")
    add("--steps", type=int, default=8, metavar="N", help="faces on a way (8)")
    add("--scales", action="store_true", help="show every face in all sizes that the run makes")
    add("--seed", type=int, default=0, help="same seed, same faces (0)")
    add("--out", type=Path, metavar="FILE.png", help="default: in <run>/samples")
    add("--gpu", metavar="N", help="0, or -1 for the CPU (default: the run's GPU_ID)")
    args = parser.parse_args(argv)
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    said = [args.descriptions, args.captions, args.between, args.timelapse]
    wrong = [
        (
            sum(map(bool, said)) != 1,
            "expected either descriptions, or --captions, or --between, or --timelapse",
        ),
        (args.walk and args.between, "--walk goes with one description at a time, not --between"),
        (args.timelapse and args.out, "--timelapse names its own file: leave --out out"),
        (args.copies < 1, f"--copies {args.copies}: expected a number of at least 1"),
        (args.steps < 2, f"--steps {args.steps}: expected a number of at least 2"),
        (args.seed < 0, f"--seed {args.seed}: expected a number of at least 0"),
        (
            args.out and args.out.suffix.lower() != ".png",
            f"--out {args.out}: expected a name ending in .png",
        ),
    ]
    for found, message in wrong:
        if found:
            raise UserError(f"{message}; --help shows examples")


def _descriptions(args: argparse.Namespace, cfg) -> list[str]:
    """What the flags describe, readable by the run; warns of what it will not read."""
    from faces.captions import check_descriptions
    from misc.data.sentences import check_sentence, read_sentences

    captions = args.between or args.descriptions
    if args.captions:
        found = read_sentences(args.captions)
        if found.embeddings is not None:
            raise UserError(f"{args.captions}: expected sentences, found a table of embeddings")
        captions = found.texts
    captions = [check_sentence(text, "TEXT") for text in captions]
    each = args.steps if args.walk or args.between else args.copies
    if len(captions) * each > MOST:
        raise UserError(
            f"{len(captions)} descriptions of {each} faces: expected at most {MOST:,} in all; "
            "main.py writes as many as there are, each into a file of its own"
        )
    check_descriptions(args.run, captions, cfg.CAPTIONS_LENGTH)
    return captions


def _drawn(args: argparse.Namespace, sampler, captions: list[str]):
    """Faces in the order of the sheet, its captions, and how many faces stand over each."""
    embedding = sampler.embed(captions)
    t = np.linspace(0, 1, args.steps, dtype=np.float32)
    if args.between:
        way = (1 - t[:, None]) * embedding[:1] + t[:, None] * embedding[1:]
        scales = sampler.scales(way, args.seed, 0, np.zeros_like(t))
        captions = [" -> ".join(captions)]
    elif args.walk:
        ways = [sampler.scales(row[None].repeat(len(t), 0), args.seed, 0, t) for row in embedding]
        scales = [np.concatenate(scale) for scale in zip(*ways, strict=True)]
    else:
        scales = sampler.scales(embedding.repeat(args.copies, axis=0), args.seed)
    scales = scales if args.scales else scales[-1:]
    pictures = [picture for face in zip(*scales, strict=True) for picture in face]
    return pictures, captions, len(pictures) // len(captions)


def _out(args: argparse.Namespace, captions: list[str], step: int) -> Path:
    """A file of its own for each different sheet."""
    asked = [captions, args.walk, args.copies, args.steps, args.scales]
    digest = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    return args.run / "samples" / f"demo-{digest}_step{step}_seed{args.seed}.png"


if __name__ == "__main__":
    sys.exit(run_program(main))
