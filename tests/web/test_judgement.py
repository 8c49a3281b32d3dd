"""One judgement: `explain`, rules, limits and statistics say the same of every user agent."""

from types import SimpleNamespace
from typing import cast

import crawleruseragents
import pytest
from starlette.testclient import TestClient

from shortener.clicks import frame
from shortener.clicks.geo import Geo
from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.domain.click import ClickClass
from shortener.domain.query import Query
from shortener.web.clicks import Recorder, Request
from shortener.web.visitors import Facts, Visitors
from tests.conftest import FIREFOX
from tests.web.waiting import drained

pytestmark = pytest.mark.unmeasured

TARGET = "https://example.com/"
LINKS = "/api/v1/links"
#: Of the robots' list each so many-th instance is tried: the whole list takes a minute.
_EACH = 25

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def user_agents(agents: list[dict[str, str]], browsers: list[dict[str, str]]) -> list[str]:
    robots = [name for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for name in entry.get("instances", ())]
    named = [each["user_agent"] for each in (*agents, *browsers[::10])]
    return [
        *named,
        *(name for name in robots[::_EACH] if name.isascii() and name.isprintable() and name == name.strip()),
    ]


@pytest.fixture
def client_with_links(client: TestClient) -> TestClient:
    """An instance with a link that has a rule for each class, and one that has a limit."""
    rules = [
        {"conditions": [{"type": "visitor-class", "value": kind.label}], "target": TARGET + kind.label}
        for kind in ClickClass
    ]
    assert client.post(LINKS, json={"target": TARGET, "code": "ruled", "rules": rules}).status_code == 201
    assert client.post(LINKS, json={"target": TARGET, "code": "limited", "max_clicks": 10_000}).status_code == 201
    assert client.post(LINKS, json={"target": TARGET, "code": "plain"}).status_code == 201
    return client


@on_sqlite
def test_explain_rules_limits_and_statistics_agree(
    client_with_links: TestClient, agents: list[dict[str, str]], browsers: list[dict[str, str]]
) -> None:
    client = client_with_links
    tried = user_agents(agents, browsers)
    kinds = []
    for user_agent in tried:
        headers = {"user-agent": user_agent}
        kind = client.post(f"{LINKS}/ruled/explain", json={"user_agent": user_agent}).json()["visitor"]["class"]
        assert client.get("/ruled", headers=headers).headers["location"] == TARGET + kind, user_agent
        takes_slot = client.get("/limited", headers=headers).status_code == 302
        assert takes_slot is (kind == "human"), user_agent
        client.get("/plain", headers=headers)
        kinds.append(kind)
    drained(client)
    assert classes(client, "ruled") == classes(client, "plain") == sorted(kinds)
    assert classes(client, "limited") == ["human"] * kinds.count("human")


def classes(client: TestClient, code: str) -> list[str]:
    """The classes of the clicks of a link, as statistics count them."""
    every = ",".join(kind.label for kind in ClickClass)
    found = []
    for kind in every.split(","):
        totals = client.get(f"{LINKS}/{code}/stats", params={"class": kind}).json()["totals"]
        found += [kind] * totals["clicks"]
    return sorted(found)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({b"user-agent": FIREFOX.encode()}, ClickClass.HUMAN),
        ({b"user-agent": FIREFOX.encode(), b"sec-purpose": b"prefetch"}, ClickClass.HUMAN),
        ({b"user-agent": b"curl/8.5.0"}, ClickClass.BOT),
        ({}, ClickClass.BOT),
    ],
)
def test_a_click_carries_the_class_that_a_rule_has_seen_and_no_other(
    fields: dict[bytes, bytes], kind: ClickClass
) -> None:
    salts = SimpleNamespace(of=lambda _day: bytes(32))
    recorder = Recorder(cast(Spool, SimpleNamespace(waits=False)), cast(Salts, salts), ())
    request = Request(list(fields.items()), fields, "192.0.2.1", b"")
    facts = Facts(Visitors(Geo(None), lambda: bytes(16), ()).of(request), request, Query(""), 0)

    def carried() -> int:
        packed = recorder.pack(frame.pack_link(1, 2, "mine"), request, 0)
        assert packed is not None
        return frame.split(frame.body_of(packed)).click_class

    assert facts.os == facts.visitor.agent.os
    assert carried() == 0
    assert facts.click_class is kind
    assert carried() == kind
