"""Edit pictures by a trained editor: encode, move along attributes, decode.

    python editor/edit.py --run RUN --list
    python editor/edit.py --run RUN --image me.jpg --edit Smiling=+1 Eyeglasses=-0.5 --out me.png
    python editor/edit.py --run RUN --image me.jpg --toward "a woman with glasses" --out me.png
    python editor/edit.py --run RUN --image me.jpg --strip Smiling Male --out strips.png
    python editor/edit.py --run RUN --image SAMPLES/pictures --whole --edit Smiling=+1 --out edited/

A step of 1 leads from pictures without an attribute to pictures with it, on average. A sheet shows
the original, its reconstruction, which is all that the editor knows of it, and the edit. Pictures
that main.py makes of sentences lie beside their sheet, in `pictures`. For others: `load(run)` gives
an `Editor`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from editor.attributes import Counts, asked, check_name, named_in, usable
from editor.flags import outs, parse, pictures
from editor.frame import Frame
from misc.config.errors import UserError, run_program
from misc.data.atomic import replace_with
from misc.data.images import contact_sheet, open_picture
from misc.data.safe_npz import read_npz

STRIP = (-2.0, -1.0, 0.0, 1.0, 2.0)  # steps
TILE, MOST_TILE = 192, 512  # side of a picture on a sheet, px; of one that is pasted into
_MOST_BYTES = 1 << 26  # of a file of codes


class Editor:
    """Pictures to codes and back, each in one graph; row k depends on it and its place alone.

    Args: encoder, decoder: as `editor.model` has them.
    Attributes: cfg: of the run; step: of its checkpoint; digest: of both networks, 64 hex digits.
    """

    def __init__(self, encoder, decoder, cfg, step: int = 0, digest: str = ""):
        import tensorflow as tf

        from editor.data import to_network
        from misc.evaluation.steady import steady

        self.cfg, self.step, self.digest = cfg, step, digest
        side, channels = cfg.IMAGE.SIZE, cfg.IMAGE.CHANNELS
        self.shape = (side, side, 3)

        def encoded(rows):
            pictures = to_network(tf.reshape(rows, (-1, *self.shape)), channels)
            return encoder(pictures, training=False)["mu"]

        def decoded(rows):
            return decoder(rows, training=False)

        pixels = tf.TensorSpec((None, side * side * 3), tf.uint8)
        codes = tf.TensorSpec((None, cfg.Z_DIM), tf.float32)
        self._encoded = steady(self._rows(tf.function(encoded, input_signature=[pixels])))
        self._decoded = steady(self._rows(tf.function(decoded, input_signature=[codes])))

    @staticmethod
    def _rows(function):
        # Nothing here is drawn by chance: a sampler's seed and number stay unused.
        return lambda rows, seed, start: (function(rows).numpy(),)

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """The middle of each picture's code: uint8 (n, side, side, 3) -> float32 (n, z_dim)."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != self.shape:
            raise ValueError(f"encode: {pictures.dtype} {pictures.shape}, expected {self.shape}")
        return self._encoded(pictures.reshape(len(pictures), -1), 0, 0)[0].astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Codes float (n, z_dim) -> pictures uint8 (n, side, side, 3)."""
        from editor.data import from_network

        return from_network(self._decoded(np.asarray(codes, np.float32), 0, 0)[0])


def load(run: str | Path) -> Editor:
    """The editor of a run folder. Raises: UserError if it is none, or untrained."""
    from misc.config.quiet import import_tensorflow
    from misc.training.runs import load_run, restore_networks

    _, cfg = load_run(run, "editor")
    import_tensorflow()
    from editor.trainer import build_networks
    from misc.training.distribute import precision

    with precision(cfg.PRECISION):
        networks = build_networks(cfg)
    networks.pop("discriminator", None)
    step = restore_networks(run, networks)
    digest = hashlib.sha256(json.dumps([cfg.PRECISION, cfg.GAN, cfg.IMAGE]).encode())
    for name in ("encoder", "decoder"):
        for weight in networks[name].weights:
            digest.update(np.ascontiguousarray(weight.numpy(), "<f4").tobytes())
    return Editor(networks["encoder"], networks["decoder"], cfg, step, digest.hexdigest())


def save_codes(path: Path, codes: np.ndarray, editor: Editor) -> None:
    """Write codes float32 (n, z_dim) with the digest of the editor that they belong to."""
    digest = np.frombuffer(bytes.fromhex(editor.digest), np.uint8)
    with replace_with(path) as partial:
        np.savez(partial, codes=codes, digest=digest)


def load_codes(path: Path, editor: Editor) -> np.ndarray:
    """Read what `save_codes` wrote. Raises: UserError if it is damaged, or another editor's."""
    arrays = read_npz(path, {"codes": ("<f4", 2), "digest": ("|u1", 1)}, _MOST_BYTES)
    codes, digest = arrays["codes"], arrays["digest"].tobytes().hex()
    if digest != editor.digest or not len(codes) or codes.shape[1] != editor.cfg.Z_DIM:
        raise UserError(
            f"{path}: {len(codes)} codes of width {codes.shape[1]} of editor {digest[:8]}, "
            f"expected width {editor.cfg.Z_DIM} of {editor.digest[:8]}: a code means nothing to "
            "another run or checkpoint; encode the pictures again with --save-latent"
        )
    return codes


