"""The day's salt: made a day ahead, the same for all workers, and never used beyond its day."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from shortener import errors
from shortener.clicks import salt as module
from shortener.clicks.salt import Salts
from shortener.domain.period import DAY_MS
from shortener.storage import clicks as rows
from shortener.storage.engine import Connection, Database

TODAY = 20_779


class Stored:
    """The salt table: the first salt of a day stays."""

    def __init__(self) -> None:
        self.salts: dict[int, bytes] = {}
        self.broken = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.broken:
            raise errors.DatabaseUnavailable
        yield cast(Connection, self)

    def salt(self, _connection: Connection, day: int, fresh: bytes) -> bytes:
        return self.salts.setdefault(day, fresh)

    def worker(self) -> Salts:
        return Salts(cast(Database, self))


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    table = Stored()
    monkeypatch.setattr(rows, "salt", table.salt)
    set_day(monkeypatch, TODAY)
    return table


def set_day(monkeypatch: pytest.MonkeyPatch, day: int, since_midnight_ms: int = 0) -> None:
    """Makes it a UTC day, by default its first millisecond."""
    monkeypatch.setattr(time, "time_ns", lambda: (day * DAY_MS + since_midnight_ms) * 1_000_000)


def test_nothing_is_hashed_before_there_is_a_salt(stored: Stored) -> None:
    assert stored.worker().of(TODAY) is None


@pytest.mark.parametrize("since_midnight_ms", [0, DAY_MS - 1])
def test_salts_of_today_and_tomorrow(stored: Stored, monkeypatch: pytest.MonkeyPatch, since_midnight_ms: int) -> None:
    set_day(monkeypatch, TODAY, since_midnight_ms)
    worker = stored.worker()
    worker.refresh()
    today, tomorrow = worker.of(TODAY), worker.of(TODAY + 1)
    assert today is not None
    assert tomorrow is not None
    assert today != tomorrow
    assert len(today) == len(tomorrow) == module.SALT_BYTES
    assert worker.of(TODAY - 1) is None
    assert worker.of(TODAY + 2) is None


def test_all_workers_have_the_same(stored: Stored) -> None:
    first, second = stored.worker(), stored.worker()
    first.refresh()
    second.refresh()
    assert first.of(TODAY) == second.of(TODAY)
    assert first.of(TODAY + 1) == second.of(TODAY + 1)


def test_midnight_finds_the_salt_already_there(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = stored.worker()
    worker.refresh()
    ahead = worker.of(TODAY + 1)
    set_day(monkeypatch, TODAY + 1)
    worker.refresh()
    assert worker.of(TODAY + 1) == ahead
    # Yesterday's is forgotten, here as in the database.
    assert worker.of(TODAY) is None


def test_a_database_that_is_gone_takes_no_salt_away(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = stored.worker()
    worker.refresh()
    stored.broken = True
    set_day(monkeypatch, TODAY + 1)
    with pytest.raises(errors.DatabaseUnavailable):
        worker.refresh()
    assert worker.of(TODAY + 1) == stored.salts[TODAY + 1]


def test_a_salt_is_looked_for_long_before_it_is_needed() -> None:
    assert 2 * module.REFRESH_SECONDS < DAY_MS / 1000
