"""Lookup and follower: what visits find, how often the database is asked, and what becomes of it after a change."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from shortener import errors
from shortener.clicks import frame
from shortener.redirect import cache
from shortener.redirect.cache import Cache
from shortener.redirect.entry import Entry
from shortener.redirect.follower import Follower
from shortener.redirect.lookup import Lookup
from shortener.services import links as service
from shortener.storage import visits
from shortener.storage.engine import Connection, Database
from shortener.storage.tables import change, change_head, instance, link
from shortener.storage.visits import Visited
from tests.clicks import POLICY, make_link
from tests.entries import DEFAULTS, domains
from tests.server import eventually

OTHER = "https://example.com/other"


class Asked:
    """How often the database was asked for a link, and a door in front of its answer."""

    def __init__(self, ask: Callable[[Connection, str, str], Visited | None]) -> None:
        self.times = 0
        self.threads: set[int] = set()
        self.broken = False
        self.door = threading.Event()
        self.door.set()
        self.waiting = threading.Event()
        self._ask = ask

    def __call__(self, connection: Connection, domain: str, code: str) -> Visited | None:
        self.times += 1
        self.threads.add(threading.get_ident())
        if self.broken:
            raise errors.DatabaseUnavailable
        found = self._ask(connection, domain, code)
        self.waiting.set()
        assert self.door.wait(10)
        return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    counting = Asked(visits.visited)
    monkeypatch.setattr(visits, "visited", counting)
    return counting


@pytest.fixture
def entries() -> Cache:
    return Cache(1000)


@pytest.fixture
def lookup(database: Database, entries: Cache) -> Iterator[Lookup]:
    opened = Lookup(database, entries, DEFAULTS, domains())
    yield opened
    opened.close()


@pytest.fixture
def follower(database: Database, lookup: Lookup) -> Iterator[Follower]:
    opened = Follower(database, lookup)
    yield opened
    opened.close()


def find(lookup: Lookup, code: str, domain: str = "") -> Entry | None:
    return asyncio.run(lookup.find(domain, code))


def target(lookup: Lookup, code: str) -> str | None:
    found = find(lookup, code)
    return None if found is None else found.target


def retarget(database: Database, code: str) -> None:
    service.edit(database, POLICY, code, {"target": OTHER}, actor="test")


def test_a_link_is_asked_for_once(database: Database, lookup: Lookup, asked: Asked) -> None:
    link = make_link(database, "sale")
    for _ in range(3):
        entry = find(lookup, "sale")
        assert entry is not None
        assert (entry.target, entry.click) == (link.target, frame.pack_link(link.id, link.nonce, "sale"))
    assert asked.times == 1
    # SQLite on the event loop, PostgreSQL beside it: a query over the network must not hold up other visits.
    assert (threading.get_ident() in asked.threads) is database.is_sqlite


def test_a_missing_code_is_asked_for_once_a_moment(lookup: Lookup, asked: Asked) -> None:
    assert [find(lookup, "sale") for _ in range(3)] == [None] * 3
    assert asked.times == 1
    assert find(lookup, "sale", "other.example") is None
    assert asked.times == 2


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_link_is_found_inline(database: Database, lookup: Lookup, asked: Asked) -> None:
    make_link(database, "sale")
    assert [lookup.find_inline("", code) is None for code in ("sale", "sale", "other", "other")] == [
        False,
        False,
        True,
        True,
    ]
    assert asked.times == 2


def test_a_thousand_first_visits_are_one_question(database: Database, lookup: Lookup, asked: Asked) -> None:
    make_link(database, "sale")

    async def crowd() -> list[Entry | None]:
        return await asyncio.gather(*(lookup.find("", "sale") for _ in range(1000)))

    found = asyncio.run(crowd())
    assert asked.times == 1
    assert all(entry is not None and entry.target == "https://example.com/" for entry in found)


#: With SQLite nothing can come between asking and keeping, which are one step of the event loop.
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_was_read_before_a_change_is_not_kept(
    database: Database, lookup: Lookup, entries: Cache, asked: Asked
) -> None:
    made = make_link(database, "sale")
    asked.door.clear()

    async def visit_while_it_changes() -> Entry | None:
        visit = asyncio.ensure_future(lookup.find("", "sale"))
        await asyncio.to_thread(asked.waiting.wait, 10)
        with database.write() as connection:
            connection.execute(update(link).where(link.c.id == made.id).values(target=OTHER))
        lookup.forget("", "sale")
        asked.door.set()
        return await visit

    # Asked for again at once, so that it is known if the database goes now.
    found = asyncio.run(visit_while_it_changes())
    assert (found is not None and found.target, asked.times) == (OTHER, 2)
    assert find(lookup, "sale") == found
    assert cache.key("", "sale") in entries


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_was_found_while_its_making_was_followed_stays_known(
    database: Database, lookup: Lookup, entries: Cache, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit comes between the follower's look at the cache and what it does about it."""
    make_link(database, "old")
    make_link(database, "new")
    find(lookup, "old")
    load = lookup._load

    def load_slowly(*arguments: Any) -> Any:
        found = load(*arguments)
        monkeypatch.setattr(lookup, "_load", load)
        assert find(lookup, "new") is not None
        return found

    monkeypatch.setattr(lookup, "_load", load_slowly)
    lookup.refresh([("", "new"), ("", "old")])
    assert cache.key("", "new") in entries


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_who_stops_waiting_takes_nobody_along(database: Database, lookup: Lookup, asked: Asked) -> None:
    make_link(database, "sale")
    asked.door.clear()

    async def one_leaves() -> Entry | None:
        leaving, staying = (asyncio.ensure_future(lookup.find("", "sale")) for _ in range(2))
        await asyncio.to_thread(asked.waiting.wait, 10)
        leaving.cancel()
        asked.door.set()
        return await staying

    assert asyncio.run(one_leaves()) is not None
    assert asked.times == 1