class Job(NamedTuple):
    """One picture, or one code, to edit, and where it goes."""

    name: str  # of the picture
    out: Path | None
    frame: Frame | None
    code: np.ndarray  # float32 (z_dim,)


def main(argv: list[str] | None = None) -> None:
    """Edit what the flags name; prints a JSON line a file, or the attributes."""
    args = parse(__doc__, argv)
    from editor.directions import counts_of, find_directions
    from misc.config.devices import choose_devices, gpu_indices
    from misc.training.runs import load_run

    _, cfg = load_run(args.run, "editor")
    steps, moved = asked(args.edit or []), bool(args.edit or args.toward or args.strip)
    if moved or args.list:
        counts = counts_of(args.run, cfg, args.data)
        for name in (*steps, *(args.strip or [])):
            check_name(name, counts)
    if args.list:
        _print(counts)
        return
    found = pictures(args)
    gpu = cfg.GPU_ID if args.gpu is None else args.gpu
    gpu_indices(gpu)
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(gpu)
    editor, codes, shown = load(args.run), [], {}
    shift = np.zeros(cfg.Z_DIM, np.float32)
    if moved:
        directions = find_directions(editor, args.run, args.method, args.data)
        if args.toward:
            steps = named_in(args.toward, directions.names) | steps
        strip = [{name: step} for name in args.strip or [] for step in STRIP]
        shown = {_caption(each): directions.move(each) for each in strip or [steps]}
        shift = directions.move(steps)
    facts = {"method": args.method, "run": args.run.as_posix(), "step": editor.step}
    for job in _jobs(args, found, editor):
        codes.append(job.code + shift)
        if job.out:
            _write(args, editor, job, shown)
            line = {"out": job.out.as_posix(), "picture": job.name, "steps": steps}
            print(json.dumps(line | ({"strip": args.strip} if args.strip else {}) | facts))
    if args.save_latent:
        save_codes(args.save_latent, np.stack(codes), editor)


def _print(counts: Counts) -> None:
    width, kept = max(map(len, counts)), usable(counts)
    for name, (present, absent, unknown) in counts.items():
        line = f"{name:<{width}} {present:>8} with {absent:>8} without {unknown:>8} unknown"
        print(line if name in kept else f"{line}: too few, no direction")


def _caption(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {step:+g}" for name, step in steps.items())


def _jobs(args: argparse.Namespace, found: dict[str, Path], editor: Editor) -> Iterator[Job]:
    if args.latent:
        codes = load_codes(args.latent, editor)
        names = [f"code_{k:04d}" for k in range(1, len(codes) + 1)]
        for name, out, code in zip(names, outs(args, names), codes, strict=True):
            yield Job(name, out, None, code)
    else:
        for (name, path), out in zip(found.items(), outs(args, found), strict=True):
            frame = Frame(open_picture(path), editor.cfg.IMAGE.SIZE, args.box, args.whole)
            yield Job(name, out, frame, editor.encode(frame.pixels[None])[0])


def _write(args: argparse.Namespace, editor: Editor, job: Job, shown: dict) -> None:
    """The sheet of one picture, or its edit alone. Args: shown: moves by their captions."""
    drawn = editor.decode(np.stack([job.code, *(job.code + move for move in shown.values())]))
    reconstruction, edits = drawn[0], drawn[1:]
    if args.only_edit:
        image = job.frame.paste(edits[0], drawn[0]) if args.paste else Image.fromarray(edits[0])
    else:
        image = _sheet(args, job.frame, reconstruction, dict(zip(shown, edits, strict=True)))
    with replace_with(job.out) as partial:
        image.save(partial)


def _sheet(args, frame: Frame | None, reconstruction: np.ndarray, edits: dict) -> Image.Image:
    """Original, reconstruction, edit, pasted edit; or a row of edits a strip, pasted if asked."""
    tile, first = TILE, []
    if args.paste:
        tile = min(max(TILE, frame.extent), MOST_TILE)
    if frame:
        first = [("original", frame.look(frame.picture, tile))]
    last = []
    if args.paste:
        pasted = (frame.paste(edit, reconstruction) for edit in edits.values())
        last = [("pasted", frame.look(picture, tile)) for picture in pasted]
    if args.strip:
        cells = list(edits.items())
        if args.paste:
            cells = [(name, look) for name, (_, look) in zip(edits, last, strict=True)]
        starts = range(0, len(cells), len(STRIP))
        cells = [cell for k in starts for cell in (*first, *cells[k : k + len(STRIP)])]
        columns = len(first) + len(STRIP)
    else:
        cells = [*first, ("reconstruction", reconstruction), *edits.items(), *last]
        columns = len(cells)
    captions, looks = zip(*cells, strict=True)
    return contact_sheet(looks, captions, columns, tile)


if __name__ == "__main__":
    sys.exit(run_program(main))
