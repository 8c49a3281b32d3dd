"""Databases that outlive a run: a file, and a PostgreSQL with its data in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres import Postgres

_DATABASE = "bench"
#: While it is built, a database need not survive a crash of the machine.
_BUILDING = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB", "shared_buffers=2GB")


@contextmanager
def sqlite(folder: Path, *, building: bool = False) -> Iterator[str]:
    """The address of a file in `folder`."""
    yield f"sqlite:///{folder / 'shortener.db'}"


@contextmanager
def postgresql(folder: Path, *, building: bool = False) -> Iterator[str]:
    """The address of a database on a server that keeps its data in `folder` and runs for the block.

    It has the settings that PostgreSQL comes with, so a commit waits for the disk; but not while it is `building`.
    """
    server = Postgres(durable=True, folder=folder / "postgresql", options=_BUILDING if building else ())
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")
        yield server.url(_DATABASE)
    finally:
        server.stop()
        if building:
            # So that what is still to be written does not disturb what is measured next.
            os.sync()


ENGINES = {"SQLite": sqlite, "PostgreSQL": postgresql}
