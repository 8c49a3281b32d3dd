"""The instance's secret: 256 random bits that all workers and nodes share. It signs cookies and forms, and decides
splits; it is made when the database is, and never changes.
"""

from shortener import errors
from shortener.storage import schema
from shortener.storage.engine import Database


class Secret:
    """The secret of one database, read when it is first needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: bytes | None = None

    def read(self) -> bytes:
        """The secret. Raises DatabaseUnavailable, or StartFailed if the database has none."""
        if self._known is None:
            with self._database.read() as connection:
                self._known = schema.secret(connection)
        if self._known is None:
            raise errors.StartFailed("The database has no secret: run `shortener db upgrade`.")
        return self._known
