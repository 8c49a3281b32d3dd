"""The hub: who is told what, in which order, and what becomes of those who are slow, too many or shut out."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import delete, update

from shortener import errors
from shortener.domain import filter as filters
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import Link
from shortener.services import live
from shortener.services.live import Feed
from shortener.storage.click_tables import click, drain_head
from shortener.storage.engine import Database
from shortener.storage.live import Wanted
from shortener.web import live as hubs
from shortener.web.live import Follower, Hub, Pace
from tests.clicks import BOT, click_on, drain, make_link
from tests.events import Event, Reader, ids
from tests.frames import Click

HUMANS = frozenset({ClickClass.HUMAN})
ALL = Wanted(None, HUMANS)
KEY = b"a key"
QUICK = Pace(poll=0.005, beat=60.0, check=60.0)
Scenario = Coroutine[Any, Any, None]


def run(scenario: Scenario) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario, 30)

    asyncio.run(bounded())


@asynccontextmanager
async def hub_on(
    database: Database,
    *,
    feed: Feed | None = None,
    may_follow: Callable[[bytes], bool] = lambda _: True,
    most: int = 1000,
    pace: Pace = QUICK,
) -> AsyncIterator[Hub]:
    hub = Hub(feed or Feed(database), may_follow, most, pace)
    try:
        yield hub
    finally:
        await hub.close()


async def commit(database: Database, clicks: list[Click]) -> None:
    await asyncio.to_thread(drain, database, clicks)


def some_clicks(link: Link, number: int = 1, **facts: object) -> list[Click]:
    now_ms = time.time_ns() // 1_000_000
    return [click_on(link, now_ms, **facts) for _ in range(number)]


async def heard(follower: Follower, number: int, reader: Reader | None = None) -> list[Event]:
    """The next events, at least so many of them; fewer at the end."""
    found: list[Event] = []
    reader = reader or Reader()
    while len(found) < number and (piece := await follower.take()) is not None:
        found += reader.read(piece)
    return found


def codes(found: Iterable[Event]) -> list[str]:
    return [event.data["code"] for event in found]


def of(link: Link, classes: frozenset[ClickClass] = HUMANS) -> Wanted:
    return Wanted(frozenset({link.id}), classes)


def test_everybody_is_told_what_they_want_in_the_order_of_commits(database: Database) -> None:
    one, two = make_link(database, "one"), make_link(database, "two")
    everyone = frozenset(ClickClass)

    async def scenario() -> None:
        async with (
            hub_on(database) as hub,
            hub.following(ALL, KEY) as of_all,
            hub.following(of(two), KEY) as of_two,
            hub.following(of(two, everyone), KEY) as of_two_and_bots,
            hub.following(of(two), KEY) as of_two_as_well,
        ):
            orphan = Click(
                time_ms=0, link_id=None, nonce=0, code="/nowhere", user_agent=some_clicks(one)[0].user_agent
            )
            for clicks in (some_clicks(one), [*some_clicks(two), orphan], some_clicks(two, user_agent=BOT)):
                await commit(database, clicks)
            await commit(database, [*some_clicks(one), *some_clicks(two)])
            assert codes(await heard(of_all, 4)) == ["one", "two", "one", "two"]
            found = await heard(of_two, 2)
            assert codes(found) == ["two", "two"]
            assert ids(found) == sorted(ids(found))
            assert await heard(of_two_as_well, 2) == found
            classes = [event.data["class"] for event in await heard(of_two_and_bots, 3)]
            assert classes == ["human", "bot", "human"]

    run(scenario())


def test_each_is_told_what_passes_their_filters_and_all_is_read_once(database: Database) -> None:
    link = make_link(database)
    read: list[Wanted] = []

    class Noting(Feed):
        def between(self, after: int, upto: int, wanted: Wanted) -> list[Any]:
            found = super().between(after, upto, wanted)
            read.append(wanted)
            return found

    def by(written: str) -> Wanted:
        return ALL._replace(filters=(filters.parse(Dimension.LANGUAGE, written),))

    expected = {"de": [1, 4], "de,fr": [1, 3, 4], "-de": [2, 3, 5], "": [5], "-": [1, 2, 3, 4]}

    async def scenario() -> None:
        async with hub_on(database, feed=Noting(database)) as hub, AsyncExitStack() as stack:
            everybody = [(await stack.enter_async_context(hub.following(by(each), KEY)), each) for each in expected]
            batch = [
                each for language in ("de", "en", "fr", "de", "") for each in some_clicks(link, language=language)
            ]
            await commit(database, batch)
            for follower, written in everybody:
                told = expected[written]
                assert ids(await heard(follower, len(told))) == told
            assert read == [ALL]

    run(scenario())


def test_who_comes_with_other_filters_is_told_too(database: Database) -> None:
    """What was read for those who were there is enough for somebody who wants other clicks of the same links."""
    link = make_link(database)
    german, english = (ALL._replace(filters=(filters.parse(Dimension.LANGUAGE, each),)) for each in ("de", "en"))

    async def scenario() -> None:
        async with hub_on(database) as hub, hub.following(german, KEY) as one:
            await commit(database, some_clicks(link, 2, language="de"))
            assert ids(await heard(one, 2)) == [1, 2]
            async with hub.following(english, KEY) as two:
                batch = [*some_clicks(link, language="en"), *some_clicks(link, language="de")]
                await commit(database, batch)
                assert ids(await heard(two, 1)) == [3]
                assert ids(await heard(one, 1)) == [4]

    run(scenario())


def test_only_what_is_committed_from_now_on_is_told(database: Database) -> None:
    link = make_link(database)

    async def scenario() -> None:
        await commit(database, some_clicks(link, 3))
        async with hub_on(database) as hub, hub.following(ALL, KEY) as follower:
            assert follower.position == 3
            await commit(database, some_clicks(link))
            assert ids(await heard(follower, 1)) == [4]

    run(scenario())


def test_without_followers_nothing_runs_and_with_many_one_task_does(database: Database) -> None:
    asked = 0

    class Counting(Feed):
        def head(self) -> int:
            nonlocal asked
            asked += 1
            return super().head()

    async def scenario() -> None:
        async with hub_on(database, feed=Counting(database), pace=QUICK._replace(poll=0.02)) as hub:
            idle = asyncio.all_tasks()
            async with AsyncExitStack() as stack:
                for _ in range(200):
                    await stack.enter_async_context(hub.following(ALL, KEY))
                assert len(asyncio.all_tasks() - idle) == 1
                began = asked
                await asyncio.sleep(0.2)
                assert 0 < asked - began <= 11
            while asyncio.all_tasks() != idle:
                await asyncio.sleep(0.01)
            ended = asked
            await asyncio.sleep(0.1)
            assert asked == ended
            # And it begins anew.
            async with hub.following(ALL, KEY) as follower:
                await commit(database, some_clicks(make_link(database)))
                assert len(await heard(follower, 1)) == 1

    run(scenario())


def test_who_is_slow_is_cut_off_and_comes_back_without_a_loss(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MOST_QUEUED", 20)
    monkeypatch.setattr(live, "BATCH", 10)
    link = make_link(database)

    async def scenario() -> None:
        async with hub_on(database) as hub, hub.following(ALL, KEY) as slow, hub.following(ALL, KEY) as quick:
            quickly = asyncio.create_task(heard(quick, 45))
            while hub.followers != [quick]:
                await commit(database, some_clicks(link, 5))
                await asyncio.sleep(0.01)
            found = await heard(slow, 1000)
            *clicks, end = found
            assert ids(clicks) == list(range(1, len(clicks) + 1))
            assert len(clicks) <= 20
            assert (end.name, end.data) == ("closed", {"reason": "slow"})
            assert await slow.take() is None
            await commit(database, some_clicks(link, 45))
            assert ids(await quickly) == list(range(1, 1 + len(quickly.result())))
            async with hub.following(ALL, KEY) as back:
                missed = live.missed(database, int(clicks[-1].id), back.position, ALL)
                assert [click.id for click in missed.clicks] == list(range(len(clicks) + 1, back.position + 1))

    run(scenario())


def test_more_than_are_allowed_are_refused_until_one_has_left(database: Database) -> None:
    async def scenario() -> None:
        async with hub_on(database, most=2) as hub, hub.following(ALL, KEY):
            async with hub.following(ALL, KEY):
                with pytest.raises(errors.LiveUnavailable, match="2 per worker"):
                    async with hub.following(ALL, KEY):
                        pass
            async with hub.following(ALL, KEY):
                assert len(hub.followers) == 2

    run(scenario())


def test_a_hub_that_stops_ends_every_stream_and_lets_none_begin(database: Database) -> None:
    async def scenario() -> None:
        async with hub_on(database) as hub, hub.following(ALL, KEY) as one, hub.following(ALL, KEY) as two:
            hub.stop()
            for follower in (one, two):
                (end,) = await heard(follower, 2)
                assert (end.name, end.data) == ("closed", {"reason": "stopping"})
            assert hub.followers == []
            with pytest.raises(errors.LiveUnavailable, match="stopping"):
                async with hub.following(ALL, KEY):
                    pass

    run(scenario())


def test_a_key_that_is_good_no_more_ends_its_streams_only(database: Database) -> None:
    good = {b"one", b"two"}

    def may_follow(key: bytes) -> bool:
        if key == b"unknowable":
            raise errors.DatabaseUnavailable
        return key in good

    async def scenario() -> None:
        pace = QUICK._replace(check=0.01)
        async with (
            hub_on(database, may_follow=may_follow, pace=pace) as hub,
            hub.following(ALL, b"one") as one,
            hub.following(ALL, b"two") as two,
            hub.following(ALL, b"unknowable") as unknowable,
        ):
            await asyncio.sleep(0.1)
            assert len(hub.followers) == 3
            good.remove(b"one")
            (end,) = await heard(one, 2)
            assert (end.name, end.data) == ("closed", {"reason": "key"})
            assert set(hub.followers) == {two, unknowable}

    run(scenario())


def test_the_silent_hear_that_the_stream_is_alive_and_how_far_it_is(database: Database) -> None:
    link, other = make_link(database), make_link(database)

    async def scenario() -> None:
        pace = QUICK._replace(beat=0.05)
        async with hub_on(database, pace=pace) as hub, hub.following(of(other), KEY) as follower:
            await commit(database, some_clicks(link, 3))
            reader = Reader()
            while reader.last_id != "3":
                piece = await follower.take()
                assert piece is not None
                assert reader.read(piece) == []
            assert reader.comments >= 1

    run(scenario())


def test_a_database_that_is_away_for_a_while(database: Database) -> None:
    link = make_link(database)
    is_away = True

    class Moody(Feed):
        def between(self, after: int, upto: int, wanted: Wanted) -> list[Any]:
            if is_away:
                raise errors.DatabaseUnavailable
            return super().between(after, upto, wanted)

    async def scenario() -> None:
        nonlocal is_away
        async with hub_on(database, feed=Moody(database)) as hub, hub.following(ALL, KEY) as follower:
            await commit(database, some_clicks(link, 2))
            await asyncio.sleep(0.05)
            is_away = False
            assert ids(await heard(follower, 2)) == [1, 2]

    run(scenario())


def test_a_database_that_cannot_be_asked_at_the_beginning(database: Database) -> None:
    class Away(Feed):
        def head(self) -> int:
            raise errors.DatabaseUnavailable

    async def scenario() -> None:
        async with hub_on(database, feed=Away(database)) as hub:
            with pytest.raises(errors.DatabaseUnavailable):
                async with hub.following(ALL, KEY):
                    pass
            assert hub.followers == []

    run(scenario())


def test_a_database_that_is_restored(database: Database) -> None:
    link = make_link(database)

    async def scenario() -> None:
        await commit(database, some_clicks(link, 3))
        async with hub_on(database) as hub, hub.following(ALL, KEY) as follower:
            with database.write() as connection:
                connection.execute(delete(click))
                connection.execute(update(drain_head).values(click_id=0))
            while hub._position:
                await asyncio.sleep(0.01)
            await commit(database, some_clicks(link))
            assert ids(await heard(follower, 1)) == [1]

    run(scenario())


@pytest.mark.parametrize("seed", range(5))
def test_whoever_comes_whenever_is_told_of_each_click_once(database: Database, seed: int) -> None:
    """People come and go while clicks are committed; what each is told begins at their position and has no hole."""
    dice = random.Random(seed)
    links = [make_link(database) for _ in range(3)]
    by_id: dict[int, int] = {}

    async def clicking() -> None:
        for _ in range(30):
            batch = [each for link in dice.choices(links, k=4) for each in some_clicks(link)]
            for each in batch:
                assert each.link_id is not None
                by_id[len(by_id) + 1] = each.link_id
            await commit(database, batch)

    async def come_and_go(hub: Hub, wanted: Wanted) -> None:
        await asyncio.sleep(dice.random() * 0.2)
        with suppress(errors.LiveUnavailable):  # it came too late
            await follow(hub, wanted)

    async def follow(hub: Hub, wanted: Wanted) -> None:
        async with hub.following(wanted, KEY) as follower:
            found = ids(await heard(follower, dice.randint(1, 8)))
            last = found[-1] if found else 0
            meant = [number for number, link_id in by_id.items() if wanted.links is None or link_id in wanted.links]
            assert found == [number for number in meant if follower.position < number <= last]

    async def scenario() -> None:
        async with hub_on(database) as hub:
            firefox = ALL._replace(filters=(filters.parse(Dimension.BROWSER, "Firefox"),))
            everybody = [ALL, firefox, *(of(link) for link in links)]
            going = [asyncio.create_task(come_and_go(hub, dice.choice(everybody))) for _ in range(20)]
            await clicking()
            # Those who came last would wait for ever.
            hub.stop()
            await asyncio.gather(*going)

    run(scenario())
