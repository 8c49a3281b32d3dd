"""A spool and its drainer on a database of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shortener.clicks import kept, source
from shortener.clicks.drainer import Drainer
from shortener.clicks.spool import Spool
from shortener.storage.engine import Database
from tests.spools import id_of


@pytest.fixture
def database_id(database: Database) -> bytes:
    return id_of(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path, database_id: bytes) -> Iterator[Spool]:
    opened = Spool(folder, database_id)
    yield opened
    opened.close()


@pytest.fixture
def drainer(folder: Path, database: Database, database_id: bytes) -> Iterator[Drainer]:
    made = Drainer(folder, database, database_id)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at once a second is looked at in every step."""
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.0)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a segment that nobody holds is judged at once."""
    monkeypatch.setattr(source, "SETTLE_SECONDS", -1.0)
