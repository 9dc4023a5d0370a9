"""Turn sentences into embeddings by a trained text encoder.

As a program: sentences from the command line or a file into one .npy file, or every caption of a
prepared set into the set itself, where Stage-I and Stage-II look for them. For others: `load(run)`
gives a function from captions to embeddings.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from easydict import EasyDict
from tqdm import tqdm

from encoder.alphabet import LENGTH, encode, is_cut
from misc.config.errors import UserError, run_program

BLOCK = 16384  # captions among which duplicates are found, and that are in memory at once


class Embedder:
    """Captions in, embeddings out; a caption's embedding does not depend on its neighbours.

    Attributes:
      dimension: width of an embedding.
    """

    def __init__(self, text_encoder, cfg: EasyDict, batch_size: int = 256):
        import tensorflow as tf

        self.dimension, self.batch_size = cfg.TEXT.DIMENSION, batch_size
        self._encoder, self._cfg = text_encoder, cfg
        self._run = tf.function(
            lambda indices: text_encoder(indices, training=False),
            input_signature=[tf.TensorSpec((None, LENGTH), tf.int32)],
        )

    def __call__(
        self, captions: list[str], progress: Callable[[int], object] | None = None
    ) -> np.ndarray:
        """Embed captions, each different one once.

        Args: captions; progress: is called with the number of captions done since its last call.
        Returns: float32 (n, dimension). Of a caption the first 201 characters count.
        """
        times = Counter(captions)
        different = list(times)
        embedded = np.empty((len(different), self.dimension), np.float32)
        for start in range(0, len(different), self.batch_size):
            some = different[start : start + self.batch_size]
            embedded[start : start + len(some)] = self._run(encode(some).astype(np.int32)).numpy()
            if progress:
                progress(sum(times[caption] for caption in some))
        row = {caption: i for i, caption in enumerate(different)}
        return embedded[[row[caption] for caption in captions]]

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and of the keys that say how they are used: 64 hex digits."""
        facts = {"text": dict(self._cfg.TEXT), "precision": self._cfg.PRECISION}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for weight in self._encoder.weights:
            digest.update(np.ascontiguousarray(weight.numpy(), "<f4").tobytes())
        return digest.hexdigest()


def load(run: str | Path, batch_size: int = 256) -> Embedder:
    """The trained encoder of a run folder. Raises: UserError if it is none, or untrained."""
    from misc.config.quiet import import_tensorflow
    from misc.training.runs import load_run, restore_networks

    _, cfg = load_run(run, "encoder")
    import_tensorflow()
    from encoder.trainer import build_text_encoder
    from misc.training.distribute import precision

    with precision(cfg.PRECISION):
        text_encoder = build_text_encoder(cfg)
    restore_networks(run, {"text_encoder": text_encoder})
    return Embedder(text_encoder, cfg, batch_size)


def embed_set(embed: Embedder, folder: Path, run: Path) -> dict[str, int]:
    """Write the embeddings of all captions of a prepared set into it, under the run's name.

    Makes {train,test}/embeddings/NAME.npy, NAME being the run folder's, and NAME.json beside it
    with digest, run and width of the encoder.
    Returns: the number of captions of each split.
    Raises: UserError if the set is missing or has no captions, or the disk is full.
    """
    from misc.data.atomic import disk_errors, write_atomic
    from misc.data.prepared import embeddings_file, open_split, read_card
    from misc.data.quarantine import read_quarantine
    from misc.data.writer import write_embeddings

    name = run.resolve().name
    card = {"digest": embed.digest, "run": run.as_posix(), "width": embed.dimension}
    counts = {}
    # Captions in quarantine have their rows too, so that the rows fit when they are released.
    splits = [open_split(folder, split, whole=True) for split in read_card(folder)["splits"]]
    cards = [embeddings_file(split.folder, name).with_suffix(".json") for split in splits]
    # Gone before the first vector and back after the last: a kill leaves no vectors with a digest
    # of others.
    for path in cards:
        with disk_errors(path):
            path.unlink(missing_ok=True)
    for split in splits:
        counts[split.split] = split.embedding_rows
        with tqdm(total=counts[split.split], desc=split.split, unit="caption") as bar:
            blocks = (
                embed(block, bar.update) for block in _blocks(split, read_quarantine(split.folder))
            )
            write_embeddings(split.folder, name, blocks)
    for path in cards:
        write_atomic(path, json.dumps(card).encode() + b"\n")
    return counts


def _blocks(split, quarantined) -> Iterator[list[str]]:
    """Captions of a whole split in the order of its embeddings, some thousands at a time."""
    block, cut = [], 0
    for i in range(len(split)):
        captions = split.record(i)["captions"]
        if not captions and i not in quarantined:
            raise UserError(
                f"{split.folder}: picture {i} has no caption to embed; prepare the set from "
                "sources with captions"
            )
        cut += sum(map(is_cut, captions))
        block += captions
        if len(block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block
    _warn_of_cut(cut)


def _warn_of_cut(count: int) -> None:
    if count:
        print(
            f"{count} captions are longer than {LENGTH} characters; the rest is not read",
            file=sys.stderr,
        )


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Turn sentences into embeddings by a trained text encoder.", allow_abbrev=False
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder of the encoder")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--captions", type=Path, metavar="FILE", help="text, a sentence a line")
    source.add_argument("--sentence", nargs="+", metavar="TEXT", help="sentences, each in quotes")
    source.add_argument("--data", type=Path, metavar="DIR", help="prepared set, such as data/birds")
    parser.add_argument("--out", type=Path, metavar="FILE.npy", help="float32 (sentences, width)")
    parser.add_argument("--batch-size", type=int, default=256, help="sentences at once (256)")
    parser.add_argument("--gpu", metavar="N", help="0, or -1 for the CPU (default: run's GPU_ID)")
    args = parser.parse_args(argv)
    if args.batch_size < 1:
        raise UserError(f"--batch-size {args.batch_size}: expected a number of at least 1")
    if args.data and args.out:
        raise UserError("--out does not go with --data: embeddings of a set are kept in the set")
    if not args.data and (args.out is None or args.out.suffix != ".npy"):
        raise UserError(f"--out is {args.out}: expected a file name that ends in .npy")
    return args


def _load(args: argparse.Namespace) -> Embedder:
    """The encoder of --run, on the device of --gpu."""
    from misc.config.devices import choose_devices, gpu_indices
    from misc.training.runs import load_run

    _, cfg = load_run(args.run, "encoder")
    gpu = cfg.GPU_ID if args.gpu is None else args.gpu
    gpu_indices(gpu)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(gpu)
    return load(args.run, args.batch_size)


def main(argv: list[str] | None = None) -> int:
    """Embed what the flags name; prints one JSON line."""
    args = _parse(argv)
    from misc.data.atomic import replace_with
    from misc.data.sentences import check_sentence, read_sentences

    if args.data:
        embed = _load(args)
        result = {"out": args.data.as_posix(), "captions": embed_set(embed, args.data, args.run)}
    else:
        sentences = [check_sentence(text, "--sentence") for text in args.sentence or []]
        sentences = sentences or read_sentences(args.captions).texts
        _warn_of_cut(sum(map(is_cut, sentences)))
        embed = _load(args)
        with tqdm(total=len(sentences), unit="sentence") as bar, replace_with(args.out) as partial:
            np.save(partial, embed(sentences, bar.update))
        result = {"out": args.out.as_posix(), "captions": len(sentences)}
    print(json.dumps(result | {"width": embed.dimension, "digest": embed.digest}))
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
