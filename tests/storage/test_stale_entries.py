"""No stale answer stays: a load that began before a change must not store what it read after the cache heard of it.

First each kind of change comes in between, at the two places where that matters; then thousands come as they come.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from shortener.domain.link import LinkDraft
from shortener.redirect.cache import Cache
from shortener.redirect.entry import Entry
from shortener.redirect.follower import Follower
from shortener.redirect.lookup import Lookup
from shortener.services import aliases, bulk, domains, history, schedules, undelete
from shortener.services import links as service
from shortener.storage import domains as domain_rows
from shortener.storage import visits
from shortener.storage.engine import Connection, Database
from shortener.storage.tables import change, change_head, instance, link
from shortener.storage.visits import Visited
from tests.clicks import POLICY, make_link
from tests.entries import DEFAULTS
from tests.entries import domains as no_domains
from tests.sizes import nightly, size

pytestmark = pytest.mark.unmeasured

FIRST, OTHER = "https://example.com/", "https://example.com/other"
DOMAIN = "b.example"
BASE_URL = "https://go.example"
#: Edits of the stress, of so many links, of which the cache holds a part, by so many visitors at once.
EDITS, LINKS, CACHED, VISITORS = size(300, 10_000), 25, 10, 8
#: Seconds that a follower gets to come in between; it may have to wait for who stores.
_MOMENT = 0.2
#: Of a visitor's load in the stress, seconds.
_LONGEST_PAUSE = 0.002


@pytest.fixture
def lookup(database: Database) -> Iterator[Lookup]:
    opened = Lookup(database, Cache(1000), DEFAULTS, no_domains())
    yield opened
    opened.close()


@pytest.fixture
def follower(database: Database, lookup: Lookup) -> Iterator[Follower]:
    domains.create(database, POLICY.targets, BASE_URL, DOMAIN, {}, actor="test")
    make_link(database, "sale")
    opened = Follower(database, lookup)
    yield opened
    opened.close()


def find(lookup: Lookup, code: str = "sale", domain: str = "") -> Entry | None:
    return asyncio.run(lookup.find(domain, code))


def edit(database: Database, **fields: Any) -> None:
    service.edit(database, POLICY, "sale", fields, actor="test")


def happen(database: Database) -> None:
    """A scheduled edit, at its time."""
    at = datetime.now(UTC) + timedelta(minutes=1)
    schedules.add(database, POLICY, "sale", at, {"target": OTHER}, actor="test")
    schedules.due(database, POLICY, at)


def take_back(database: Database) -> None:
    edit(database, target=OTHER)
    edit(database, target="https://example.com/newest")
    history.revert(database, POLICY, "sale", 2, actor="test")


def replace(database: Database) -> None:
    """Another link gets the code."""
    service.delete(database, "sale", actor="test")
    service.create(database, POLICY, LinkDraft(target=OTHER, code="sale"), actor="test")


def bring_back(database: Database) -> None:
    """It is deleted, another link has its code for a while, and it comes back."""
    deleted = service.delete(database, "sale", actor="test")
    service.create(database, POLICY, LinkDraft(target=OTHER, code="sale"), actor="test")
    service.delete(database, "sale", actor="test")
    undelete.undelete(database, deleted.id, actor="test")


def restore(database: Database, **newest: Any) -> None:
    """An older copy of the database, or another database, takes the place of this one."""
    with database.write() as connection:
        connection.execute(update(link).where(link.c.code == "sale").values(target=OTHER))
        if newest:
            connection.execute(update(instance).values(**newest))
        else:
            connection.execute(delete(change).where(change.c.seq > 1))
            connection.execute(update(change_head).values(seq=1))


#: By name: what happens to the link, and what a visit to it must get then: target, whether it is live, status.
CHANGES: dict[str, tuple[Callable[[Database], object], tuple[str, bool, int] | None]] = {
    "another-target": (lambda found: edit(found, target=OTHER), (OTHER, True, 302)),
    "another-status": (lambda found: edit(found, status=308), (FIRST, True, 308)),
    "disabled": (lambda found: edit(found, enabled=False), (FIRST, False, 302)),
    "renamed": (lambda found: edit(found, code="sold"), None),
    "deleted": (lambda found: service.delete(found, "sale", actor="test"), None),
    "replaced": (replace, (OTHER, True, 302)),
    "undeleted": (bring_back, (FIRST, True, 302)),
    "edited-in-bulk": (
        lambda found: bulk.edit(found, POLICY, [("", "sale", {"target": OTHER})], actor="test"),
        (OTHER, True, 302),
    ),
    "scheduled": (happen, (OTHER, True, 302)),
    "reverted": (take_back, (OTHER, True, 302)),
    "restored": (restore, (OTHER, True, 302)),
    "another-database": (lambda found: restore(found, database_id=b"another database"), (OTHER, True, 302)),
}


def seen(entry: Entry | None) -> tuple[str, bool, int] | None:
    return None if entry is None else (entry.target, entry.enabled, entry.status)


class Interruption:
    """Has `action` happen once, at the end or the beginning of what it is put around."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self.has_happened = False

    def behind(self, read: Callable[[Connection, str, str], Visited | None]) -> Any:
        def interrupted(connection: Connection, domain: str, code: str) -> Visited | None:
            found = read(connection, domain, code)
            self._happen()
            return found

        return interrupted

    def before(self, put: Callable[[bytes, Any], None]) -> Any:
        def interrupted(key: bytes, kept: Any) -> None:
            self._happen()
            put(key, kept)

        return interrupted

    def _happen(self) -> None:
        if not self.has_happened:
            self.has_happened = True
            self._action()


