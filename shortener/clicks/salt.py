"""The day's salt: what makes a visitor's hash unreadable once the day is over.

Salts are made a day ahead and shared by all workers through the database. Without one in memory nothing is hashed.
"""

import secrets
import time

from shortener.domain import period
from shortener.storage import clicks as rows
from shortener.storage.engine import Database

SALT_BYTES = 32
#: Seconds between looks at the database; far less than the day a salt is made ahead.
REFRESH_SECONDS = 3600


class Salts:
    """The salts of today and tomorrow, in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._salts: dict[int, bytes] = {}

    def refresh(self) -> None:
        """Makes the salts of today and tomorrow if nobody has, and reads them. Raises DatabaseUnavailable."""
        today = period.day_of(time.time_ns() // 1_000_000)
        with self._database.write() as connection:
            found = {day: rows.salt(connection, day, secrets.token_bytes(SALT_BYTES)) for day in (today, today + 1)}
        # Only now that they are committed: a hash must not be made with a salt that nobody else has.
        self._salts = found

    def of(self, day: int) -> bytes | None:
        """The salt of a UTC day counted from 1970, or None if it is not at hand."""
        return self._salts.get(day)
