"""Forgetting in time: salts and visitor hashes, two days after their day."""

import time

from shortener.clicks.batch import SALT_DAYS
from shortener.domain import period
from shortener.storage import clicks as rows
from shortener.storage.engine import Database

#: Seconds between looks; what must go is days old.
EVERY_SECONDS = 600.0


class Retention:
    """Destroys what is due. Used by one drainer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0.0

    def step(self) -> None:
        """Destroys what is due, if it is time to look again."""
        if time.monotonic() < self._next:
            return
        today = period.day_of(time.time_ns() // 1_000_000)
        with self._database.write() as connection:
            rows.forget_visitors(connection, today - SALT_DAYS)
        self._next = time.monotonic() + EVERY_SECONDS
