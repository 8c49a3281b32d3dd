"""Forgetting in time: salts and visitor hashes two days after their day, tries of passwords after 24 hours, sessions
and sign-in links when they have ended.
"""

import time

from shortener.clicks.batch import SALT_DAYS
from shortener.domain import period
from shortener.domain.password_tries import FORGET_MS
from shortener.storage import clicks as rows
from shortener.storage import password_tries, sessions, signin_links
from shortener.storage.engine import Database

#: Seconds between looks; what must go is days old.
EVERY_SECONDS = 600.0
#: Visitor hashes destroyed in one transaction: few enough to hold the write lock for milliseconds.
STEP = 2_000


class Retention:
    """Destroys what is due. Used by one drainer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0.0
        # The day on which the database's log last lost what had been destroyed; each brings new things to destroy.
        self._emptied = 0

    def step(self) -> None:
        """Destroys a step of what is due, if it is time to look again; the rest follows in the next calls."""
        if time.monotonic() < self._next:
            return
        # First, so that a failure here does not come back at once and keep clicks from being drained.
        self._next = time.monotonic() + EVERY_SECONDS
        now_ms = time.time_ns() // 1_000_000
        today = period.day_of(now_ms)
        with self._database.write() as connection:
            password_tries.forget(connection, now_ms - FORGET_MS, at_most=STEP)
            for ended in (sessions, signin_links):
                ended.forget(connection, period.from_ms(now_ms), at_most=STEP)
            gone = rows.forget_visitors(connection, today - SALT_DAYS, at_most=STEP)
        if gone == STEP:
            self._next = 0.0
        elif self._emptied != today and self._database.empty_log():
            self._emptied = today
