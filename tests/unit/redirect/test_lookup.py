"""Lookup: which link is found, and on which thread it is looked for."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from shortener import errors
from shortener.redirect.lookup import Lookup
from shortener.storage import links
from shortener.storage.engine import Connection, Database
from shortener.storage.links import Visited

ROW = Visited(
    id=7,
    nonce=4711,
    target="https://example.com/",
    status=None,
    enabled=True,
    valid_from=None,
    expires_at=None,
    expired_target=None,
)


class Stored:
    """A database with one link, which notes on which threads it was read."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self.is_sqlite = is_sqlite
        self.readers: list[int] = []
        self.broken = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self.readers.append(threading.get_ident())
        if self.broken:
            raise errors.DatabaseUnavailable
        yield cast(Connection, self)

    def lookup(self) -> Lookup:
        return Lookup(cast(Database, self), status=307, expired_target="https://example.com/over")


@pytest.fixture(autouse=True)
def one_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def visited(_connection: Connection, domain: str, code: str) -> Visited | None:
        return ROW if (domain, code) == ("", "sale") else None

    monkeypatch.setattr(links, "visited", visited)


@pytest.mark.parametrize("is_sqlite", [True, False], ids=["sqlite", "postgresql"])
def test_find(is_sqlite: bool) -> None:
    stored = Stored(is_sqlite=is_sqlite)
    entry = asyncio.run(stored.lookup().find("", "sale"))
    assert entry is not None
    assert (entry.link_id, entry.code, entry.status) == (7, "sale", 307)
    assert entry.expired_target == "https://example.com/over"
    assert asyncio.run(stored.lookup().find("", "other")) is None
    assert asyncio.run(stored.lookup().find("other.example", "sale")) is None
    # SQLite on the event loop, PostgreSQL beside it: a query over the network must not hold up other visits.
    assert [reader == threading.get_ident() for reader in stored.readers] == [is_sqlite] * 3


@pytest.mark.parametrize("is_sqlite", [True, False], ids=["sqlite", "postgresql"])
def test_a_fault_is_the_databases_and_not_an_unknown_code(is_sqlite: bool) -> None:
    stored = Stored(is_sqlite=is_sqlite)
    stored.broken = True
    with pytest.raises(errors.DatabaseUnavailable):
        asyncio.run(stored.lookup().find("", "sale"))
