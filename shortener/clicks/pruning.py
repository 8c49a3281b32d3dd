"""Pruning in time: raw clicks go when they are older than they are to be kept."""

import time
from collections.abc import Sequence

from shortener import metrics
from shortener.domain import period
from shortener.storage import pruning
from shortener.storage.engine import Database

#: Seconds between looks; what must go is days old.
EVERY_SECONDS = 600.0
#: Raw clicks deleted in one transaction, which must not hold the write lock for 50 ms: it takes 4 to 16.
STEP = 1_000
#: Raw clicks looked up at once, which takes no lock: of a day of a million it takes some 100 ms.
LOOK = 20_000


class Pruner:
    """Deletes what is due, a step at a time. Used by one drainer."""

    def __init__(self, database: Database, keep_days: int) -> None:
        """`keep_days` is how many UTC days before today are kept; 0 keeps all for ever."""
        self._database = database
        self._keep_days = keep_days
        self._next = 0.0
        self._day = 0
        # What has been found and is to be deleted.
        self._ids: Sequence[int] = ()

    def step(self) -> None:
        """Deletes a step of what is due, if anything is; the rest follows in the next calls."""
        if not self._ids:
            self._look()
        if self._ids:
            with self._database.write() as connection:
                gone = pruning.prune(connection, self._day, self._ids[:STEP])
            self._ids = self._ids[STEP:]
            metrics.CLICKS_PRUNED.inc(gone)

    def _look(self) -> None:
        if not self._keep_days or time.monotonic() < self._next:
            return
        # First, so that a failure here does not come back at once and keep clicks from being drained.
        self._next = time.monotonic() + EVERY_SECONDS
        today = period.day_of(time.time_ns() // 1_000_000)
        with self._database.read() as connection:
            due = pruning.due(connection, today - self._keep_days, LOOK)
        if due is not None:
            self._day, self._ids = due
            self._next = 0.0
