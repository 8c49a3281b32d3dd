"""Folding: raw clicks into breakdowns, one dimension per transaction, in steps that are short.

Answers do not wait for it: what is not folded yet is read from the raw rows above the mark.
"""

import time

from shortener import metrics
from shortener.storage import clicks as rows
from shortener.storage import folding
from shortener.storage.engine import Database

#: Clicks folded in one transaction, which must not hold the write lock for more than 100 ms. With ten thousand links
#: it holds it for 40; steps of twice the size cost a tenth less CPU.
STEP = 10_000
#: Seconds for which few clicks are left to gather, since a step costs much the same for one as for a hundred.
GATHER_SECONDS = 5.0


class Folder:
    """Folds what is due. Used by one drainer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = 0.0
        self._waiting = True

    def step(self, *, drained: bool) -> None:
        """Folds a step of every dimension, if a step's worth waits, or anything does and it is time again.

        `drained` says that clicks have come in since the last call; without any there is nothing to look for.
        """
        if not drained and not self._waiting:
            return
        with self._database.read() as connection:
            last_id = rows.last_id(connection)
            marks = folding.marks(connection)
        waiting = last_id - min(marks.values())
        metrics.UNFOLDED_CLICKS.set(waiting)
        self._waiting = waiting > 0
        if waiting >= STEP or (waiting and time.monotonic() - self._last > GATHER_SECONDS):
            for dimension, mark in marks.items():
                self._fold(dimension, mark, last_id)
            self._last = time.monotonic()

    def _fold(self, dimension: int, mark: int, last_id: int) -> None:
        upto = min(mark + STEP, last_id)
        if upto > mark:
            with self._database.write() as connection:
                folding.fold(connection, dimension, mark=mark, upto=upto)
