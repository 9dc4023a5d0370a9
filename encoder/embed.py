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
from contextlib import suppress
from pathlib import Path

import numpy as np
from easydict import EasyDict
from tqdm import tqdm

from encoder import alphabet
from encoder.cache import Cache
from encoder.word_pieces import WordPieces
from misc.config.defaults.encoder import TEXT_KEYS
from misc.config.errors import UserError, run_program

BLOCK = 16384  # captions among which duplicates are found, and that are in memory at once


class Embedder:
    """Captions in, embeddings out; a caption's embedding does not depend on its neighbours.

    Args:
      text_encoder: built Keras model, ints (n, t) -> float32 (n, dimension).
      cfg: configuration of the encoder; batch_size: captions at once.
      reader: makes the network's input of captions: `encode(captions)` -> ints (n, t),
        `is_cut(caption)`, `limit`, `identity`; `encoder.alphabet` or `WordPieces`.
      cache: a `Cache`, or None: everything is computed.

    Attributes:
      dimension: width of an embedding.
    """

    def __init__(
        self, text_encoder, cfg: EasyDict, batch_size: int = 256, reader=alphabet, cache=None
    ):
        import tensorflow as tf

        self.dimension, self.batch_size = cfg.TEXT.DIMENSION, batch_size
        self.reader, self.cache = reader, cache
        self._encoder, self._cfg = text_encoder, cfg
        self._run = tf.function(
            lambda indices: text_encoder(indices, training=False),
            input_signature=[tf.TensorSpec(text_encoder.input_shape, tf.int32)],
        )

    def __call__(
        self, captions: list[str], progress: Callable[[int], object] | None = None
    ) -> np.ndarray:
        """Embed captions, each different one once.

        Args: captions; progress: is called with the number of captions done since its last call.
        Returns: float32 (n, dimension). Of a caption so much counts as `reader.limit` says.
        """
        times = Counter(captions)
        different = list(times)
        embedded = self.cache.read(different, self.dimension) if self.cache else None
        if embedded is None:
            counted = progress and (lambda some: progress(sum(times[text] for text in some)))
            embedded = self._compute(different, counted)
            if self.cache:
                self.cache.write(different, embedded)
        elif progress:
            progress(len(captions))
        row = {caption: i for i, caption in enumerate(different)}
        return embedded[[row[caption] for caption in captions]]

    def _compute(self, captions, progress):
        embedded = np.empty((len(captions), self.dimension), np.float32)
        for start in range(0, len(captions), self.batch_size):
            some = captions[start : start + self.batch_size]
            numbers = self.reader.encode(some).astype(np.int32)
            embedded[start : start + len(some)] = self._run(numbers).numpy()
            if progress:
                progress(some)
        return embedded

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, the vocabulary and how they are used: 64 hex digits."""
        text = {key: self._cfg.TEXT[key] for key in TEXT_KEYS[self._cfg.TEXT.KIND]}
        facts = {"text": text, "precision": self._cfg.PRECISION}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode() + self.reader.identity)
        for weight in self._encoder.weights:
            digest.update(np.ascontiguousarray(weight.numpy(), "<f4").tobytes())
        return digest.hexdigest()


def load(run: str | Path, batch_size: int = 256, *, cached: bool = True) -> Embedder:
    """The trained encoder of a run folder. Raises: UserError if it is none, or untrained.

    `cached`: embeddings are kept in the run folder's `cache`, and read back from there.
    """
    from misc.config.quiet import import_tensorflow
    from misc.training.runs import load_run, restore_networks

    _, cfg = load_run(run, "encoder")
    reader = alphabet
    if cfg.TEXT.KIND == "minilm":
        reader = WordPieces.load(run, cfg.TEXT.VOCABULARY)
    import_tensorflow()
    from encoder.trainer import build_text_encoder
    from misc.training.distribute import precision

    with precision(cfg.PRECISION):
        text_encoder = build_text_encoder(cfg)
    restore_networks(run, {"text_encoder": text_encoder})
    embed = Embedder(text_encoder, cfg, batch_size, reader)
    if cached:
        embed.cache = Cache(Path(run) / "cache", embed.digest)
    return embed


def embed_set(embed: Embedder, folder: Path, run: Path) -> dict[str, int]:
    """Write the embeddings of all captions of a prepared set into it, under the run's name.

    Makes {train,test}/embeddings/NAME.npy, NAME being the run folder's, and NAME.json beside it
    with digest, run and width of the encoder, and the digest of the captions. If all that is there
    already, nothing is done.
    Returns: the number of captions of each split.
    Raises: UserError if the set is missing or has no captions, or the disk is full.
    """
    from misc.data.atomic import disk_errors, write_atomic
    from misc.data.prepared import embeddings_file, open_split, read_card
    from misc.data.quarantine import read_quarantine
    from misc.data.writer import write_embeddings

    name = run.resolve().name
    facts = {"digest": embed.digest, "run": run.as_posix(), "width": embed.dimension}
    # Captions in quarantine have their rows too, so that the rows fit when they are released.
    splits = [open_split(folder, split, whole=True) for split in read_card(folder)["splits"]]
    counts = {split.split: split.embedding_rows for split in splits}
    cards = {embeddings_file(s.folder, name).with_suffix(".json"): _card(s, facts) for s in splits}
    if all(path.exists() and path.read_bytes() == card for path, card in cards.items()):
        with suppress(UserError):  # another number of rows, or a damaged file: made again
            if all(split.embeddings(name).shape[1] == embed.dimension for split in splits):
                print(f"{folder}: has the embeddings of {run} already", file=sys.stderr)
                return counts
    # Gone before the first vector and back after the last: a kill leaves no vectors with a digest
    # of others.
    for path in cards:
        with disk_errors(path):
            path.unlink(missing_ok=True)
    for split in splits:
        quarantined = read_quarantine(split.folder)
        with tqdm(total=counts[split.split], desc=split.split, unit="caption") as bar:
            blocks = (embed(b, bar.update) for b in _blocks(split, quarantined, embed.reader))
            write_embeddings(split.folder, name, blocks)
    for path, card in cards.items():
        write_atomic(path, card)
    return counts


def _card(split, facts: dict) -> bytes:
    """What NAME.json says of a split's embeddings."""
    with open(split.folder / "captions.jsonl", "rb") as file:
        captions = hashlib.file_digest(file, "sha256").hexdigest()
    return json.dumps(facts | {"captions": captions}).encode() + b"\n"


