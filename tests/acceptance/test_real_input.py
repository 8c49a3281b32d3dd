"""Real addresses and real browsers against a real server: every Location byte for byte, every click counted."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.addresses import ACCEPTED, REFUSED
from tests.conftest import DATA
from tests.server import Server, eventually
from tests.sizes import nightly, size

#: How the user agents of the test data name themselves, the most telling mark first.
BROWSER_MARKS = (
    ("EdgA/", "Edge Mobile"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera Touch"),
    ("SamsungBrowser/", "Samsung Internet"),
    # A shortened form of it in the data is not known to ua-parser, so it cannot be counted by its mark.
    ("FxiOS/", ""),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome Mobile iOS"),
)


@pytest.fixture
def api(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as client:
        yield client


def addresses() -> list[str]:
    return (DATA / "urls.txt").read_text().splitlines()


def stats(api: httpx2.Client, path: str = "", **params: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1{path}/stats", params={"interval": "24h", "limit": "1000", **params})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def breakdown(api: httpx2.Client, path: str = "", **params: str) -> dict[str, int]:
    answer = stats(api, path, **params)
    assert sum(row["clicks"] for row in answer["data"]) + answer["other"]["clicks"] == answer["totals"]["clicks"]
    return {row["value"]: row["clicks"] for row in answer["data"]}


@nightly
def test_every_address_every_browser(server: Server, api: httpx2.Client, browsers: list[dict[str, str]]) -> None:
    dice = random.Random(7)
    targets = dice.sample(addresses(), size(300, 4876))
    with ThreadPoolExecutor(8) as pool:
        links = list(pool.map(lambda target: api.post("/api/v1/links", json={"target": target}).json(), targets))
    weights = [int(browser["weight"]) for browser in browsers]
    visits = dice.choices(browsers, weights, k=len(links))
    with httpx2.Client(base_url=server.url, trust_env=False) as visitor:
        for link, browser in zip(links, visits, strict=True):
            answer = visitor.get(f"/{link['code']}", headers={"user-agent": browser["user_agent"]})
            assert answer.status_code == 302
            location = dict(answer.headers.raw)[b"location"]
            assert location == link["target"].encode(), link

    eventually(lambda: stats(api)["totals"]["clicks"] >= len(visits))
    assert stats(api)["totals"]["clicks"] == len(visits)
    assert breakdown(api, group_by="device") == Counter(browser["device"] for browser in visits)
    assert set(breakdown(api, group_by="code").values()) == {1}
    check_browsers(breakdown(api, group_by="browser"), visits)
    for link in dice.sample(links, 50):
        assert stats(api, f"/links/{link['code']}")["totals"]["clicks"] == 1
    codes = {link["code"] for link in links}
    assert [link["clicks"] for link in every_link(api) if link["code"] in codes] == [1] * len(links)


def check_browsers(counted: dict[str, int], visits: list[dict[str, str]]) -> None:
    """Every browser that can be told by a mark of its own is counted as often as it came."""
    sent: Counter[str] = Counter()
    for browser in visits:
        agent = browser["user_agent"]
        name = next((name for mark, name in BROWSER_MARKS if mark in agent), "")
        sent["Firefox Mobile" if name == "Firefox" and "Mobile" in agent else name] += 1
    del sent[""]
    assert sent
    for name, clicks in sent.items():
        assert counted.get(name) == clicks, name


def every_link(api: httpx2.Client) -> list[dict[str, Any]]:
    """All links, page by page."""
    links: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api.get("/api/v1/links", params={"limit": 200, **({"cursor": cursor} if cursor else {})}).json()
        links += page["data"]
        cursor = page["next"]
        if cursor is None:
            assert len({link["code"] for link in links}) == len(links)
            return links


@pytest.mark.parametrize(("raw", "stored"), ACCEPTED)
def test_addresses_that_are_accepted(server: Server, api: httpx2.Client, raw: str, stored: str) -> None:
    made = api.post("/api/v1/links", json={"target": raw})
    assert made.status_code == 201, made.text
    assert made.json()["target"] == stored
    answer = api.get(f"/{made.json()['code']}")
    assert dict(answer.headers.raw)[b"location"] == stored.encode()


@pytest.mark.parametrize(("raw", "code"), REFUSED)
def test_addresses_that_are_refused(api: httpx2.Client, raw: str, code: str) -> None:
    # Not by the client's encoder, which cannot write a lone surrogate.
    body = json.dumps({"target": raw}).encode()
    answer = api.post("/api/v1/links", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["field"] == "target"


def test_the_own_address_is_refused(server: Server, api: httpx2.Client) -> None:
    for target in (
        f"{server.url}/x",
        server.url.replace("localhost", "LOCALHOST"),
        server.url.replace("localhost", "127.1"),
    ):
        answer = api.post("/api/v1/links", json={"target": target})
        assert (answer.status_code, answer.json()["code"]) == (422, "target-own-host"), target


def test_a_second_start_still_has_the_link_and_its_clicks(tmp_path: Path) -> None:
    """Killed, not stopped: whatever was answered is counted after the restart."""
    server = Server(tmp_path)
    with server.client(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0") as api:
        code = api.post("/api/v1/links", json={"target": "https://example.com/"}).json()["code"]
        for _ in range(500):
            assert api.get(f"/{code}").status_code == 302
    server.kill()
    server.start()
    with server, server.client() as api:
        eventually(lambda: stats(api, f"/links/{code}")["totals"]["clicks"] >= 500)
        assert stats(api, f"/links/{code}")["totals"]["clicks"] == 500
        assert api.get(f"/{code}").status_code == 302
