"""Connections: pragmas, transactions, and whose exceptions come out."""

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy

from shortener import errors
from shortener.storage import engine
from shortener.storage.engine import Database

SQLITE_VERSIONS = [
    ((3, 40, 1), False),
    ((3, 44, 5), False),
    ((3, 44, 6), True),
    ((3, 45, 0), False),
    ((3, 46, 1), False),
    ((3, 50, 6), False),
    ((3, 50, 7), True),
    ((3, 51, 2), False),
    ((3, 51, 3), True),
    ((3, 53, 4), True),
]


@pytest.mark.parametrize(("version", "safe"), SQLITE_VERSIONS)
def test_which_sqlite_is_safe_for_wal(version: tuple[int, int, int], safe: bool) -> None:
    assert engine.is_safe_for_wal(version) is safe


def test_the_bundled_sqlite_is_used_where_there_is_one() -> None:
    assert engine.bundled_sqlite is not None
    assert engine.sqlite_module() is engine.bundled_sqlite
    assert engine.journal_mode() == "WAL"


@pytest.mark.parametrize(("version", "mode"), [((3, 40, 1), "TRUNCATE"), ((3, 51, 3), "WAL")])
def test_else_the_interpreters(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], mode: str) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(engine, "bundled_sqlite", None)
    assert engine.sqlite_module().sqlite_version_info == version
    assert engine.journal_mode() == mode


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000), ("secure_delete", 1)],
)
def test_pragmas(database: Database, pragma: str, value: object) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_an_exception_rolls_back(database: Database) -> None:
    def count() -> int:
        with database.read() as connection:
            return int(connection.execute(sqlalchemy.text("SELECT count(*) FROM tag")).scalar_one())

    with pytest.raises(KeyError), database.write() as connection:  # noqa: PT012  # the block is what is tested
        connection.execute(sqlalchemy.text("INSERT INTO tag (name) VALUES ('x')"))
        raise KeyError
    assert count() == 0


def test_a_reader_sees_one_state_throughout(database: Database) -> None:
    query = sqlalchemy.text("SELECT count(*) FROM tag")
    with database.read() as reader:
        assert reader.execute(query).scalar() == 0
        with database.write() as writer:
            writer.execute(sqlalchemy.text("INSERT INTO tag (name) VALUES ('x')"))
        assert reader.execute(query).scalar() == 0
    with database.read() as reader:
        assert reader.execute(query).scalar() == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_locked_database_is_busy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 20)
    # Connections made from now on have little patience.
    with database.write(), pytest.raises(errors.DatabaseBusy):
        database.write().__enter__()


def test_writers_take_turns(database: Database) -> None:
    """Eight threads that read and then write the same row lose no update and never meet a locked database."""
    add = sqlalchemy.text("UPDATE change_head SET seq = seq + 1")

    def work() -> None:
        for _ in range(10):
            with database.write() as connection:
                connection.execute(add)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(sqlalchemy.text("SELECT seq FROM change_head")).scalar() == 80


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url in (f"sqlite:///{tmp_path}", "postgresql://nobody@127.0.0.1:1/nothing"):
        database = Database(url)
        with pytest.raises(errors.DatabaseUnavailable):
            database.ping()
        database.close()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_wrong_statement_is_our_fault_and_not_the_databases(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.OperationalError), database.read() as connection:
        connection.exec_driver_sql("SELECT nothing")


def test_an_address_is_shown_without_its_password() -> None:
    database = Database("postgresql://me:secret@db.example/x")
    assert "secret" not in str(database)
    database.close()
