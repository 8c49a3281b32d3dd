"""/api/v1/live and /api/v1/links/{code}/live: what is refused, what is missed and told again, and how a stream ends.

An answer without an end is asked for as a server does, since test clients wait for the whole of it.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.services import live
from shortener.services.live import Feed
from shortener.storage.engine import Database
from shortener.storage.live import Wanted
from shortener.web.live import Hub, Pace
from shortener.web.middleware import HeadAsGet, Observed
from shortener.web.streams import EventStream
from tests.clicks import BOT, click_on, drain, make_link, random_click, some_filters
from tests.conftest import ENGINES
from tests.events import Event, Reader, ids
from tests.web.refusals import CODE, Instance, Wrong, assert_problem, assert_refused, instance_on

LIVE = "/api/v1/live"
LINK_LIVE = f"/api/v1/links/{CODE}/live"
HUMANS = frozenset({ClickClass.HUMAN})
ALL = Wanted(None, HUMANS)
PATIENCE = 10.0


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with instance_on(request.param, tmp_path_factory.mktemp("live"), request) as opened:
        yield opened


BAD_IDS = {
    "word": "none",
    "minus": "-1",
    "plus": "%2B1",
    "float": "1.0",
    "underscore": "1_0",
    "space": "%201",
    "other-digits": "%D9%A1",
    "nineteen-digits": "1" * 19,
    "long": "1" * 5000,
    "nul": "%00",
}


@pytest.mark.parametrize("text", BAD_IDS.values(), ids=BAD_IDS.keys())
@pytest.mark.parametrize("path", [LIVE, LINK_LIVE])
def test_bad_ids(instance: Instance, path: str, text: str) -> None:
    response = instance.send("GET", f"{path}?last_event_id={text}")
    assert_refused(response, Wrong("last_event_id", "event-id-invalid"))


@pytest.mark.parametrize("raw", [b"none", b"-1", b"\xb2", b"1 2", b"0x10"])
def test_bad_headers(instance: Instance, raw: bytes) -> None:
    headers = [(b"last-event-id", raw)]
    response = instance.send("GET", LIVE, headers=headers)
    assert_refused(response, Wrong("Last-Event-ID", "event-id-invalid"))
    # A good parameter does not make up for it.
    response = instance.send("GET", f"{LIVE}?last_event_id=1", headers=headers)
    assert_refused(response, Wrong("Last-Event-ID", "event-id-invalid"))


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        pytest.param("class=none", Wrong("class", "unknown-class"), id="class"),
        pytest.param("class=", Wrong("class", "unknown-class"), id="no-class"),
        pytest.param("class=" + "human," * 50, Wrong("class", "string-too-long"), id="classes"),
        pytest.param("borwser=Firefox", Wrong("borwser", "unknown-parameter"), id="filter-that-there-is-not"),
        pytest.param("interval=7d", Wrong("interval", "unknown-parameter"), id="period"),
        pytest.param("os=" + ",".join(map(str, range(101))), Wrong("os", "too-many-values"), id="values"),
        pytest.param("os=" + "x" * 513, Wrong("os", "value-too-long"), id="long-value"),
        pytest.param("os=%00", Wrong("os", "forbidden-character"), id="nul"),
    ],
)
@pytest.mark.parametrize("path", [LIVE, LINK_LIVE])
def test_bad_queries(instance: Instance, path: str, query: str, wrong: Wrong) -> None:
    assert_refused(instance.send("GET", f"{path}?{query}"), wrong)


def test_links_that_are_not_there(instance: Instance) -> None:
    assert_problem(instance.send("GET", "/api/v1/links/nobodys/live"), "link-not-found")
    assert_problem(instance.send("GET", f"{LINK_LIVE}?domain=other.example"), "link-not-found")
    assert_refused(instance.send("GET", f"{LINK_LIVE}?domain=-"), Wrong("domain", "domain-invalid"))


def test_other_methods(instance: Instance) -> None:
    assert_problem(instance.send("POST", LIVE), "method-not-allowed")


@pytest.mark.parametrize("path", [LIVE, LINK_LIVE])
def test_head_ends_at_once_and_leaves_nobody(instance: Instance, path: str) -> None:
    response = instance.send("HEAD", path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "private, no-store"
    assert "content-length" not in response.headers
    assert instance.client.app.state.parts.live.followers == []  # type: ignore[attr-defined]


def test_nobody_follows_an_application_that_does_not_run(client: TestClient) -> None:
    parts = client.app.state.parts  # type: ignore[attr-defined]
    hub, parts.live = parts.live, None
    response = client.get(LIVE)
    parts.live = hub
    assert_problem(response, "live-unavailable")
    assert response.headers["retry-after"] == "2"


def test_more_than_are_allowed(client: TestClient) -> None:
    client.app.state.parts.live._most = 0  # type: ignore[attr-defined]
    response = client.get(LIVE)
    assert_problem(response, "live-unavailable")
    assert response.headers["retry-after"] == "2"


def test_the_description_shows_events(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/api/v1/live", "/api/v1/links/{code}/live"):
        media = paths[path]["get"]["responses"]["200"]["content"]
        assert list(media) == ["text/event-stream"]
        (click,) = Reader().read(media["text/event-stream"]["example"].encode())
        assert (click.name, click.data["code"]) == ("click", "menu")


# Missed clicks.


def test_missed_clicks_are_told_in_order(database: Database) -> None:
    one, two = make_link(database), make_link(database)
    now_ms = time.time_ns() // 1_000_000
    drain(database, [click_on(link, now_ms) for link in (one, two, one)] + [click_on(one, now_ms, user_agent=BOT)])
    for wanted, expected in {
        ALL: [1, 2, 3],
        Wanted(frozenset({one.id}), HUMANS): [1, 3],
        Wanted(frozenset({one.id}), frozenset(ClickClass)): [1, 3, 4],
        Wanted(frozenset({two.id}), frozenset({ClickClass.BOT})): [],
    }.items():
        found = live.missed(database, 0, 4, wanted)
        assert ([click.id for click in found.clicks], found.left_out) == (expected, 0)
    assert [click.id for click in live.missed(database, 1, 2, ALL).clicks] == [2]


def test_missed_clicks_are_those_that_would_have_been_told(database: Database) -> None:
    """What the database lets through of what was missed is what the hub lets through of what comes."""
    links = [make_link(database) for _ in range(2)]
    dice = random.Random(6)
    now_ms = time.time_ns() // 1_000_000
    drain(database, [random_click(dice.choice(links), now_ms, 1, dice) for _ in range(200)])
    everyone = Wanted(None, frozenset(ClickClass))
    every = live.missed(database, 0, 200, everyone).clicks
    assert len(every) == 200
    found = set()
    for _ in range(100):
        wanted = everyone._replace(filters=some_filters(dice))
        missed = live.missed(database, 0, 200, wanted)
        expected = [click for click in every if wanted.means(click.click_class, click.values)]
        assert (missed.clicks, missed.left_out) == (expected, 0)
        found.add(len(expected))
    assert len(found) > 10


def test_of_many_that_pass_the_newest_are_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_MISSED", 2)
    link = make_link(database)
    drain(database, [click_on(link, 0, language=language) for language in ("de", "en") * 5])
    german = ALL._replace(filters=(Filter(Dimension.LANGUAGE, frozenset({"de"}), False),))
    found = live.missed(database, 0, 10, german)
    assert ([click.id for click in found.clicks], found.left_out) == ([7, 9], 3)


@pytest.mark.parametrize("after", [3, 4, 10**17])
def test_who_has_seen_all_or_more_has_missed_nothing(database: Database, after: int) -> None:
    drain(database, [click_on(make_link(database), 0)] * 3)
    assert live.missed(database, after, 3, ALL) == live.Missed([], 0)


def test_of_many_the_newest_are_told_and_how_many_are_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_MISSED", 3)
    one, two = make_link(database), make_link(database)
    drain(database, [click_on(link, 0) for link in (one, two) * 5])
    of_one = Wanted(frozenset({one.id}), HUMANS)
    for wanted, after, expected, left_out in (
        (ALL, 0, [8, 9, 10], 7),
        (ALL, 7, [8, 9, 10], 0),
        (ALL, 6, [8, 9, 10], 1),
        (of_one, 0, [5, 7, 9], 2),
        (of_one, 4, [5, 7, 9], 0),
    ):
        found = live.missed(database, after, 10, wanted)
        assert ([click.id for click in found.clicks], found.left_out) == (expected, left_out)
    # So many that they are not even counted.
    monkeypatch.setattr(live, "MOST_LOOKED_THROUGH", 5)
    found = live.missed(database, 4, 10, of_one)
    assert ([click.id for click in found.clicks], found.left_out) == ([7, 9], None)


# A stream, as a server asks for it.


class Connection:
    """One request, by a client that takes what it gets."""

    def __init__(self, app: Callable[..., Coroutine[Any, Any, None]], method: str = "GET") -> None:
        self.reader = Reader()
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self.scope: dict[str, Any] = {"type": "http", "method": method, "path": LIVE, "headers": [], "state": {}}
        self._gone = asyncio.Event()
        self._heard = asyncio.Condition()
        self.task = asyncio.create_task(app(self.scope, self._receive, self._send))

    def leave(self) -> None:
        self._gone.set()

    async def until(self, holds: Callable[["Connection"], object]) -> None:
        async with asyncio.timeout(PATIENCE), self._heard:
            await self._heard.wait_for(lambda: holds(self))

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        async with self._heard:
            self.messages.append(message)
            self.events += self.reader.read(message.get("body", b""))
            self._heard.notify_all()


def stream(hub: Hub, database: Database, after: int | None = None) -> EventStream:
    return EventStream(hub, database, ALL, b"key", after)


def quick_hub(database: Database) -> Hub:
    return Hub(Feed(database), lambda _: True, 10, Pace(poll=0.005))


def test_a_stream_from_its_beginning_to_its_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_MISSED", 2)
    link = make_link(database)
    drain(database, [click_on(link, 0)] * 5)

    async def scenario() -> None:
        hub = quick_hub(database)
        connection = Connection(stream(hub, database, after=1))
        await connection.until(lambda it: it.reader.last_id == "5")
        start, body = connection.messages[:2]
        assert (start["type"], start["status"]) == ("http.response.start", 200)
        headers = dict(start["headers"])
        assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert headers[b"x-accel-buffering"] == b"no"
        assert b"content-length" not in headers
        assert body["body"].startswith(b"retry: 3000\n\n")
        gap, *missed = connection.events
        assert (gap.name, gap.data) == ("gap", {"clicks": 2})
        assert ids(missed) == [4, 5]
        await asyncio.to_thread(drain, database, [click_on(link, 0)] * 2)
        await connection.until(lambda it: len(it.events) == 5)
        assert ids(connection.events) == [4, 5, 6, 7]
        hub.stop()
        await asyncio.wait_for(connection.task, PATIENCE)
        assert connection.events[-1].name == "closed"
        assert connection.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        assert hub.followers == []
        await hub.close()

    asyncio.run(scenario())


def test_a_client_that_leaves_leaves_nothing_behind(database: Database) -> None:
    async def scenario() -> None:
        hub = quick_hub(database)
        before = asyncio.all_tasks()
        connection = Connection(stream(hub, database))
        await connection.until(lambda it: it.reader.last_id == "0")
        assert len(hub.followers) == 1
        connection.leave()
        await asyncio.wait_for(connection.task, PATIENCE)
        assert hub.followers == []
        await hub.close()
        assert asyncio.all_tasks() == before

    asyncio.run(scenario())


def test_a_request_that_is_given_up_leaves_nothing_behind(database: Database) -> None:
    async def scenario() -> None:
        hub = quick_hub(database)
        connection = Connection(stream(hub, database))
        await connection.until(lambda it: it.reader.last_id == "0")
        connection.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connection.task
        assert hub.followers == []
        await hub.close()

    asyncio.run(scenario())


def test_the_time_of_an_endless_answer_is_that_until_it_begins(database: Database) -> None:
    def seconds() -> float:
        from shortener import metrics

        return metrics.REQUEST_SECONDS.labels("none")._sum.get()  # type: ignore[no-any-return]

    async def scenario() -> None:
        hub = quick_hub(database)
        before = seconds()
        connection = Connection(Observed(stream(hub, database)))
        await connection.until(lambda it: it.reader.last_id == "0")
        began = time.perf_counter()
        while time.perf_counter() < began + 0.5:
            await asyncio.sleep(0.05)
        connection.leave()
        await asyncio.wait_for(connection.task, PATIENCE)
        assert seconds() - before < 0.4
        await hub.close()

    asyncio.run(scenario())


def test_whoever_asks_by_head_gets_one_end(database: Database) -> None:
    """Whatever is sent after that would be a fault to a server."""

    async def scenario() -> None:
        hub = quick_hub(database)
        connection = Connection(HeadAsGet(stream(hub, database, after=None), {"api"}), "HEAD")
        await connection.until(lambda it: len(it.messages) == 2)
        assert connection.messages[1] == {"type": "http.response.body", "body": b""}
        await asyncio.to_thread(drain, database, [click_on(make_link(database), 0)])
        connection.leave()
        await asyncio.wait_for(connection.task, PATIENCE)
        assert len(connection.messages) == 2
        await hub.close()

    asyncio.run(scenario())


def test_every_dimension_is_in_an_event(database: Database) -> None:
    link = make_link(database, "menu")
    facts = {"referrer": "https://a.example", "language": "de", "utm": {"utm_source": "mail"}, "visitor_hash": 7}
    drain(database, [click_on(link, time.time_ns() // 1_000_000, **facts)] * 2)
    first, second = (json.loads(_data(click)) for click in live.missed(database, 0, 2, ALL).clicks)
    assert set(first) == {"time", "domain", "class", "unique", *(dimension.label for dimension in Dimension)}
    expected = {"code": "menu", "referrer": "a.example", "language": "de", "utm_source": "mail", "browser": "Firefox"}
    assert expected.items() <= first.items()
    assert (first["unique"], second["unique"]) == (True, False)
    assert (first["domain"], first["class"], first["variant"]) == ("", "human", None)


def _data(click: Any) -> str:
    return json.dumps(live.described(click))
