"""Databases that outlive a run: a file, and a PostgreSQL with its data in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench import machine
from tests.postgres import Postgres

_DATABASE = "bench"
#: While it is built, a database need not survive a crash of the machine.
_BUILDING = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB")
#: The part of the machine's memory that is its own (postgresql.org/docs/current/runtime-config-resource.html).
_SHARED = 4


@contextmanager
def sqlite(folder: Path, *, building: bool = False) -> Iterator[str]:
    """The address of a file in `folder`."""
    yield f"sqlite:///{folder / 'shortener.db'}"


@contextmanager
def postgresql(folder: Path, *, building: bool = False) -> Iterator[str]:
    """The address of a database on a server that keeps its data in `folder` and runs for the block.

    It has the settings that PostgreSQL comes with and a quarter of the memory, as its manual recommends. A commit
    waits for the disk, but not while it is `building`. That ends with what autovacuum does in a year, but not in the
    hour in which a year is drained.
    """
    memory = (f"shared_buffers={machine.memory_bytes() // _SHARED // 2**20}MB",)
    server = Postgres(durable=True, folder=folder / "postgresql", options=(*memory, *(_BUILDING if building else ())))
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")
        yield server.url(_DATABASE)
        if building:
            with psycopg.connect(server.url(_DATABASE), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
    finally:
        server.stop()
        if building:
            # So that what is still to be written does not disturb what is measured next.
            os.sync()


ENGINES = {"SQLite": sqlite, "PostgreSQL": postgresql}
