"""Own traffic is redirected as any other and counted nowhere, at the edge and by the routes (test_equivalence)."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web.clicks import Request
from shortener.web.own_traffic import OwnTraffic
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX
from tests.server import eventually
from tests.web.waiting import drained

OWN = {
    "excluded_addresses": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
    "excluded_header": "X-Not-Counted=team",
    "excluded_parameter": "nostat",
}
PROXY = ip_network("10.0.0.0/8")
#: By name: query and headers of a visit that comes through a proxy.
THEIR_OWN: dict[str, tuple[str, dict[str, str]]] = {
    "an address": ("", {"x-forwarded-for": "192.0.2.77"}),
    "an address of the newer kind": ("", {"x-forwarded-for": "2001:db8:1::2"}),
    "an address written as one of the newer kind": ("", {"x-forwarded-for": "::ffff:192.0.2.77"}),
    "an address that several proxies name": ("", {"x-forwarded-for": "8.8.4.4, 192.0.2.77, 10.9.9.9"}),
    "a header": ("", {"x-not-counted": "team"}),
    "a parameter": ("?nostat", {}),
    "a parameter with a value": ("?a=b&nostat=1&c=d", {}),
    "a header beside a wish not to be tracked": ("", {"x-not-counted": "team", "dnt": "1"}),
}
OTHERS: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("", {}),
    "another address": ("", {"x-forwarded-for": "192.0.3.1"}),
    "an address that no trusted proxy vouches for": ("", {"x-forwarded-for": "192.0.2.77, 8.8.4.4"}),
    "the header with another value": ("", {"x-not-counted": "somebody"}),
    "a parameter that begins like it": ("?nostatistics=1&xnostat=2", {}),
    "a parameter with that value": ("?a=nostat", {}),
}


on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings.model_copy(update={**OWN, "trusted_proxies": (PROXY,)}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(app, follow_redirects=False, headers=headers, client=("10.1.2.3", 50000)) as opened:
        yield opened


def make(client: TestClient, code: str, **fields: Any) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": code, **fields})
    assert made.status_code == 201, made.text


def counted(client: TestClient, path: str = "/links/x") -> int:
    params = {"interval": "24h", "class": "human,bot,prefetch,preview,monitor"}
    return int(client.get(f"/api/v1{path}/stats", params=params).json()["totals"]["clicks"])


@on_sqlite
def test_visits_of_their_own_are_not_counted(client: TestClient) -> None:
    make(client, "x")
    answers = [client.get(f"/x{query}", headers=headers) for query, headers in THEIR_OWN.values() for _ in range(2)]
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(302, "https://example.com/")}
    drained(client)
    assert counted(client) == 0
    for number, (name, (query, headers)) in enumerate(OTHERS.items(), 1):
        assert client.get(f"/x{query}", headers=headers).status_code == 302
        drained(client)
        assert counted(client) == number, name


@on_sqlite
def test_nor_are_they_orphans(client: TestClient) -> None:
    assert client.get("/nothing?nostat").status_code == 404
    assert client.get("/nowhere").status_code == 404
    drained(client)
    assert [found["path"] for found in client.get("/api/v1/orphans").json()["data"]] == ["/nowhere"]


@on_sqlite
def test_of_a_limit_they_take_a_slot(client: TestClient) -> None:
    """As visits to links that are not tracked do: a limit is about who is let through."""
    make(client, "few", max_clicks=2)
    assert client.get("/few?nostat").status_code == 302
    assert client.get("/few").status_code == 302
    assert client.get("/few?nostat").status_code == 410
    eventually(lambda: counted(client, "/links/few") == 1)


def test_a_header_of_any_value() -> None:
    own = OwnTraffic((), "X-Not-Counted", None, ())
    for value, expected in ((b"", True), (b"x", True), (None, False)):
        headers = [] if value is None else [(b"x-not-counted", value)]
        assert own.takes_in(Request(headers, dict(headers), "", b"")) is expected


def test_visitors_are_remembered_in_bounds() -> None:
    own = OwnTraffic((ip_network("192.0.2.0/24"),), None, None, (PROXY,))
    headers = [(b"x-forwarded-for", b"9, " * 1000 + b"192.0.2.1")]
    for _ in range(2):
        assert own.takes_in(Request(headers, dict(headers), "10.1.1.1", b""))
    assert own._remembered.cache_info().currsize == 0
    for number in range(2000):
        assert not own.takes_in(Request([], {}, f"198.51.{number // 250}.{number % 250}", b""))
    assert own._remembered.cache_info().currsize == 512
    assert not own.takes_in(Request([], {}, "", b""))


@on_sqlite
def test_nothing_stands_in_the_way_where_nothing_is_set(settings: Settings) -> None:
    with Client(create_app(settings)) as opened:
        recorder = opened.app.state.parts.recorder  # type: ignore[attr-defined]
        assert type(recorder).__name__ == "Recorder"