def _blocks(split, quarantined, reader) -> Iterator[list[str]]:
    """Captions of a whole split in the order of its embeddings, some thousands at a time."""
    block, cut = [], 0
    for i in range(len(split)):
        captions = split.record(i)["captions"]
        if not captions and i not in quarantined:
            raise UserError(
                f"{split.folder}: picture {i} has no caption to embed; prepare the set from "
                "sources with captions"
            )
        cut += sum(map(reader.is_cut, captions))
        block += captions
        if len(block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block
    _warn_of_cut(cut, reader)


def _warn_of_cut(count: int, reader) -> None:
    if count:
        print(
            f"{count} captions are longer than {reader.limit}; the rest is not read",
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


def _load(args: argparse.Namespace, cached: bool = True) -> Embedder:
    """The encoder of --run, on the device of --gpu."""
    from misc.config.devices import choose_devices, gpu_indices
    from misc.training.runs import load_run

    _, cfg = load_run(args.run, "encoder")
    gpu = cfg.GPU_ID if args.gpu is None else args.gpu
    gpu_indices(gpu)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(gpu)
    return load(args.run, args.batch_size, cached=cached)


def main(argv: list[str] | None = None) -> int:
    """Embed what the flags name; prints one JSON line."""
    args = _parse(argv)
    from misc.data.atomic import replace_with
    from misc.data.sentences import check_sentence, read_sentences

    if args.data:
        embed = _load(args, cached=False)  # the set itself keeps them
        result = {"out": args.data.as_posix(), "captions": embed_set(embed, args.data, args.run)}
    else:
        sentences = [check_sentence(text, "--sentence") for text in args.sentence or []]
        sentences = sentences or read_sentences(args.captions).texts
        embed = _load(args)
        _warn_of_cut(sum(map(embed.reader.is_cut, sentences)), embed.reader)
        with tqdm(total=len(sentences), unit="sentence") as bar, replace_with(args.out) as partial:
            np.save(partial, embed(sentences, bar.update))
        result = {"out": args.out.as_posix(), "captions": len(sentences)}
    print(json.dumps(result | {"width": embed.dimension, "digest": embed.digest}))
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
