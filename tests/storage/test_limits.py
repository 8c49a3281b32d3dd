"""Limits on both databases: never one click more, whoever asks for them, how many at once, and whatever fails."""

import asyncio
import multiprocessing
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import exc, func, select, text, update

from shortener import errors
from shortener.clicks import frame
from shortener.domain.link import Link, State
from shortener.redirect import limit
from shortener.redirect.limit import Limiter
from shortener.storage import limits
from shortener.storage.click_tables import click_inbox
from shortener.storage.engine import Database
from shortener.storage.limits import Verdict, Wanted
from shortener.storage.tables import change
from shortener.storage.tables import link as link_table
from tests import frames
from tests.clicks import click_on, make_link
from tests.server import eventually
from tests.spools import now_ms

NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
LIVE, EXHAUSTED, PENDING = State.LIVE, State.EXHAUSTED, State.SCHEDULED


def limited(database: Database, most: int, **fields: Any) -> Link:
    link = make_link(database)
    edit(database, link, **{"max_clicks": most, **fields})
    return link


def edit(database: Database, link: Link, **fields: Any) -> None:
    with database.write() as connection:
        connection.execute(update(link_table).where(link_table.c.id == link.id).values(**fields))


def used(database: Database, link: Link) -> int:
    with database.read() as connection:
        return int(connection.execute(select(link_table.c.used).where(link_table.c.id == link.id)).scalar_one())


def in_inbox(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(click_inbox)).scalar_one())


def body(link: Link) -> bytes:
    return frame.body_of(frames.encode(click_on(link, now_ms())))


def grant(database: Database, wanted: Sequence[Wanted], now: datetime = NOW) -> list[Verdict]:
    with database.write() as connection:
        return limits.grant(connection, wanted, now)


#: By name: fields of a link with two clicks left of three, and what a visit to it gets.
LINKS: dict[str, tuple[dict[str, Any], State]] = {
    "with clicks left": ({}, LIVE),
    "with the last click left": ({"used": 2}, LIVE),
    "with none left": ({"used": 3}, EXHAUSTED),
    "whose limit was lowered": ({"used": 5}, EXHAUSTED),
    "whose limit was removed": ({"max_clicks": None, "used": 3}, LIVE),
    "that is disabled": ({"enabled": False}, State.DISABLED),
    "that is disabled and exhausted": ({"enabled": False, "used": 3}, State.DISABLED),
    "that begins now": ({"valid_from": NOW}, LIVE),
    "that begins in a second": ({"valid_from": NOW + SECOND}, PENDING),
    "that ends in a second": ({"expires_at": NOW + SECOND}, LIVE),
    "that ends now": ({"expires_at": NOW}, State.EXPIRED),
    "that is deleted": ({"deleted_at": NOW - SECOND}, PENDING),
}


@pytest.mark.parametrize(("fields", "state"), LINKS.values(), ids=list(LINKS))
def test_a_link(database: Database, fields: dict[str, Any], state: State) -> None:
    link = limited(database, 3, **{"used": 1, **fields})
    before = used(database, link)
    (verdict,) = grant(database, [Wanted(link.id, body(link))])
    assert verdict.state is state
    takes = state is LIVE and fields.get("max_clicks", 3) is not None
    assert used(database, link) - before == int(takes)
    assert in_inbox(database) == int(state is LIVE)


def test_a_link_that_never_was(database: Database) -> None:
    assert grant(database, [Wanted(4711, b"click")]) == [Verdict(PENDING, 0)]
    assert in_inbox(database) == 0


def test_a_group_is_granted_in_its_order_and_not_one_more(database: Database) -> None:
    few, many = limited(database, 2), limited(database, 100)
    order = [few, many, few, few, many, few]
    verdicts = grant(database, [Wanted(link.id, body(link)) for link in order])
    assert [verdict.state for verdict in verdicts] == [LIVE, LIVE, LIVE, EXHAUSTED, LIVE, EXHAUSTED]
    assert (used(database, few), used(database, many), in_inbox(database)) == (2, 2, 4)
    with database.read() as connection:
        stored = connection.execute(select(click_inbox.c.frame).order_by(click_inbox.c.id)).scalars().all()
    assert [frames.decode(click).link_id for click in stored] == [few.id, many.id, few.id, many.id]


def test_a_visit_that_is_not_to_be_counted_takes_a_slot(database: Database) -> None:
    link = limited(database, 1)
    verdicts = grant(database, [Wanted(link.id, None)] * 2)
    assert [verdict.state for verdict in verdicts] == [LIVE, EXHAUSTED]
    assert (used(database, link), in_inbox(database)) == (1, 0)


