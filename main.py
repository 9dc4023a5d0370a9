"""Turn sentences into pictures with a trained run, and measure it.

    python main.py --cfg cfg/eval_bird.yml --gpu 1
    python main.py --run runs/final_birds --captions "a small yellow bird with black wings"

The run is --run, else TRAIN.PRETRAINED_MODEL, else TEST.PRETRAINED_MODEL; its own config.yml says
what it is and which set it was trained on. The sentences are the first of: --captions; with
B_VALIDATION: True every caption of the set's test split; the file TEST.CAPTION_PATH; in the set's
folder example_captions.txt, or else the files that example_filenames.txt names. A .t7 file among
them holds sentences with their embeddings and needs no encoder; a run of faces/ is its own encoder
and takes none. EVAL.METRICS are printed as JSON lines and left in the run's folder `evaluation`,
with report.html; the last line on stdout is the path of the contact sheet.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from misc.config.cli import add_config_flags, configured
from misc.config.errors import UserError, run_program


class Source(NamedTuple):
    """Captions to sample; `embeddings` are None if the encoder has yet to make them.

    proved: they are, or will be, of the encoder that the run was trained with.
    """

    name: str
    captions: Sequence[str]
    embeddings: Sequence | None = None
    proved: bool = True


def main(argv: list[str] | None = None) -> None:
    """Check what can be checked without TensorFlow, then sample, measure and print."""
    args = _parse(argv)
    cfg = configured("main", args)
    _check(args, cfg)
    from misc.data.atomic import make_folder
    from misc.training.runs import load_run
    from misc.training.text import Text

    run = _run_folder(args, cfg)
    room, run_cfg = load_run(run, "initial", "final", "faces")
    text = None if room == "faces" else Text.load(run)  # None: the run is its own encoder
    data = _data_folder(args, cfg, run_cfg)
    written = args.captions or not cfg.B_VALIDATION
    test = _test_captions(data, text) if cfg.EVAL.METRICS or not written else None
    source = _source(args, cfg, data, text) if written else test
    if text is None:
        _check_words(run, run_cfg, written and source, test)
    encoder = None
    if source.embeddings is None or (test and test.embeddings is None):
        encoder = _encoder_run(args, run, text)
    if args.out:
        make_folder(args.out)

    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(cfg.GPU_ID)  # and no strategy: sampling is one process, whatever TF_CONFIG says
    from misc.evaluation.evaluate import Evaluation
    from misc.evaluation.gallery import write_gallery

    sampler = _load_sampler(room, run, cfg.TEST.CHECKPOINT)
    seed = cfg.SEED if args.seed is None else args.seed
    facts = {"seed": seed, "run": run.as_posix(), "step": sampler.step}
    embed = _embedder(encoder, text, sampler)
    digest = text.digest if text else sampler.digest
    evaluation = cfg.EVAL.METRICS and Evaluation(cfg.EVAL, *_held_out_encoder(cfg, digest))
    sheet = write_gallery(
        args.out or run / "samples" / f"{source.name}_step{sampler.step}_seed{seed}",
        source.captions,
        _embeddings(source, embed),
        sampler.stages,
        copies=cfg.TEST.NUM_COPY,
        batch=cfg.TEST.BATCH_SIZE,
        seed=seed,
        facts=facts | {"encoder": digest if source.proved else ""},
    )
    if evaluation:
        told = evaluation.lines(
            run,
            sampler,
            data,
            _embeddings(test, embed),
            batch=cfg.TEST.BATCH_SIZE,
            seed=seed,
            checkpoint=f"{cfg.TEST.CHECKPOINT}, step {sampler.step}",
        )
        for line in told:
            print(json.dumps(line), flush=True)
    print(sheet)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Turn sentences into pictures with a trained run, and measure it.",
        allow_abbrev=False,
    )
    add_config_flags(parser)
    parser.add_argument("--run", help="run folder to sample (default: TRAIN.PRETRAINED_MODEL)")
    parser.add_argument("--captions", nargs="+", metavar="TEXT", help="sentences, each in quotes")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: in <run>/samples")
    parser.add_argument("--seed", type=int, help="same seed, same pixels (default: SEED)")
    parser.add_argument("--encoder", metavar="RUN", help="the run's text encoder, if it was moved")
    return parser.parse_args(argv)


def _check(args: argparse.Namespace, cfg) -> None:
    from misc.config.devices import gpu_indices

    if args.cfg and cfg.TRAIN.FLAG:
        raise UserError(
            f"{args.cfg}: TRAIN.FLAG is True, but this program samples and measures: set it to "
            f"False, or train with python initial/run_exp.py (or final/) --cfg {args.cfg}"
        )
    if args.seed is not None and args.seed < 0:
        raise UserError(f"--seed {args.seed}: expected a whole number of at least 0")
    gpu_indices(cfg.GPU_ID)


def _run_folder(args: argparse.Namespace, cfg) -> Path:
    run = args.run or cfg.TRAIN.PRETRAINED_MODEL or cfg.TEST.PRETRAINED_MODEL
    if not run:
        raise UserError("no run to sample: name one with --run, or as TRAIN.PRETRAINED_MODEL")
    return Path(run)


def _data_folder(args: argparse.Namespace, cfg, run_cfg) -> Path:
    """The set that the run was trained on, unless DATA_DIR names another."""
    from misc.training.gan_data import data_folder

    if cfg.DATA_DIR:
        return Path(cfg.DATA_DIR)
    if args.cfg and cfg.DATASET_NAME != run_cfg.DATASET_NAME:
        raise UserError(
            f"{args.cfg}: DATASET_NAME is {cfg.DATASET_NAME}, but the run was trained on "
            f"{run_cfg.DATASET_NAME}: name that, or give the set's folder as DATA_DIR"
        )
    return data_folder(run_cfg)


def _source(args: argparse.Namespace, cfg, data: Path, text) -> Source:
    """The sentences that the user wrote."""
    from misc.data.sentences import Sentences, check_sentence, example_file, read_sentences

    if args.captions:
        name, path = "captions", Path()
        found = Sentences([check_sentence(s, "--captions") for s in args.captions])
    else:
        path = Path(cfg.TEST.CAPTION_PATH) if cfg.TEST.CAPTION_PATH else example_file(data)
        name, found = path.stem, read_sentences(path)
    # Other sentences, another folder: pictures of two sets of sentences do not mix.
    digest = hashlib.sha256("\n".join(found.texts).encode())
    if found.embeddings is not None:
        _check_width(path, found.embeddings, text)
        digest.update(found.embeddings.tobytes())
    name = f"{name}-{digest.hexdigest()[:8]}"
    return Source(name, found.texts, found.embeddings, proved=found.embeddings is None)


def _check_width(path: Path, embeddings, text) -> None:
    """All that embeddings from a file show of their encoder."""
    if text is None:
        raise UserError(
            f"{path}: it holds embeddings, but a run of faces reads sentences by an encoder of its "
            "own: give them as text, one a line"
        )
    if embeddings.shape[1] != text.width:
        raise UserError(
            f"{path}: its embeddings have width {embeddings.shape[1]}, but the run was trained on "
            f"width {text.width}: make them with the run's encoder, or give the sentences as text"
        )
    print(
        f"warning: nothing proves that the run's encoder made the embeddings in {path}; those of "
        "another encoder give pictures that do not fit the sentences",
        file=sys.stderr,
    )


def _test_captions(data: Path, text) -> Source:
    """Every caption of the test split, with its embeddings if the run's encoder stored them."""
    from misc.data.prepared import embeddings_file, open_split
    from misc.training.text import made_by

    split = open_split(data, "test")
    captions = []
    for i, count in enumerate(split.index["count"]):
        record = split.record(i)
        unknown = [f"{record['name']}, caption {k + 1}" for k in range(count)]
        captions += record["captions"] or unknown  # embeddings may be imported without their text
    embeddings = None
    if text and embeddings_file(split.folder, text.embeddings).exists():
        if made_by(split, text.embeddings).get("digest", "") == text.digest:
            embeddings = split.embeddings(text.embeddings)
            if split.quarantined:
                embeddings = embeddings[split.rows_of_captions()]
    return Source("validation", captions, embeddings)


