"""How much of a run's wall time goes into evaluating it."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

SHARE = 0.05  # of the wall time, that evaluations should stay below


class Cost:
    """How long evaluations take; says once on stderr if that is too long.

    Attributes: spent: seconds of all of them, and of getting ready; seconds: of the last one.
    """

    def __init__(self):
        self.spent = self.seconds = 0.0
        self._began = time.monotonic()
        self._evaluations, self._warned = 0, False

    def ready(self) -> None:
        """All since it was made was getting ready."""
        self.spent = time.monotonic() - self._began

    def mark(self, step: int) -> None:
        """Training goes on from here."""
        self._mark = step, time.monotonic()

    @contextmanager
    def of(self, step: int) -> Iterator[None]:
        """Around an evaluation after `step`; all since the last one was training."""
        before, since = self._mark
        start = time.monotonic()
        yield
        self.mark(step)
        self.seconds = self._mark[1] - start
        self.spent += self.seconds
        self._evaluations += 1
        if self._evaluations > 1:  # the first one makes graphs, which the others find
            self._warn(step - before, start - since)

    def told(self) -> dict[str, float]:
        """For the log: `live_seconds` and `live_share`."""
        share = self.spent / (time.monotonic() - self._began)
        return {"live_seconds": round(self.seconds, 3), "live_share": round(share, 4)}

    def _warn(self, interval: int, training: float) -> None:
        share = self.seconds / (self.seconds + training)
        if share > SHARE and not self._warned:
            self._warned = True
            enough = math.ceil(self.seconds * (1 / SHARE - 1) * interval / training)
            tqdm.write(  # which leaves the progress bar its line
                f"warning: evaluating every {interval} steps takes {share:.0%} of the time; with "
                f"EVAL.LIVE_INTERVAL: {enough} it would take {SHARE:.0%}",
                file=sys.stderr,
            )
