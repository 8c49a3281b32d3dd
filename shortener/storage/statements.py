"""Single statements, each a transaction of its own: for what is asked so often that a transaction would cost more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, exc

from shortener.storage.engine import SINGLE, Database, our_exceptions

#: What single statements on SQLite need. 256 KiB hold the upper levels of an index over a million rows; of the rest
#: the system keeps what is asked for often. In WAL mode nobody waits for a writer; without it, the event loop must
#: not stand still for as long as a writer may.
_STATEMENT_PRAGMAS = ("cache_size=-256", "busy_timeout=500")


class Statements:
    """Single statements, each a transaction of its own: a third of the cost of `Database.read`.

    On SQLite they share one connection, which is kept; so they must all come from one thread at a time. `close` it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Connection | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for statements that read. Raises errors.DatabaseUnavailable."""
        with our_exceptions():
            if self._database.is_pooled:  # settings are those of a transaction there
                with self._database.read() as connection:
                    yield connection
                return
            if not self._database.is_sqlite:
                with self._database.engine.connect() as connection:
                    yield connection.execution_options(isolation_level="AUTOCOMMIT")
                return
            try:
                yield self._held()
            except BaseException:
                self.close()
                raise

    def _held(self) -> Connection:
        if self._kept is None:
            self._kept = self._database.engine.connect().execution_options(**{SINGLE: True})
            for pragma in _STATEMENT_PRAGMAS:
                self._kept.exec_driver_sql(f"PRAGMA {pragma}")
        return self._kept

    def close(self) -> None:
        """Lets go of the connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def first_row(connection: Connection, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The first row of what `statement` finds, of the driver's types: for what is asked so often that this counts.

    On SQLite only: on PostgreSQL, SQLAlchemy also finds out whether the connection has gone.
    """
    dialect = connection.dialect
    try:
        found: tuple[Any, ...] | None = connection.connection.cursor().execute(statement, parameters).fetchone()
    except dialect.loaded_dbapi.Error as error:
        raise exc.DBAPIError.instance(statement, None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error
    return found
