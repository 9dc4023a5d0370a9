"""Trained runs that draw faces, opened alike whatever their room; see `benchmarks.faces`."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from easydict import EasyDict
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from faces import sample as faces_sample
from faces import trainer as faces_trainer
from faces.captions import warn_of_unread
from faces.growth import Growth
from initial import sample as initial_sample
from initial import trainer as initial_trainer
from misc.data.prepared import PreparedSplit
from misc.evaluation.caption_choice import CaptionChoice
from misc.evaluation.diversity import CAPTIONS, COPIES
from misc.evaluation.judging import Judge, Said, judge
from misc.evaluation.resize import clean
from misc.evaluation.steady import Stages
from misc.training.distribute import precision
from misc.training.experiment import sizes
from misc.training.runs import load_run

ROOMS = {
    "faces": (faces_sample.load, faces_trainer.build),
    "initial": (initial_sample.load, initial_trainer.build),
}
BATCH = 64  # pictures at once


class Model(NamedTuple):
    """A trained run that can be asked for pictures of the test captions.

    split: of the captions.
    embeddings: float32 (captions of the split, width); of a run of faces only those asked for.
    facts: what the page tells of its training.
    """

    name: str
    sampler: object
    split: PreparedSplit
    embeddings: np.ndarray
    facts: dict

    def stages(self, side: int) -> Stages:
        """Its sampler, whose last pictures are enlarged or shrunk to `side` px."""

        def sample(*given):
            return (_sized(self.sampler.stages(*given)[-1], side),)

        return sample


def _sized(pictures: np.ndarray, side: int) -> np.ndarray:
    if pictures.shape[1] == side:
        return pictures
    return np.rint(clean(pictures, side)).astype(np.uint8)


def choices(split: PreparedSplit, embeddings, most: int, seed: int) -> list[CaptionChoice]:
    """The captions that are measured, and the few that several pictures are drawn of.

    Args: most: captions, of as many pictures; 0: one of each picture.
    """
    return [CaptionChoice(split, embeddings, n, seed, distinct=True) for n in (most, CAPTIONS)]


def model_of(name: str, run: Path, chosen: Sequence[CaptionChoice]) -> Model:
    """Open a run of Stage-I or of faces.

    Args: chosen: captions that it will be asked for.
    Raises: UserError if it is untrained, or the set lacks the embeddings that it was trained on.
    """
    room, cfg = load_run(run, *ROOMS)
    load, build = ROOMS[room]
    split, sampler = chosen[0].split, load(run)
    with precision(cfg.PRECISION):
        counts = {k: v["trainable"] for k, v in sizes(build(cfg, 1, 1)).items()}
    judging = counts.pop("discriminator")
    encoder = None
    if room == "faces":
        warn_of_unread(run, chosen[0].captions(), cfg.CAPTIONS_LENGTH)
        embeddings = np.zeros((split.embedding_rows, cfg.HIDDEN_SIZE), np.float32)
        for one in chosen:
            embeddings[one.rows] = sampler.embed(one.captions())
    else:
        embeddings = sampler.text.stored(split)
        encoder = sampler.text.encoder
    facts = {
        "run": run.as_posix(),
        "room": room,
        "kind": (cfg.GAN if room == "initial" else cfg).NETWORK_TYPE,
        "step": sampler.step,
        "imsize": sampler.imsize,
        "stages": _stages(run, room, cfg, sampler.step),
        "seconds": seconds(run, sampler.step),
        "parameters": {"drawing": sum(counts.values()), "judging": judging},
        "encoder": encoder,
        "encoder_seconds": seconds(Path(encoder)) if encoder else None,
    }
    return Model(name, sampler, split, embeddings, facts)


def _stages(run: Path, room: str, cfg: EasyDict, step: int) -> list[tuple[int, int]]:
    """Steps that were done of each stage, and how many real pictures each of them showed."""
    if room == "initial":
        return [(step, cfg.TRAIN.BATCH_SIZE)]
    timetable = Growth.load(run, cfg).timetable
    return [
        (min(max(0, step - begin), stage.steps), stage.batch_size)
        for begin, stage in zip(timetable.begins, timetable.stages, strict=True)
    ]


def seconds(run: Path, step: float = math.inf) -> float | None:
    """Wall time of a run's training: of each sitting, from the first of its events to the last.

    A sitting writes a file of TensorBoard's, and nothing between two of them counts, nor does what
    came after `step`.
    Returns: None if there is none.
    """
    total = None
    for file in sorted((run / "tensorboard").glob("events.out.tfevents.*")):
        events = EventFileLoader(str(file)).Load()
        times = [event.wall_time for event in events if event.step <= step]
        if times:
            total = (total or 0.0) + max(times) - min(times)
    return total


def size_of(models: Sequence[Model], split: PreparedSplit) -> int:
    """Side at which all are compared: the set's smallest that no run's is above, or its largest."""
    largest, known = max(model.sampler.imsize for model in models), split.card["imsizes"]
    return next((imsize for imsize in known if imsize >= largest), known[-1])


def look(
    model: Model, side: int, judges: Mapping[str, Judge], most: int, seed: int, aside: Path
) -> tuple[Said, np.ndarray]:
    """What judges say of a model's pictures of `choices`, in files below `aside`.

    Returns: as `judge`, of one picture of each caption; and features float32 (captions, copies, d),
      as the judge `network` sees several of the few.
    """
    every, few = choices(model.split, model.embeddings, most, seed)
    stages = model.stages(side)
    drawn, count = every.fakes(stages, BATCH), len(every.rows)
    fake = judge(drawn, count, judges, Path(tempfile.mkdtemp(dir=aside)))
    drawn, count = few.fakes(stages, BATCH, COPIES), len(few.rows) * COPIES
    network = {"network": judges["network"]}
    several = judge(drawn, count, network, Path(tempfile.mkdtemp(dir=aside)))
    return fake, several["network/features"].reshape(len(few.rows), COPIES, -1)
