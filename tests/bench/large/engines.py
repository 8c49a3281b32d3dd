"""Databases that outlive a run: a file, and a PostgreSQL with its data in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres import Postgres

_DATABASE = "bench"


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """The address of a file in `folder`."""
    yield f"sqlite:///{folder / 'shortener.db'}"


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a database on a server that keeps its data in `folder` and runs for the block.

    It has the settings that PostgreSQL comes with, so a commit waits for the disk.
    """
    server = Postgres(durable=True, folder=folder / "postgresql")
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")
        yield server.url(_DATABASE)
    finally:
        server.stop()


ENGINES = {"SQLite": sqlite, "PostgreSQL": postgresql}