def test_the_verdict_tells_the_version(database: Database) -> None:
    link = limited(database, 1, version=7)
    assert grant(database, [Wanted(link.id, None)] * 2) == [
        Verdict(LIVE, 7, is_last=True),
        Verdict(EXHAUSTED, 7),
    ]


# --- many at once


def run(database: Database, work: Callable[[Limiter], Awaitable[Any]]) -> Any:
    """What `work` gives with a limiter on `database`."""

    async def body() -> Any:
        limiter = Limiter(database)
        try:
            return await work(limiter)
        finally:
            limiter.close()

    return asyncio.run(body())


def ask(url: str, link_id: int, click: bytes, times: int) -> Counter[str]:
    """What as many visits at once get from a worker of their own."""
    database = Database(url)
    try:
        states = run(database, lambda limiter: asyncio.gather(*(limiter.take(link_id, click) for _ in range(times))))
    finally:
        database.close()
    return Counter(states)


def test_visits_at_once_in_one_worker(database: Database) -> None:
    link = limited(database, 100)
    states = run(database, lambda limiter: asyncio.gather(*(limiter.take(link.id, body(link)) for _ in range(1000))))
    # In the order in which they asked.
    assert states == [LIVE] * 100 + [EXHAUSTED] * 900
    assert (used(database, link), in_inbox(database)) == (100, 100)


def _ask_in_threads(url: str, link_id: int, click: bytes, workers: int) -> Counter[str]:
    with ThreadPoolExecutor(workers) as pool:
        asked = pool.map(ask, [url] * workers, [link_id] * workers, [click] * workers, [250] * workers)
        return sum(asked, Counter())


@pytest.mark.process
def test_visits_at_once_in_several_processes(database: Database, database_url: str) -> None:
    """Two of them, with two workers each, which know nothing of each other."""
    link = limited(database, 100)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        asked = [pool.submit(_ask_in_threads, database_url, link.id, body(link), 2) for _ in range(2)]
        states = sum((each.result() for each in asked), Counter[str]())
    assert states == {LIVE: 100, EXHAUSTED: 900}
    assert (used(database, link), in_inbox(database)) == (100, 100)


def test_workers_with_several_links_do_not_block_each_other(database: Database, database_url: str) -> None:
    """Each takes slots of the same links in one transaction, in another order."""
    links = [limited(database, 250) for _ in range(8)]

    def work(order: list[Link]) -> Counter[str]:
        own = Database(database_url)
        try:
            visits = order * 100
            return Counter(run(own, lambda limiter: asyncio.gather(*(limiter.take(v.id, body(v)) for v in visits))))
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        states = sum(pool.map(work, [links, links[::-1]] * 2), Counter[str]())
    assert states == {LIVE: 8 * 250, EXHAUSTED: 8 * 150}
    assert {used(database, link) for link in links} == {250}
    assert in_inbox(database) == 8 * 250


# --- what is remembered


def test_an_exhausted_link_is_not_asked_for_again_until_it_has_another_version(database: Database) -> None:
    link = limited(database, 1)

    async def work(limiter: Limiter) -> list[State]:
        states = [await limiter.take(link.id, body(link), 1) for _ in range(2)]
        # Behind its back, without a new version, which no edit does: so it can be seen that nobody looks.
        await asyncio.to_thread(edit, database, link, max_clicks=3)
        states.append(await limiter.take(link.id, body(link), 1))
        # What has an older or newer version, or none, is asked for.
        states += [await limiter.take(link.id, body(link), version) for version in (2, 0)]
        return states

    assert run(database, work) == [LIVE, EXHAUSTED, EXHAUSTED, LIVE, LIVE]
    assert used(database, link) == 3


def test_a_stale_entry_of_an_exhausted_link_asks_until_it_is_fresh(database: Database) -> None:
    """An edit that this worker has not seen yet raised the limit, and that is used up too."""
    link = limited(database, 1, version=2)

    async def work(limiter: Limiter) -> list[State]:
        return [await limiter.take(link.id, body(link), version) for version in (1, 1, 2)]

    assert run(database, work) == [LIVE, EXHAUSTED, EXHAUSTED]


def test_that_a_limit_is_reached_is_a_change(database: Database) -> None:
    """Once, and not before: by it the caches of other workers learn of it, and history names the moment."""
    first, second, third = limited(database, 2), limited(database, 3), limited(database, 1)

    def kinds() -> list[tuple[str, str, int | None]]:
        with database.read() as connection:
            rows = connection.execute(select(change).where(change.c.kind == "link-exhausted").order_by(change.c.seq))
            return [(row.code, row.actor, row.version) for row in rows]

    async def work(limiter: Limiter) -> None:
        for link in (first, second, second, first, first):
            await limiter.take(link.id, None)

    run(database, work)
    assert kinds() == [(first.code, "click limit", 1)]

    async def rest(limiter: Limiter) -> None:
        await asyncio.gather(*(limiter.take(link.id, None) for link in (second, third, second, third)))

    run(database, rest)
    assert {code for code, _, _ in kinds()} == {first.code, second.code, third.code}
    assert len(kinds()) == 3


