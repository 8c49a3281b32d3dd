"""Erasing, gone on with: what a process had begun to erase when it ended, or left because it took too long."""

import time
from collections.abc import Iterator

from shortener.storage import erasing
from shortener.storage.engine import Database

#: Seconds between looks: what has only just been begun is being seen to by whoever began it.
EVERY_SECONDS = 10.0


class Eraser:
    """Finishes what has been begun, a step at a time. Used by one drainer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0.0
        self._steps: Iterator[None] | None = None

    def step(self) -> None:
        """Takes a step, if anything is pending; the rest follows in the next calls."""
        # After a failure it is looked for again, from the beginning.
        steps, self._steps = self._steps or self._look(), None
        for _ in steps:
            self._steps = steps
            return

    def _look(self) -> Iterator[None]:
        if time.monotonic() < self._next:
            return iter(())
        self._next = time.monotonic() + EVERY_SECONDS
        with self._database.read() as connection:
            pending = erasing.pending(connection)
        return erasing.steps(self._database, pending[0]) if pending else iter(())
