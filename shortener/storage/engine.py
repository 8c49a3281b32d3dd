"""Connections: which driver, which pragmas, how a transaction begins, and whose exceptions come out.

Nothing above this module meets a driver's exception: they leave `Database` as ours.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import Connection, Engine, Table, event, exc
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import ConnectionPoolEntry

from shortener import errors, lazy, permissions
from shortener.storage import address, postgresql_engine
from shortener.storage.postgresql_engine import POOL_OVERFLOW, POOL_SIZE

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.dialects import postgresql
else:
    sqlite3 = lazy.module("sqlite3")
    postgresql = lazy.module("sqlalchemy.dialects.postgresql")

try:
    from pysqlite3 import dbapi2 as bundled_sqlite
except ImportError:  # no wheel for this platform (Linux on ARM)
    bundled_sqlite = None

__all__ = [
    "SINGLE",
    "Connection",
    "Database",
    "before_commit",
    "bundled_sqlite",
    "insert_in",
    "insert_into",
    "is_safe_for_wal",
    "journal_mode",
    "many_rows",
    "our_exceptions",
    "sqlite_module",
]

#: Milliseconds a writer waits for another before it gives up.
BUSY_TIMEOUT_MS = 5000

#: Milliseconds for which the log may wait for its readers; writers wait with it.
_LOG_TIMEOUT_MS = 50
_WRITE = "shortener_write"
SINGLE = "shortener_single"
#: How statements begin that may write.
_WRITING = ("INSERT", "UPDATE", "DELETE", "WITH")
#: SQLite calls a wrong statement an operational error too; that one is a fault of ours, not of the database.
_SQLITE_STATEMENT_WRONG = "SQLITE_ERROR"
#: What is raised where the database cannot be asked at all. A plain DatabaseError is a damaged SQLite file; its
#: other subclasses are faults of the statement.
_UNREACHABLE = frozenset({exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.DatabaseError})
#: Behind a database's name: its two kinds of log, and the index of one. SQLite gives them its permissions.
_SQLITE_LOGS = ("-wal", "-shm", "-journal")
_SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
#: Statement timeout, lock not available.
_POSTGRESQL_BUSY = frozenset({"57014", "55P03"})


#: What the transactions of the present request that have written something do before they commit; see
#: services/idempotency.
before_commit: ContextVar[Callable[[Connection], None] | None] = ContextVar("before_commit", default=None)


def is_safe_for_wal(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix of the WAL-reset bug, by which connections can corrupt a database.

    Fixed in 3.51.3 and, in their branches, 3.44.6 and 3.50.7 (sqlite.org/wal.html#walresetbug).
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def sqlite_module() -> ModuleType:
    """The SQLite library that every part of the shortener uses: never two on one file."""
    return sqlite3 if bundled_sqlite is None else bundled_sqlite


def journal_mode() -> str:
    """`WAL` where it is safe, else `TRUNCATE`: slower, and readers wait for the writer."""
    return "WAL" if is_safe_for_wal(sqlite_module().sqlite_version_info) else "TRUNCATE"


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of `connection`: the two say it alike."""
    return insert_in(connection.dialect.name, table)


