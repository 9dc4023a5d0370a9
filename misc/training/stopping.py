"""When a run saves or stops before its time: after a signal, and by the clock."""

import signal
import time

import tensorflow as tf

_WISHES = ("wish SIGINT", "wish SIGTERM", "wish save")


class Wishes:
    """Whether to save, and whether to stop, after a step: the same in all workers.

    Signals and clocks differ from worker to worker, but all have to save and stop after one step.
    So every worker sends its wishes along with the losses of a step, and all follow their sum one
    step later, when it can be read without waiting. One worker alone follows its own at once.
    Within the block a first Ctrl-C or SIGTERM is a wish; a second one interrupts.

    Args: minutes: after which the chief, which alone looks at its clock, wishes to save.
      several: whether there are several workers.
    Attributes: stop: 0, or the signal's number.  save: whether it is time to.
    """

    def __init__(self, minutes: float, *, chief: bool, several: bool):
        self.stop, self.save = 0, False
        self._several = several
        self._seconds = 60 * minutes if chief else float("inf")
        self._own = tf.Variable(tf.zeros(len(_WISHES)), trainable=False)
        self._signal, self._handlers = 0, {}
        self.saved()

    def __enter__(self):
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._caught)
        except ValueError:
            pass  # not the main thread (a notebook's worker): nothing to catch
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def tensors(self) -> dict[str, tf.Tensor]:
        """In a replica's step: what goes along with its losses, scalars by name; or nothing."""
        return dict(zip(_WISHES, tf.unstack(self._own), strict=True)) if self._several else {}

    def say(self) -> None:
        """Before a step: what `tensors` shall be in it."""
        if self._several:
            caught = [float(self._signal == n) for n in (signal.SIGINT, signal.SIGTERM)]
            self._own.assign([*caught, float(self._due())])

    def hear(self, losses: dict[str, tf.Tensor]) -> None:
        """After it: take the wishes out of its mean losses, and set `stop` and `save`."""
        if not self._several:
            self.stop, self.save = self._signal, self._due()
            return
        heard, self._heard = self._heard, [losses.pop(name) for name in _WISHES]
        interrupt, terminate, self.save = (float(wish) > 0 for wish in heard or (0, 0, 0))
        self.stop = signal.SIGTERM if terminate else signal.SIGINT if interrupt else 0

    def saved(self) -> None:
        """A checkpoint has just been written, by all."""
        self._since = time.monotonic()
        self._heard = None  # a wish to save that is on its way is fulfilled; a signal is repeated

    def _due(self) -> bool:
        return time.monotonic() - self._since >= self._seconds

    def _caught(self, number, _frame):
        self._signal = number
        self.__exit__()