@pytest.mark.parametrize("domain", ["", DOMAIN], ids=["default-domain", "configured-domain"])
@pytest.mark.parametrize(("happens", "wanted"), CHANGES.values(), ids=list(CHANGES))
class TestALoadThatBeganBefore:
    def test_a_change_that_was_followed(
        self,
        database: Database,
        lookup: Lookup,
        follower: Follower,
        monkeypatch: pytest.MonkeyPatch,
        happens: Callable[[Database], object],
        wanted: Any,
        domain: str,
    ) -> None:
        """It has read the row, and stores it when the follower has looked."""

        def change_and_follow() -> None:
            happens(database)
            follower.step()

        between = Interruption(change_and_follow)
        monkeypatch.setattr(visits, "visited", between.behind(visits.visited))
        find(lookup, "sale", domain)
        assert between.has_happened
        assert seen(find(lookup, "sale", domain)) == wanted

    def test_a_change_that_is_followed_while_it_stores(
        self,
        database: Database,
        lookup: Lookup,
        follower: Follower,
        monkeypatch: pytest.MonkeyPatch,
        happens: Callable[[Database], object],
        wanted: Any,
        domain: str,
    ) -> None:
        """It has found that nothing has changed, and stores what it read when the follower has looked."""
        following = threading.Thread(target=follower.step)

        def change_and_follow() -> None:
            happens(database)
            following.start()
            following.join(_MOMENT)

        between = Interruption(change_and_follow)
        monkeypatch.setattr(lookup._cache, "put", between.before(lookup._cache.put))
        find(lookup, "sale", domain)
        following.join()
        assert between.has_happened
        assert seen(find(lookup, "sale", domain)) == wanted

    def test_a_change_by_this_worker(
        self,
        database: Database,
        lookup: Lookup,
        follower: Follower,
        monkeypatch: pytest.MonkeyPatch,
        happens: Callable[[Database], object],
        wanted: Any,
        domain: str,
    ) -> None:
        """Who changed the link tells the cache at once, and no follower comes."""

        def change_and_forget() -> None:
            happens(database)
            lookup.forget("", "sale")

        between = Interruption(change_and_forget)
        monkeypatch.setattr(visits, "visited", between.behind(visits.visited))
        find(lookup, "sale", domain)
        assert between.has_happened
        assert seen(find(lookup, "sale", domain)) == wanted


#: By name: a change, the code and domain asked for before it, and the target that must be found after it.
MADE: dict[str, tuple[Callable[[Database], object], str, str, str]] = {
    "created": (lambda found: make_link(found, "new"), "new", "", FIRST),
    "created-in-bulk": (
        lambda found: bulk.create(found, POLICY, [LinkDraft(target=OTHER, code="new")], actor="test"),
        "new",
        "",
        OTHER,
    ),
    "an-alias": (lambda found: aliases.add(found, POLICY, "sale", "new", actor="test"), "new", "", FIRST),
    "renamed": (lambda found: edit(found, code="new"), "new", "", FIRST),
    "its-own-domain's": (
        lambda found: service.create(
            found, POLICY, LinkDraft(target=OTHER, code="sale", domain=DOMAIN), actor="test"
        ),
        "sale",
        DOMAIN,
        OTHER,
    ),
}


@pytest.mark.parametrize(("happens", "code", "domain", "target"), MADE.values(), ids=list(MADE))
def test_a_link_that_is_made_while_its_code_is_asked_for(
    database: Database,
    lookup: Lookup,
    follower: Follower,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Database], object],
    code: str,
    domain: str,
    target: str,
) -> None:
    def change_and_follow() -> None:
        happens(database)
        follower.step()

    between = Interruption(change_and_follow)
    monkeypatch.setattr(visits, "visited", between.behind(visits.visited))
    find(lookup, code, domain)
    found = find(lookup, code, domain)
    assert found is not None
    assert found.target == target


#: By name: how a worker hears of a domain.
HEARING: dict[str, Callable[[Database, Lookup, Follower], None]] = {
    "follower": lambda _database, _lookup, follower: follower.step(),
    "this-worker": lambda database, lookup, _follower: hear(database, lookup),
}