def _check_words(run: Path, cfg, written: Source | None, test: Source | None) -> None:
    """Sentences that a run of faces cannot read are a mistake; a test split may have some."""
    from faces.captions import check_descriptions, warn_of_unread

    if written:
        check_descriptions(run, written.captions, cfg.CAPTIONS_LENGTH)
    if test:
        warn_of_unread(run, test.captions, cfg.CAPTIONS_LENGTH)


def _encoder_run(args: argparse.Namespace, run: Path, text) -> str | None:
    """The run folder of the encoder; None if the run is its own."""
    from misc.training.runs import load_run

    if text is None:
        if args.encoder:
            raise UserError(f"--encoder {args.encoder}: {run} is its own encoder: leave it out")
        return None
    encoder = args.encoder or text.encoder
    if not encoder:
        raise UserError(
            f"{run} was trained on the imported embeddings {text.embeddings}, with no encoder of "
            "ours: sentences cannot be embedded; B_VALIDATION: True samples the test captions, "
            "whose embeddings are in the set"
        )
    load_run(encoder, "encoder")
    if not text.digest:
        print(
            f"warning: nothing proves that {encoder} made the imported embeddings "
            f"{text.embeddings}; another encoder gives pictures that do not fit the sentences",
            file=sys.stderr,
        )
    return encoder


def _embedder(encoder: str | None, text, sampler):
    """What embeds captions as the run was trained to read them; None if all are embedded."""
    if text is None:
        return sampler.embed
    if encoder is None:
        return None
    from encoder.embed import load

    embed = load(encoder)
    if embed.dimension != text.width or (text.digest and embed.digest != text.digest):
        raise UserError(
            f"{encoder}: this encoder (width {embed.dimension}, digest {embed.digest[:8]}) is not "
            f"the one the run was trained with (width {text.width}, digest {text.digest[:8]}): "
            "name that one with --encoder, or train the GAN again"
        )
    return embed


def _embeddings(source: Source, embed):
    return embed(list(source.captions)) if source.embeddings is None else source.embeddings


def _load_sampler(room: str, run: Path, checkpoint: str):
    if room == "final":
        from final.sample import load
    elif room == "faces":
        from faces.sample import load
    else:
        from initial.sample import load
    return load(run, checkpoint)


def _held_out_encoder(cfg, digest: str) -> tuple:
    """The judge of R-precision, and what embeds its captions; nothing if no metric needs them."""
    if "r_precision" not in cfg.EVAL.METRICS:
        return ()
    from encoder import embed, look
    from misc.evaluation.judging import Judge

    run = cfg.EVAL.ENCODER
    read = embed.load(run)
    if digest in ("", read.digest):
        why = (
            "the GAN was trained with this very encoder, which would judge itself; train another, "
            "with another SEED"
            if digest
            else "nothing tells which encoder made the embeddings that the GAN was trained on, so "
            "it may be this one; leave r_precision out of EVAL.METRICS"
        )
        raise UserError(f"EVAL.ENCODER {run}: {why}")
    eye = look.load(run)
    facts = {"judge": f"encoder-{read.digest[:8]}", "network": run, "network_digest": read.digest}
    return Judge(lambda pictures: {"features": eye(pictures)}, facts), read


if __name__ == "__main__":
    sys.exit(run_program(main))
