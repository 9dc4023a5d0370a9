"""From "batch k is a function of k" to a `tf.data.Dataset`, for one replica or many."""

import atexit
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from misc.config.errors import UserError


class _Gate:
    """Lets TensorFlow's threads into Python, until the program ends.

    A thread that asks for the interpreter when it is gone aborts the process (exit code 134) or
    hangs it. It happens if an iterator is still alive at the end, be it in the traceback of an
    uncaught exception. So before that every further read is told that there is no more data, which
    soon stops the pipeline, and those that have begun are waited for.

    Attributes: refused: the last `UserError` of a read, of which TensorFlow keeps the text alone.
    """

    def __init__(self):
        self.refused: UserError | None = None
        self._closed, self._inside, self._last = False, [], 0.0

    def open(self) -> None:
        """To be called before threads may come; they are let in until the program ends."""
        atexit.unregister(self._close)  # so that it is called once, however often this is
        atexit.register(self._close)

    def __enter__(self):
        if self._closed:
            self._last = time.monotonic()
            raise StopIteration
        self._inside.append(None)

    def __exit__(self, _kind, error, _traceback):
        self._inside.pop()
        if isinstance(error, UserError):
            self.refused = error
        self._last = time.monotonic()

    def _close(self) -> None:
        self._closed = True
        give_up = time.monotonic() + 10
        while time.monotonic() < give_up:
            if not self._inside and time.monotonic() - self._last > 0.2:
                return
            time.sleep(0.02)


_GATE = _Gate()


@contextmanager
def reading() -> Iterator[None]:
    """Let a `UserError` that was raised while a batch was read come out of the block as itself."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        if _GATE.refused and str(_GATE.refused) in str(error):
            raise _GATE.refused from error
        raise


def batches_from(
    start_step: int,
    read: Callable[[int, slice], Sequence[np.ndarray]],
    types: Sequence,
    finish: Callable[..., dict],
    *,
    batch_size: int,
    context=None,
    workers: int = 0,
):
    """Batches `start_step`, `start_step + 1`, ... without end, as a `tf.data.Dataset`.

    Args:
      read: `read(step, part)` -> the arrays of the examples `part`, a slice of global batch `step`.
        Runs in Python, in several threads at once, so it should do little: read bytes, gather rows.
      types: TensorFlow types of these arrays.
      finish: `finish(length, *tensors)` -> the element, a dict of tensors of `length` examples.
        Runs in TensorFlow, in parallel; it has to restore the static shapes.
      batch_size: of the global batch, over all replicas.
      context: None: whole batches. A `tf.distribute.InputContext`: the global batch is cut into
        equal consecutive slices, one a replica; each element is the slice of one of this pipeline's
        replicas, in order, as `strategy.distribute_datasets_from_function` takes them.
      workers: how many elements are made at a time; 0: as many as pay.

    A `UserError` of `read` comes out of the dataset as TensorFlow's own exception: take elements
    within `reading()`.

    Raises: UserError if the batch size is not a multiple of the replicas.
    """
    import tensorflow as tf

    replicas = context.num_replicas_in_sync if context else 1
    local = replicas // context.num_input_pipelines if context else 1
    first = local * context.input_pipeline_id if context else 0
    if batch_size % replicas:
        raise UserError(
            f"a batch of {batch_size} cannot be shared by {replicas} replicas; make "
            "TRAIN.BATCH_SIZE a multiple of them"
        )
    length = batch_size // replicas
    _GATE.open()

    def read_slice(number: np.ndarray):
        step, replica = divmod(int(number), local)
        start = (first + replica) * length
        with _GATE:
            return read(step, slice(start, start + length))

    def element(number):
        return finish(length, *tf.numpy_function(read_slice, [number], types))

    # Endless, or else several workers ask each other before every batch whether there is one.
    numbers = tf.data.Dataset.counter(start_step * local)
    return numbers.map(element, workers or tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def draws(seed: int, purpose: int, number: int) -> np.random.Generator:
    """The random numbers of one purpose and one batch or epoch; each has a stream of its own."""
    seeds = np.random.SeedSequence((seed, purpose, number))
    return np.random.Generator(np.random.Philox(seeds))


def crops(pngs, offsets, flips, side: int):
    """Squares of stored pictures, in TensorFlow: uint8 (n, side, side, 3).

    Args: pngs: string (n,); offsets: int32 (n, 2), top and left; flips: bool (n,), mirrored or not.
    """
    import tensorflow as tf

    def crop(picture):
        png, offset, flip = picture
        pixels = tf.io.decode_png(png, channels=3)
        pixels = tf.slice(pixels, [offset[0], offset[1], 0], (side, side, 3))
        return tf.cond(flip, lambda: tf.reverse(pixels, [1]), lambda: pixels)

    pixels = tf.map_fn(crop, (pngs, offsets, flips), fn_output_signature=tf.uint8)
    return tf.ensure_shape(pixels, (None, side, side, 3))
