"""What is kept of the page that led here, as `SHORTENER_REFERRER_URL` says, by the canonical routes.

The edge does the same (test_equivalence, acceptance/test_referrers).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX
from tests.server import eventually
from tests.web.waiting import drained

ARTICLE = "https://bob:secret@www.News.example:8443/article/1?user=bob#end"
#: What is sent, and what then is the referrer: its host; its address by what is kept.
SENT: dict[str, tuple[dict[str, str], str | None, dict[str, str | None]]] = {
    "a page": (
        {"referer": ARTICLE},
        "news.example",
        {"origin": "https://www.News.example:8443", "page": "https://www.News.example:8443/article/1"},
    ),
    "no more than an origin": (
        {"referer": "https://news.example/"},
        "news.example",
        dict.fromkeys(["origin", "page"], "https://news.example"),
    ),
    "an app": (
        {"referer": "android-app://org.example/inbox"},
        "org.example",
        {"origin": "android-app://org.example", "page": "android-app://org.example/inbox"},
    ),
    "a page too long to be remembered": (
        {"referer": f"https://news.example/{'a' * 2000}"},
        "news.example",
        {"origin": "https://news.example", "page": f"https://news.example/{'a' * 491}"},
    ),
    "nothing": ({}, None, dict.fromkeys(["origin", "page"])),
    "nonsense": ({"referer": "/article?to=https://x.example/"}, None, dict.fromkeys(["origin", "page"])),
    "a file": ({"referer": "file:///home/bob/letter"}, None, dict.fromkeys(["origin", "page"])),
    "a wish not to be tracked": ({"referer": ARTICLE, "sec-gpc": "1"}, None, dict.fromkeys(["origin", "page"])),
}
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
#: Who leaves out visits of their own has another recorder.
with_own_traffic = pytest.mark.parametrize("own", [{}, {"excluded_parameter": "nostat"}], ids=["all", "but-ours"])


@pytest.fixture(params=["origin", "page"])
def kept(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def own() -> dict[str, str]:
    return {}


@pytest.fixture
def app(settings: Settings, kept: str, own: dict[str, str]) -> FastAPI:
    return create_app(settings.model_copy(update={"referrer_url": kept, **own}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(app, follow_redirects=False, headers=headers, base_url="https://go.example") as opened:
        yield opened


def make(client: TestClient, code: str, **fields: Any) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": code, **fields})
    assert made.status_code == 201, made.text


def clicks_of(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Oldest first."""
    found: list[dict[str, Any]] = client.get(f"/api/v1{path}/clicks").json()["data"]
    return found[::-1]


def rows(client: TestClient, group_by: str, **asked: str) -> dict[str | None, int]:
    answer = client.get("/api/v1/links/x/stats", params={"group_by": group_by, "interval": "24h", **asked}).json()
    return {row["value"]: row["clicks"] for row in answer["data"]}


@with_own_traffic
@on_sqlite
def test_every_referrer_is_kept_as_the_setting_says(client: TestClient, kept: str) -> None:
    make(client, "x")
    for sent, _, _ in SENT.values():
        assert client.get("/x", headers=sent).status_code == 302
    drained(client)
    found = [(click["referrer"], click["referrer_url"]) for click in clicks_of(client, "/links/x")]
    assert dict(zip(SENT, found, strict=True)) == {name: (host, url[kept]) for name, (_, host, url) in SENT.items()}


@on_sqlite
def test_hosts_are_grouped_and_addresses_apart(client: TestClient, kept: str) -> None:
    make(client, "x")
    for page in ("/a?user=bob", "/a?user=eve", "/b"):
        assert client.get("/x", headers={"referer": f"https://news.example{page}"}).status_code == 302
    drained(client)
    assert rows(client, "referrer") == {"news.example": 3}
    pages = {"https://news.example/a": 2, "https://news.example/b": 1}
    assert rows(client, "referrer_url") == ({"https://news.example": 3} if kept == "origin" else pages)
    only = rows(client, "referrer", referrer_url="https://news.example/a")
    assert only == ({} if kept == "origin" else {"news.example": 2})


@with_own_traffic
@on_sqlite
def test_clicks_of_every_kind_are_kept_alike(client: TestClient, kept: str) -> None:
    """Those that wait in the inbox, those behind a password, and those on unknown codes."""
    make(client, "few", max_clicks=1)
    make(client, "locked", password="open sesame")
    referer = {"referer": ARTICLE}
    assert client.get("/few", headers=referer).status_code == 302
    assert client.get("/locked", headers={**referer, "x-link-password": "open sesame"}).status_code == 302
    assert client.get("/nowhere", headers=referer).status_code == 404
    drained(client)
    url = SENT["a page"][2][kept]
    for path in ("/links/few", "/links/locked", "/orphans"):
        eventually(lambda asked=path: bool(clicks_of(client, asked)))  # type: ignore[misc]
        assert [(c["referrer"], c["referrer_url"]) for c in clicks_of(client, path)] == [("news.example", url)], path


#: By name: the page that led here, the Host header, and the referrer.
OWN_PAGES = {
    "the form of a password": ("https://go.example/x", "go.example", None),
    "the default port of another scheme": ("http://go.example/x", "go.example", None),
    "in capitals": ("https://GO.example/x", "go.example", None),
    "a domain": ("https://brand.example/x", "go.example", None),
    "the host that is asked, though not configured": ("http://10.0.0.7:8000/x", "10.0.0.7:8000", None),
    "another host than the one that is asked": ("http://10.0.0.8/x", "10.0.0.7", "10.0.0.8"),
    "another port": ("https://go.example:8443/x", "go.example", "go.example"),
    "a subdomain": ("https://blog.go.example/x", "go.example", "blog.go.example"),
    "a host that begins like it": ("https://go.example.net/x", "go.example", "go.example.net"),
    "an app": ("android-app://go.example/x", "go.example", "go.example"),
    "a page too long to be remembered": (f"https://go.example/{'a' * 2000}", "go.example", None),
}


@with_own_traffic
@on_sqlite
def test_a_page_of_our_own_is_no_referrer(client: TestClient, kept: str) -> None:
    make(client, "x")
    # Before there is such a domain it is another site.
    sent = {"referer": "https://brand.example/x"}
    assert client.get("/x", headers=sent).status_code == 302
    assert client.post("/api/v1/domains", json={"name": "brand.example"}).status_code == 201
    parts = client.app.state.parts  # type: ignore[attr-defined]
    eventually(lambda: "brand.example" in parts.domains.names)
    for page, host, _ in OWN_PAGES.values():
        assert client.get("/x", headers={"referer": page, "host": host}).status_code == 302
    drained(client)
    found = [(click["referrer"], click["referrer_url"] is not None) for click in clicks_of(client, "/links/x")]
    assert found[0] == ("brand.example", True)
    expected = {name: (referrer, referrer is not None) for name, (_, _, referrer) in OWN_PAGES.items()}
    assert dict(zip(OWN_PAGES, found[1:], strict=True)) == expected
