"""The follower: reads the change feed and has the cache brought up to date. One thread per worker.

It asks several times a second how far the feed goes, which costs a row by primary key; only where that has moved
does it read the changes. While the database cannot be asked nothing is forgotten: known links go on redirecting.
"""

import threading

import structlog

from shortener import errors
from shortener.redirect.lookup import Lookup
from shortener.storage import changes
from shortener.storage.changes import Head
from shortener.storage.engine import Database
from shortener.storage.statements import Statements

#: Seconds between looks at the feed: a change must be seen everywhere within one. PostgreSQL is another machine.
SQLITE_POLL_SECONDS, POSTGRESQL_POLL_SECONDS = 0.1, 0.25
#: Changes read at a time.
BATCH = 500
#: What the kinds of changes to domains begin with.
_OF_DOMAINS = "domain-"

log = structlog.get_logger()


class Follower:
    """Follows the feed of one database for one lookup. `close` it when its thread has ended."""

    def __init__(self, database: Database, lookup: Lookup) -> None:
        """Begins at the feed's present end, and reads the domains: do this before anything is cached.

        Raises DatabaseUnavailable.
        """
        self._statements = Statements(database)
        self._lookup = lookup
        self._poll_seconds = SQLITE_POLL_SECONDS if database.is_sqlite else POSTGRESQL_POLL_SECONDS
        try:
            self._seen = self._head()
            lookup.refresh_domains()
        except BaseException:
            self.close()
            raise
        #: Why it cannot follow, in words; None while it can.
        self.fault: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Follows until `stop` is set. Faults of any kind are logged and outlived."""
        while not stop.wait(self._poll_seconds):
            try:
                self.step()
                self.fault = None
            except Exception as error:  # nothing may end this loop: without it edits are not seen
                foreseen = isinstance(error, errors.Broken)
                if self.fault is None:
                    cause = str(error.__cause__ or error)
                    log.warning("changes cannot be followed, trying again", cause=cause, exc_info=not foreseen)
                self.fault = str(error.__cause__ or error)

    def step(self) -> None:
        """Brings the cache up to date with every change so far. Raises DatabaseUnavailable; then call it again."""
        head = self._head()
        if head.database_id != self._seen.database_id or head.seq < self._seen.seq:
            log.warning("the database is another one or has been restored: starting with an empty cache")
            self._lookup.refresh_domains()
            self._seen = head
        while self._seen.seq < head.seq:
            with self._statements.connection() as connection:
                found = changes.since(connection, self._seen.seq, at_most=BATCH)
            if any(change.kind.startswith(_OF_DOMAINS) for change in found):
                self._lookup.refresh_domains()
            self._lookup.refresh({(change.domain, change.code) for change in found})
            self._seen = Head(found[-1].seq if found else head.seq, head.database_id)

    def close(self) -> None:
        """Lets go of the database."""
        self._statements.close()

    def _head(self) -> Head:
        with self._statements.connection() as connection:
            return changes.head(connection)