def hear(database: Database, lookup: Lookup) -> None:
    with database.read() as connection:
        lookup.domains.refresh(connection)
    lookup.clear()


@pytest.mark.parametrize("hears", HEARING.values(), ids=list(HEARING))
def test_a_domain_that_changes_while_its_link_is_loaded(
    database: Database,
    lookup: Lookup,
    follower: Follower,
    monkeypatch: pytest.MonkeyPatch,
    hears: Callable[[Database, Lookup, Follower], None],
) -> None:
    """Of its status and targets an entry is made, too."""
    draft = LinkDraft(target=FIRST, code="own", domain=DOMAIN)
    service.create(database, POLICY, draft, actor="test")
    follower.step()
    load = lookup._load

    def change_and_hear() -> None:
        domains.edit(database, POLICY.targets, BASE_URL, DOMAIN, {"status": 307}, actor="test")
        hears(database, lookup, follower)

    between = Interruption(change_and_hear)

    def load_slowly(*arguments: Any) -> Any:
        found = load(*arguments)
        between._happen()
        return found

    monkeypatch.setattr(lookup, "_load", load_slowly)
    find(lookup, "own", DOMAIN)
    found = find(lookup, "own", DOMAIN)
    assert found is not None
    assert found.status == 307


def test_what_was_read_of_domains_before_does_not_replace_what_is_newer(
    database: Database, lookup: Lookup, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request has read the domains; before it takes them over, the follower hears of another one."""
    read = domain_rows.all_settings
    following = threading.Thread(target=follower.step)

    def change_and_follow() -> None:
        domains.create(database, POLICY.targets, BASE_URL, "c.example", {}, actor="test")
        following.start()
        following.join(_MOMENT)

    between = Interruption(change_and_follow)

    def read_slowly(connection: Connection) -> Any:
        found = read(connection)
        between._happen()
        return found

    monkeypatch.setattr(domain_rows, "all_settings", read_slowly)
    hear(database, lookup)
    following.join()
    assert lookup.domains.names == {DOMAIN, "c.example"}


class TestManyLinksShareACounter:
    """Generations are counted for keys together: that may cost a load, and never an edit."""

    @pytest.fixture(autouse=True)
    def one_counter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shortener.redirect.generations._COUNTERS", 1)

    def test_changes_followed_together(self, database: Database, lookup: Lookup, follower: Follower) -> None:
        codes = [f"link{number}" for number in range(10)]
        for code in codes:
            make_link(database, code)
            find(lookup, code)
        for code in codes:
            service.edit(database, POLICY, code, {"target": OTHER}, actor="test")
        follower.step()
        assert {code: found.target for code in codes if (found := find(lookup, code))} == dict.fromkeys(codes, OTHER)


class Visitors:
    """A thread that visits links of a lookup, so many at once, again and again, as a worker's event loop does."""

    def __init__(self, lookup: Lookup, codes: list[str]) -> None:
        self._lookup = lookup
        self._codes = codes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._visit()))
        self.visits = 0
        self.fault: BaseException | None = None

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _visit(self) -> None:
        dice = random.Random(17)
        try:
            while not self._stop.is_set():
                await asyncio.gather(*(self._lookup.find("", dice.choice(self._codes)) for _ in range(VISITORS)))
                self.visits += VISITORS
        except BaseException as error:  # looked at by the test
            self.fault = error


@pytest.fixture
def slow_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every load of visitors pauses between reading and storing, so that it meets edits there."""
    read = visits.visited
    dice = random.Random(4)

    def read_slowly(connection: Connection, domain: str, code: str) -> Visited | None:
        found = read(connection, domain, code)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(dice.random() * _LONGEST_PAUSE)
        return found

    monkeypatch.setattr(visits, "visited", read_slowly)


@nightly
@pytest.mark.usefixtures("slow_loads")
def test_edits_under_visits_leave_nothing_stale(database: Database) -> None:
    """All links are edited, the follower goes up to the last edit, and what is cached then is looked at."""
    entries = Cache(CACHED)
    lookup = Lookup(database, entries, DEFAULTS, no_domains())
    follower = Follower(database, lookup)
    codes = [f"link{number}" for number in range(LINKS)]
    for code in codes:
        make_link(database, code)
    stale = {}
    with Visitors(lookup, codes) as visitors:
        for number in range(EDITS // LINKS):
            target = f"https://example.com/{number}"
            for code in codes:
                service.edit(database, POLICY, code, {"target": target}, actor="test")
                follower.step()
            for code in codes:
                kept = entries.get(f"/{code}".encode())
                if kept is not None and not bytes(kept).endswith(target.encode()):  # type: ignore[arg-type]
                    stale[code] = number
    follower.close()
    lookup.close()
    assert visitors.fault is None
    assert visitors.visits >= EDITS // 10
    assert stale == {}
