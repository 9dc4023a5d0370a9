"""Speed and memory of the text encoder: captions/s, against two plain ways to do the same.

    python -m benchmarks.encoder [--rounds 3] [--out docs/encoder.json]

The char-CNN-RNN at its published size (4,045,184 parameters, GRU, 18 steps, 1024 wide), untrained,
on captions of drawn birds, which are about as long as CUB's.
  load float32, load bfloat16  `encoder.embed.load(run)`, 10,000 different captions, nothing cached
  one by one                   the same network called once a caption, without a tf.function
  plain                        stock Keras layers (`benchmarks/plain.py`), `model.predict`
Every variant lives in a process of its own, and they take turns, as in `benchmarks.training`; the
bursts of the slower ones are shorter. Ratios are to `plain`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.training import keep, serve_bursts, take_turns

# Captions in a burst.
COUNTS = {"plain": 2_000, "one by one": 100, "load float32": 10_000, "load bfloat16": 10_000}
COCO = 118_000  # the pictures of its training split
BATCH = 256


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --variant) serve as one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--variant", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.variant:
        return serve(*args.variant)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.encoder", "--variant"]
        turns = take_turns([[*command, variant, folder] for variant in COUNTS], args.rounds)
    rows = [
        {
            "variant": variant,
            "captions_per_second": round(rate, 1),
            "ratio": round(ratio, 3),
            "peak_gib": round(last["peak_gib"], 2),
            "minutes_for_118000": round(COCO / rate / 60, 1),
        }
        for variant, (rate, ratio, last) in zip(COUNTS, turns, strict=True)
    ]
    print(table(rows))
    keep(args.out, rows, rounds=args.rounds)


def serve(variant: str, folder: str) -> None:
    """Build one variant, warm it up, and serve its bursts."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    burst, texts = make_burst(variant, Path(folder)), captions(COUNTS[variant])
    burst(texts[:BATCH] + texts[-(len(texts) % BATCH) :])  # both sizes of batches there are
    serve_bursts(lambda: burst(texts), len(texts))


def captions(count: int) -> list[str]:
    """Different captions of drawn birds."""
    from misc.drawings import birds, birds_captions

    found, seed = {}, 0
    while len(found) < count:
        found |= dict.fromkeys(birds_captions.captions(birds.attributes(seed)))
        seed += 1
    return list(found)[:count]


def make_burst(variant: str, folder: Path):
    """The function of a variant, from captions to their embeddings."""
    import numpy as np

    from benchmarks import plain
    from encoder.alphabet import ALPHABET, encode
    from encoder.embed import load
    from encoder.trainer import build_text_encoder
    from misc.config.load import load_config
    from misc.training.import_run import save_networks

    if variant == "plain":
        model, one_hot = plain.char_cnn_rnn(), np.eye(len(ALPHABET) + 1, dtype=np.float32)[:, 1:]
        return lambda texts: model.predict(one_hot[encode(texts)], batch_size=BATCH, verbose=0)
    dtype = variant.removeprefix("load ") if variant.startswith("load") else "float32"
    cfg = load_config("encoder", None, [f"PRECISION={dtype}"])
    network = build_text_encoder(cfg)
    if variant == "one by one":
        return lambda texts: [network(encode([text]), training=False).numpy() for text in texts]
    run = folder / variant
    save_networks(run, 0, cfg, "encoder", {"text_encoder": network})
    return load(run, BATCH, cached=False)


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    head = f"| variant | captions/s | ratio | peak GiB | minutes for {COCO:,} captions |"
    cells = [" | ".join(map(str, row.values())) for row in rows]
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *(f"| {c} |" for c in cells)])


if __name__ == "__main__":
    main()
