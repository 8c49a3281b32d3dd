"""Sessions and sign-in links on both databases: what many do at once, and what is removed in time."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from shortener import errors
from shortener.clicks.retention import Retention
from shortener.domain.access import Scope
from shortener.domain.password_tries import FREE_TRIES
from shortener.services import keys, sessions, signin_links
from shortener.services.keys import Preset, preset_of
from shortener.storage.engine import Database
from shortener.storage.signin_tables import session, signin_link

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
KEY = b"a preset key of 30 characters."
PRESET = preset_of(KEY.decode())


def count(database: Database) -> tuple[int, int]:
    """How many sessions and sign-in links are stored."""
    with database.read() as connection:
        found = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (session, signin_link)
        ]
    return found[0], found[1]


def at_once(url: str, act: Callable[[Database], object], threads: int = 8) -> Counter[object]:
    """What comes of `act`, done by many at the same time with connections of their own: errors by their kind."""
    start = threading.Barrier(threads)

    def work(_: int) -> object:
        with closing(Database(url)) as own:
            own.ping()
            start.wait()
            try:
                act(own)
            except errors.Refused as error:
                return type(error)
            return "done"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(work, range(threads)))


def test_of_many_uses_of_a_link_at_once_one_wins(database: Database, database_url: str) -> None:
    for _ in range(3):
        token = signin_links.create(database)
        found = at_once(database_url, lambda own, token=token: signin_links.use(own, token))  # type: ignore[misc]
        assert found == {"done": 1, errors.SigninLinkInvalid: 7}
    assert [key.name for key in keys.listing(database, limit=10).items] == ["sign-in"] * 3
    assert count(database) == (3, 0)


def test_many_wrong_keys_at_once_are_not_more_than_one_after_the_other(database: Database, database_url: str) -> None:
    found = at_once(database_url, lambda own: sessions.sign_in(own, PRESET, b"wrong", b"\x0a\x00\x00"), threads=12)
    assert found == {errors.KeyInvalid: FREE_TRIES, errors.TooManyTries: 12 - FREE_TRIES}


def test_right_keys_are_no_tries(database: Database, database_url: str) -> None:
    found = at_once(database_url, lambda own: sessions.sign_in(own, PRESET, KEY, b"\x0a\x00\x00"), threads=12)
    assert found == {"done": 12}


def test_who_acts_and_until_when(database: Database) -> None:
    with time_machine.travel(NOW, tick=False):
        expires = NOW + timedelta(hours=1)
        made, key = keys.issue(database, name="Kim", scopes=[Scope.STATS_READ], expires_at=expires, actor="test")
        by_key = sessions.principal_of(database, Preset(), sessions.sign_in(database, Preset(), key.encode(), b""))
        by_preset = sessions.principal_of(database, PRESET, sessions.sign_in(database, PRESET, KEY, b""))
    assert (by_key.actor, by_key.name, by_key.key_id) == (f"key {made.id}", "Kim", made.id)
    assert (by_key.scopes, by_key.expires_at) == (frozenset({Scope.STATS_READ}), expires)
    assert (by_preset.actor, by_preset.key_id) == ("preset admin key", None)
    assert by_preset.expires_at == NOW + timedelta(days=7)


@pytest.mark.parametrize("session_id", ["", "A" * 43, "ключ", "x" * 10_000])
def test_no_session(database: Database, session_id: str) -> None:
    with pytest.raises(errors.SignedOut):
        sessions.principal_of(database, PRESET, session_id)
    sessions.sign_out(database, session_id)


def test_the_drainer_removes_what_has_ended(database: Database) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        sessions.sign_in(database, PRESET, KEY, b"")
        signin_links.create(database)
        clock.shift(timedelta(minutes=14))
        Retention(database).step()
        assert count(database) == (1, 1)
        clock.shift(timedelta(minutes=1))
        Retention(database).step()
        assert count(database) == (1, 0)
        clock.shift(timedelta(days=7))
        used = sessions.sign_in(database, PRESET, KEY, b"")
        Retention(database).step()
        assert count(database) == (1, 0)
        assert sessions.principal_of(database, PRESET, used).key_id is None
