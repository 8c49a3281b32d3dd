"""`shortener db`, and that every local command migrates first."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortener.storage import migration, schema
from shortener.storage.engine import Database
from tests.cli.conftest import run
from tests.postgres import Postgres


@pytest.fixture
def empty(
    engine: str, nowhere: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """An empty database of either kind, which commands are told of."""
    with ExitStack() as undo:
        url = f"sqlite:///{nowhere}/some.db"
        if engine == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            name = server.create()
            undo.callback(server.drop, name)
            url = server.url(name)
        monkeypatch.setenv("SHORTENER_DATABASE_URL", url)
        database = Database(url)
        undo.callback(database.close)
        yield database


def revision(database: Database) -> str | None:
    with database.read() as connection:
        return schema.current(connection)


def test_current_and_upgrade(empty: Database) -> None:
    result = run("db", "current")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == f"{empty} is at revision none; this version needs {schema.HEAD}.\n"
    assert revision(empty) is None
    for _ in range(2):
        result = run("db", "upgrade")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"{empty} is at revision {schema.HEAD}.\n"
        assert revision(empty) == schema.HEAD
    result = run("db", "current")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{empty} is at revision {schema.HEAD}; this version needs {schema.HEAD}.\n"


def test_an_older_database_is_brought_up(empty: Database) -> None:
    migration.upgrade(empty)
    migration.downgrade(empty, "0001")
    assert run("db", "current").exit_code == 1
    assert run("db", "upgrade").exit_code == 0
    assert run("db", "current").exit_code == 0


FIRST_USES = {
    "link": ("link", "create", "https://example.com/", "--code", "first"),
    "key": ("key", "create", "first", "--scope", "admin"),
    "stats": ("stats",),
}


@pytest.mark.parametrize("command", FIRST_USES.values(), ids=FIRST_USES.keys())
def test_the_first_use_migrates(empty: Database, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert (result.exit_code, result.stderr) == (0, "")
    assert revision(empty) == schema.HEAD
