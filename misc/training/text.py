"""Which text embeddings a GAN run was trained on, and how they were scaled."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.prepared import PreparedSplit, embeddings_file
from misc.training.runs import write_changed

_ROWS = 65536  # embeddings read at once


@dataclass(frozen=True)
class Text:
    """The text side of a GAN run, kept in its folder as text.json and text_statistics.npy.

    Attributes:
      encoder: run folder of the text encoder; "" if the embeddings were imported without one.
      embeddings: their name in the prepared set.
      digest: of the encoder's weights; "" if imported.
      width: of an embedding.
      mean, deviation: float32 (width,) of the training embeddings, or None if not standardised.
    """

    encoder: str
    embeddings: str
    digest: str
    width: int
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None

    def scaled(self, embedding: np.ndarray) -> np.ndarray:
        """Raw embeddings float32 (n, width) as the generator was trained to see them."""
        if self.mean is None:
            return np.asarray(embedding, np.float32)
        return ((embedding - self.mean) / self.deviation).astype(np.float32)

    def stored(self, split: PreparedSplit) -> np.ndarray:
        """The embeddings of a split, by the encoder that made those of training.

        Raises: UserError if there are none, or another one's.
        """
        embeddings = split.embeddings(self.embeddings)
        if made_by(split, self.embeddings).get("digest", "") != self.digest:
            run = self.encoder or "RUN"
            raise UserError(
                f"{split.folder}: the embeddings {self.embeddings} are not by the encoder that "
                f"training had: make them again with encoder/embed.py --run {run} --data "
                f"{split.folder.parent}"
            )
        return embeddings

    def save(self, folder: Path) -> None:
        """Write into a run folder. Raises: UserError if that is impossible."""
        facts = {k: getattr(self, k) for k in ("encoder", "embeddings", "digest", "width")}
        facts["standardized"] = self.mean is not None
        if self.mean is not None:
            statistics = io.BytesIO()
            np.save(statistics, np.stack([self.mean, self.deviation]))
            write_changed(folder / "text_statistics.npy", statistics.getvalue())
        write_changed(folder / "text.json", json.dumps(facts).encode() + b"\n")

    @classmethod
    def load(cls, folder: str | Path) -> "Text":
        """Read what `save` wrote. Raises: UserError if it is missing or damaged."""
        folder = Path(folder)
        try:
            facts = json.loads((folder / "text.json").read_text(encoding="utf-8"))
            if facts.pop("standardized"):
                statistics = np.load(folder / "text_statistics.npy", allow_pickle=False)
                facts["mean"], facts["deviation"] = statistics
            return cls(**facts)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{folder}: text.json or text_statistics.npy is missing or damaged ({error}); "
                "they are written when the GAN is trained"
            ) from error

    @classmethod
    def of_training_set(cls, cfg: EasyDict, split: PreparedSplit) -> "Text":
        """The embeddings that TEXT.ENCODER names in the training split, with their statistics.

        TEXT.ENCODER is a path, or one word, which names embeddings and not a folder.

        Raises: UserError if the set has none, or several and none is named, or of another width,
          or made by another encoder whose folder has the same name.
        """
        name = embeddings_name(cfg, split)
        embeddings = split.embeddings(name)
        width = embeddings.shape[1]
        if width != cfg.TEXT.DIMENSION:
            raise UserError(
                f"{split.folder / 'embeddings' / name}.npy has vectors of width {width}, but "
                f"TEXT.DIMENSION is {cfg.TEXT.DIMENSION}: set it to {width}, or to 0, which takes "
                "the width that is there, or name another TEXT.ENCODER"
            )
        origin = made_by(split, name)
        encoder, asked = origin.get("run", ""), Path(cfg.TEXT.ENCODER)
        if encoder and len(asked.parts) > 1 and asked.resolve() != Path(encoder).resolve():
            raise UserError(
                f"TEXT.ENCODER is {asked}, but {embeddings_file(split.folder, name)} was made by "
                f"{encoder}: name that one, or run python encoder/embed.py --run {asked} --data "
                f"{split.folder.parent}"
            )
        mean, deviation = _statistics(embeddings) if cfg.TEXT.STANDARDIZE else (None, None)
        return cls(encoder, name, origin.get("digest", ""), width, mean, deviation)


def embeddings_name(cfg: EasyDict, split: PreparedSplit) -> str:
    """What the embeddings that TEXT.ENCODER asks for are called in a prepared set.

    Raises: UserError if it asks for none, and the set has none, or several.
    """
    return Path(cfg.TEXT.ENCODER).name or _only_embeddings(split)


def made_by(split: PreparedSplit, name: str) -> dict:
    """`digest`, `run` and `width` of the encoder of a split's embeddings; {} if imported."""
    sidecar = embeddings_file(split.folder, name).with_suffix(".json")
    return json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}


def _only_embeddings(split: PreparedSplit) -> str:
    found = split.encoders()
    if len(found) == 1:
        return found[0]
    data = split.folder.parent
    if not found:
        raise UserError(
            f"{data} has no text embeddings: train an encoder and run `python encoder/embed.py "
            f"--run runs/encoder_{data.name} --data {data}`, or prepare the set with "
            "char-CNN-RNN-embeddings.pickle in place"
        )
    raise UserError(f"{data} has embeddings of {', '.join(found)}: say which with TEXT.ENCODER")


def _statistics(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total, squares = 0.0, 0.0
    for begin in range(0, len(embeddings), _ROWS):
        rows = np.asarray(embeddings[begin : begin + _ROWS], np.float64)
        total, squares = total + rows.sum(0), squares + np.square(rows).sum(0)
    mean = total / len(embeddings)
    deviation = np.sqrt(np.maximum(squares / len(embeddings) - np.square(mean), 0))
    # A dimension that never varies carries nothing; dividing by its rounding error would shout it.
    deviation[deviation < 1e-6 * deviation.max()] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