def insert_in(dialect: str, table: Table) -> Any:
    """The same in a dialect, `sqlite` or `postgresql`, without a connection."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@contextmanager
def many_rows(connection: Connection) -> Iterator[None]:
    """Has PostgreSQL take what is joined in the block for many rows.

    Of a union it knows nothing and takes it for 200; to look up each of 100,000 takes four times as long as to read
    all of them.
    """
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    yield
    if is_postgresql:
        connection.exec_driver_sql("SET LOCAL enable_nestloop = on")


class Database:
    """One database: reading and writing transactions on it. Owned by whoever opened it; `close` it.

    Raises errors.DatabaseUnavailable (or DatabaseBusy) wherever the database does not answer.
    """

    def __init__(self, url: str, *, pooled: bool = False) -> None:
        """`url` is `sqlite:///path` or `postgresql://…`. Connects lazily.

        `pooled`: a pooler gives each transaction another of its connections to PostgreSQL.
        """
        self._url = url
        self.is_pooled = pooled
        self.engine = _sqlite_engine(url) if address.is_sqlite(url) else postgresql_engine.create(url, pooled=pooled)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writers = threading.BoundedSemaphore(1 if self.is_sqlite else POOL_SIZE + POOL_OVERFLOW)

    def __str__(self) -> str:
        """The address as it was written, without its password."""
        return address.shown(self._url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout."""
        with self._transaction({"isolation_level": "REPEATABLE READ"} if not self.is_sqlite else {}) as connection:
            yield connection

    @contextmanager
    def write(self, *, incidental: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end of the block and rolls back on any exception.

        `incidental` is what a request writes beside what it asks for, such as when a key was last used.
        """
        finish = None if incidental else before_commit.get()
        with self._turn(), self._transaction({_WRITE: True}) as connection:
            if finish is None:
                yield connection
                return
            written = _rows_written(connection)
            yield connection
            if any(written):
                finish(connection)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Lets the threads of this process write to SQLite in turn.

        Waiting for SQLite's own lock is polling with longer and longer pauses: whoever came last often goes first.
        """
        if not self._writers.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise errors.DatabaseBusy
        try:
            yield
        finally:
            self._writers.release()

    def empty_log(self) -> bool:
        """Has what was deleted vanish from SQLite's write-ahead log too, which else keeps old pages until it is
        written over. False if somebody was reading, or writing, for too long. PostgreSQL's log is its operator's.
        """
        if not self.is_sqlite:
            return True
        with self._turn(), our_exceptions(), self.engine.connect() as connection:
            connection = connection.execution_options(**{SINGLE: True})
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOG_TIMEOUT_MS}")
            try:
                busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not busy

    def ping(self) -> None:
        """One round trip. Raises errors.DatabaseUnavailable."""
        with self.read() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        with our_exceptions(), self.engine.connect() as connection:
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection


def _rows_written(connection: Connection) -> list[int]:
    """How many rows each statement on `connection` writes from now on, in their order."""
    written: list[int] = []

    def note(_connection: Any, cursor: Any, statement: str, *_about: Any) -> None:
        if statement.lstrip().startswith(_WRITING):
            # Of one that returns rows the driver may not know how many it wrote, and says -1.
            written.append(abs(cursor.rowcount))

    event.listen(connection, "after_cursor_execute", note)
    return written


@contextmanager
def our_exceptions() -> Iterator[None]:
    """Raises DatabaseUnavailable or DatabaseBusy where a driver says so in its own words."""
    try:
        yield
    except (exc.DatabaseError, exc.InterfaceError, exc.TimeoutError) as error:
        if type(error) not in _UNREACHABLE:
            raise
        cause = getattr(error, "orig", None)
        # By their names and numbers, so that SQLite users need not import PostgreSQL's driver.
        name = getattr(cause, "sqlite_errorname", "")
        if name == _SQLITE_STATEMENT_WRONG:
            raise
        busy = name.startswith(_SQLITE_BUSY) or getattr(cause, "sqlstate", "") in _POSTGRESQL_BUSY
        raise (errors.DatabaseBusy if busy else errors.DatabaseUnavailable)() from error


def _sqlite_engine(url: str) -> Engine:
    module = sqlite_module()
    path = address.parse(url).database
    if path:
        permissions.make_file(Path(path), _SQLITE_LOGS)
    engine = sqlalchemy.create_engine(
        url,
        module=module,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: "sqlite3.Connection", _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN is deferred, and a deferred transaction that turns to writing fails
    # at once instead of waiting; so we begin transactions ourselves (below).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        f"journal_mode={journal_mode()}",
        # A committed write survives a power cut; with up to 1,000 rows per commit it costs 22 % at most.
        "synchronous=FULL",
        "foreign_keys=ON",
        # What is deleted (salts, visitor hashes) is overwritten, not merely unlinked.
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(SINGLE):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITE) else "BEGIN")
