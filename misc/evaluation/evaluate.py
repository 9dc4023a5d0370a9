"""A trained GAN, measured: pictures of test captions, all who judge them, a line a metric."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.atomic import make_folder
from misc.data.mentions import mentions_of
from misc.data.prepared import open_split
from misc.evaluation import classifier, features, judges
from misc.evaluation.attributes import NO_ATTRIBUTES
from misc.evaluation.caption_choice import CaptionChoice
from misc.evaluation.diversity import CAPTIONS, COPIES
from misc.evaluation.download import cache_folder
from misc.evaluation.judging import Judge, judge
from misc.evaluation.measures import Judged, measure, needed
from misc.evaluation.records import FOLDER, keep
from misc.evaluation.report import write_report
from misc.evaluation.samples import captions_digest, write_samples


class Evaluation:
    """The numbers of one configuration, with everything loaded that they need.

    Args:
      settings: the EVAL section of `main.py`'s configuration.
      encoder: the judge of R-precision, held out from the GAN; only that metric needs it.
      embed: the same encoder's captions -> float32 (n, d).
    Raises: UserError if a network, classifier or file of weights is not there, or not what it is
      said to be.
    """

    def __init__(
        self,
        settings: EasyDict,
        encoder: Judge | None = None,
        embed: Callable[[Sequence[str]], np.ndarray] | None = None,
    ):
        self.settings, self.embed = settings, embed
        self.network, self.attributes, self.judges = None, (), {}
        wanted = needed(settings.METRICS, bool(settings.CLASSIFIER))
        if "network" in wanted:
            self.network = features.load(settings.NETWORK, settings.WEIGHTS)
            self.judges["network"] = judges.by_network(self.network)
        if "classifier" in wanted:
            classify = classifier.load(settings.CLASSIFIER)
            self.attributes = classify.attributes
            if "attributes" in settings.METRICS and not self.attributes:
                raise UserError(f"EVAL.METRICS attributes: {settings.CLASSIFIER} {NO_ATTRIBUTES}")
            self.judges["classifier"] = judges.by_classifier(classify)
        if "encoder" in wanted:
            self.judges["encoder"] = encoder
        if "colour" in wanted:
            self.judges["colour"] = judges.by_colour()

    def lines(
        self,
        run: Path,
        sampler,
        data: Path,
        embeddings: np.ndarray,
        *,
        batch: int,
        seed: int,
        **facts,
    ) -> Iterator[dict]:
        """Sample EVAL.COUNT captions and tell each metric; lines are kept in RUN/evaluation.

        In the end that folder also has samples.json with pictures, and report.html.

        Args:
          sampler: of a room; its last stage is measured.
          data: a prepared set; its test split is what counts.
          embeddings: float32 (captions of the test split, width), perhaps memory-mapped; none of
            pictures in quarantine.
          batch: pictures sampled at once.   seed: of captions, noise, orders and intervals.
          facts: what else every line is to tell.
        Raises: UserError if there are too few pictures for a metric, the set stores none of this
          size, or the folder cannot be written.
        """
        folder, split = make_folder(run / FOLDER), open_split(data, "test")
        if split.quarantined:  # captions are known by their rows among those of all pictures
            spread = np.zeros((split.embedding_rows, embeddings.shape[1]), np.float32)
            spread[split.rows_of_captions()] = embeddings
            embeddings = spread
        choice = CaptionChoice(split, embeddings, self.settings.COUNT, seed)
        with tempfile.TemporaryDirectory(prefix=".judged-", dir=folder) as aside:
            start = time.monotonic()
            judged = self._judged(choice, sampler, Path(aside), batch)
            facts |= {
                "run": run.as_posix(),
                "step": sampler.step,
                "data": data.as_posix(),
                "data_checksum": split.card["checksum"],
                "imsize": sampler.imsize,
                "captions_digest": captions_digest(choice.captions()),
                "judged_in_seconds": round(time.monotonic() - start, 3),
            }
            found = measure(self.settings.METRICS, judged, seed, self.settings.SPLITS)
            for line, estimate in found:
                keep(folder, line | facts, estimate)
                yield line | facts
        write_samples(
            folder,
            sampler.stages,
            embeddings,
            split,
            imsize=sampler.imsize,
            seed=seed,
            step=sampler.step,
            network=self.network,
            train=open_split(data, "train") if self.network else None,
            cache=cache_folder() / "features",
        )
        write_report(run)

    def _judged(self, choice: CaptionChoice, sampler, aside: Path, batch: int) -> Judged:
        imsize, captions = sampler.imsize, choice.captions()
        fakes, reals = (make_folder(aside / kind) for kind in ("fakes", "reals"))
        # Of real pictures there may be none of this size: they are asked for first.
        others = {name: one for name, one in self.judges.items() if name != "network"}
        real = {}
        if others:
            real = judge(choice.reals(imsize, batch), choice.distinct, others, reals)
        if self.network:
            # What the slowest judge says of real pictures is kept for the next run on them.
            seen = self.network.features_of(
                choice.reals(imsize, batch),
                cache_folder() / "features",
                choice.content(imsize),
                choice.distinct,
            )
            real |= {f"network/{what}": values for what, values in seen._asdict().items()}
        fake = judge(choice.fakes(sampler.stages, batch), len(captions), self.judges, fakes)
        several = None
        if "diversity" in self.settings.METRICS:
            few = CaptionChoice(choice.split, choice.embeddings, CAPTIONS, choice.seed, True)
            drawn, count = few.fakes(sampler.stages, batch, COPIES), len(few.rows) * COPIES
            seen = judge(
                drawn, count, {"network": self.judges["network"]}, make_folder(aside / "several")
            )
            several = seen["network/features"].reshape(len(few.rows), COPIES, -1)
        return Judged(
            fake,
            real,
            {name: one.facts for name, one in self.judges.items()},
            own=choice.own,
            labels=choice.labels,
            sentences=self.embed(captions) if self.embed else None,
            mentions=mentions_of(captions, self.attributes) if self.attributes else None,
            attributes=self.attributes,
            several=several,
        )