def test_memory_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "_EXHAUSTED_KEPT", 2)
    links = [limited(database, 1, used=1) for _ in range(4)]

    async def work(limiter: Limiter) -> int:
        for link in links:
            assert await limiter.take(link.id, None, 1) is EXHAUSTED
        return len(limiter._exhausted)

    assert run(database, work) == 2


# --- what goes wrong


@contextmanager
def held(url: str, link: Link) -> Iterator[Callable[[], None]]:
    """A writer that keeps everybody else from granting clicks of `link`, until it is told to let go."""
    ready, release = threading.Event(), threading.Event()

    def hold() -> None:
        database = Database(url)
        with database.write() as connection:
            connection.execute(update(link_table).where(link_table.c.id == link.id).values(title="held"))
            ready.set()
            assert release.wait(10)
        database.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(10)
    try:
        yield release.set
    finally:
        release.set()
        thread.join()


async def begun(visit: Coroutine[Any, Any, State], database: Database) -> "asyncio.Task[State]":
    """`visit` as a task whose transaction is under way: it has its turn on `database`."""
    turns = database._writers._value
    task = asyncio.create_task(visit)
    await asyncio.to_thread(eventually, lambda: database._writers._value < turns)
    return task


def test_who_leaves_while_waiting_takes_nothing(database: Database, database_url: str) -> None:
    link = limited(database, 10)

    async def work(limiter: Limiter) -> None:
        with held(database_url, link) as release:
            first = await begun(limiter.take(link.id, body(link)), database)
            others = [asyncio.create_task(limiter.take(link.id, body(link))) for _ in range(3)]
            await asyncio.sleep(0)
            others[0].cancel()
            others[2].cancel()
            release()
            assert [await first, await others[1]] == [LIVE, LIVE]

    run(database, work)
    assert (used(database, link), in_inbox(database)) == (2, 2)


def test_who_leaves_when_it_is_too_late_wastes_one(database: Database, database_url: str) -> None:
    link = limited(database, 2)

    async def work(limiter: Limiter) -> list[State]:
        with held(database_url, link) as release:
            first = await begun(limiter.take(link.id, body(link)), database)
            first.cancel()
            release()
        return [await limiter.take(link.id, body(link)) for _ in range(2)]

    assert run(database, work) == [LIVE, EXHAUSTED]
    assert (used(database, link), in_inbox(database)) == (2, 2)


def test_those_who_wait_are_bounded(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "MOST_WAITING", 2)
    link = limited(database, 10)

    async def work(limiter: Limiter) -> None:
        with held(database_url, link) as release:
            tasks = [await begun(limiter.take(link.id, body(link)), database)]
            tasks += [asyncio.create_task(limiter.take(link.id, body(link))) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(errors.DatabaseBusy):
                await limiter.take(link.id, body(link))
            release()
            assert await asyncio.gather(*tasks) == [LIVE] * 3

    run(database, work)
    assert used(database, link) == 3


def test_a_transaction_that_fails_grants_nothing_and_the_next_one_works(database: Database) -> None:
    link = limited(database, 10)

    async def work(limiter: Limiter) -> None:
        for statement in ("ALTER TABLE click_inbox RENAME TO gone", "ALTER TABLE gone RENAME TO click_inbox"):
            with database.write() as connection:
                connection.execute(text(statement))
            visits = [limiter.take(link.id, body(link)) for _ in range(3)]
            found.append(await asyncio.gather(*visits, return_exceptions=True))

    found: list[list[State | BaseException]] = []
    run(database, work)
    assert all(isinstance(each, exc.DatabaseError) for each in found[0]), found
    assert found[1] == [LIVE] * 3
    assert (used(database, link), in_inbox(database)) == (3, 3)


def test_who_waits_when_it_ends_is_served(database: Database, database_url: str) -> None:
    link = limited(database, 10)

    async def work() -> list[State]:
        limiter = Limiter(database)
        with held(database_url, link) as release:
            tasks = [await begun(limiter.take(link.id, body(link)), database)]
            tasks += [asyncio.create_task(limiter.take(link.id, body(link))) for _ in range(2)]
            await asyncio.sleep(0)
            release()
            limiter.close()
            return await asyncio.gather(*tasks)

    assert asyncio.run(work()) == [LIVE] * 3