def test_a_fault_is_the_databases_and_not_an_unknown_code(database: Database, lookup: Lookup, asked: Asked) -> None:
    make_link(database, "sale")
    asked.broken = True
    for _ in range(2):
        with pytest.raises(errors.DatabaseUnavailable):
            find(lookup, "sale")
    asked.broken = False
    assert find(lookup, "sale") is not None


class TestFollowing:
    def test_an_edit(self, database: Database, lookup: Lookup, follower: Follower) -> None:
        make_link(database, "sale")
        assert target(lookup, "sale") == "https://example.com/"
        retarget(database, "sale")
        assert target(lookup, "sale") == "https://example.com/"
        follower.step()
        assert target(lookup, "sale") == OTHER

    def test_a_deletion(self, database: Database, lookup: Lookup, follower: Follower) -> None:
        make_link(database, "sale")
        find(lookup, "sale")
        service.delete(database, "sale", actor="test")
        follower.step()
        assert find(lookup, "sale") is None

    def test_a_link_made_after_its_code_was_asked_for(
        self, database: Database, lookup: Lookup, follower: Follower
    ) -> None:
        assert find(lookup, "grün") is None
        make_link(database, "grün")
        assert find(lookup, "grün") is None
        follower.step()
        assert find(lookup, "grün") is not None

    def test_many_changes(
        self, database: Database, lookup: Lookup, follower: Follower, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shortener.redirect.follower.BATCH", 3)
        codes = [f"sale{number}" for number in range(10)]
        for code in codes:
            make_link(database, code)
            find(lookup, code)
        for code in codes:
            retarget(database, code)
        follower.step()
        assert {target(lookup, code) for code in codes} == {OTHER}

    def test_only_what_is_cached_is_read_again(
        self, database: Database, lookup: Lookup, follower: Follower, asked: Asked
    ) -> None:
        for code in ("seen", "unseen"):
            make_link(database, code)
        find(lookup, "seen")
        for code in ("seen", "unseen"):
            retarget(database, code)
        follower.step()
        assert asked.times == 2
        follower.step()
        assert asked.times == 2

    def test_while_the_database_is_gone_known_links_go_on(
        self, database: Database, lookup: Lookup, follower: Follower, asked: Asked
    ) -> None:
        make_link(database, "sale")
        find(lookup, "sale")
        retarget(database, "sale")
        asked.broken = True
        for _ in range(2):
            with pytest.raises(errors.DatabaseUnavailable):
                follower.step()
            assert target(lookup, "sale") == "https://example.com/"
        asked.broken = False
        follower.step()
        assert target(lookup, "sale") == OTHER

    @pytest.mark.parametrize("sign", ["an older state", "another database"])
    def test_after_a_restore_nothing_is_known(
        self, database: Database, lookup: Lookup, entries: Cache, follower: Follower, sign: str
    ) -> None:
        for code in ("one", "two"):
            make_link(database, code)
        follower.step()
        find(lookup, "one")
        with database.write() as connection:
            if sign == "an older state":
                connection.execute(delete(change).where(change.c.seq > 1))
                connection.execute(update(change_head).values(seq=1))
            else:
                connection.execute(update(instance).values(database_id=b"another database"))
        follower.step()
        assert len(entries) == 0
        retarget(database, "one")
        follower.step()
        assert target(lookup, "one") == OTHER

    def test_its_thread_outlives_every_fault(
        self, database: Database, lookup: Lookup, follower: Follower, asked: Asked
    ) -> None:
        make_link(database, "sale")
        find(lookup, "sale")
        stop = threading.Event()
        thread = threading.Thread(target=follower.run, args=(stop,))
        asked.broken = True
        retarget(database, "sale")
        thread.start()
        try:
            eventually(lambda: follower.fault is not None)
            asked.broken = False
            eventually(lambda: follower.fault is None)
            eventually(lambda: target(lookup, "sale") == OTHER)
        finally:
            stop.set()
            thread.join()
