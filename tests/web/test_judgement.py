"""One judgement: `explain`, rules, limits and statistics say the same of every user agent."""

import crawleruseragents
import pytest
from starlette.testclient import TestClient

from shortener.domain.click import ClickClass
from tests.web.waiting import drained

TARGET = "https://example.com/"
LINKS = "/api/v1/links"
#: Of the robots' list each so many-th instance is tried: the whole list takes a minute.
_EACH = 25

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


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
