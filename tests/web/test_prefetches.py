"""Prefetches of short links: refused before anything is looked up, and neither visits, clicks nor errors."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web.prefetches import STATUS
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX
from tests.web.waiting import drained

TARGET = "https://example.com/sale"
PREFETCH = {"sec-purpose": "prefetch"}
CLASSES = "human,bot,preview,prefetch,monitor"
#: By name: what browsers say of a prefetch.
ANNOUNCED = {
    "prefetch": PREFETCH,
    "prerender": {"sec-purpose": "prefetch;prerender"},
    "by a proxy": {"sec-purpose": "prefetch;anonymous-client-ip"},
    "in capitals": {"sec-purpose": "Prefetch"},
    "an older header": {"purpose": "prefetch"},
    "a preview": {"purpose": "preview"},
    "Firefox's": {"x-moz": "prefetch"},
    "Safari's and Facebook's": {"x-purpose": "preview"},
    "two headers, the second of which says it": {"sec-purpose": "navigate", "x-moz": "prefetch"},
}
#: By name: what is no prefetch.
NOT_ANNOUNCED: dict[str, dict[str, str]] = {
    "nothing": {},
    "another purpose": {"sec-purpose": "navigate"},
    "an empty one": {"sec-purpose": "", "purpose": "", "x-moz": "", "x-purpose": ""},
}
#: By name: fields of a link, and what stands behind its code.
LINKS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "a plain link": ({}, ""),
    "a link with a slash behind it": ({}, "/"),
    "a link with a query": ({"forward_query": True}, "?a=1&b=%2F"),
    "a link with a path": ({"forward_path": True}, "/more/than%20this"),
    "a link without such a path": ({}, "/more"),
    "a link with a password": ({"password": "open sesame"}, ""),
    "a link with one slot": ({"max_clicks": 1}, ""),
    "a link with one slot for programs too": ({"max_clicks": 1, "admit_programs": True}, ""),
    "a link with rules": (
        {"rules": [{"conditions": [{"type": "visitor-class", "value": "human"}], "target": "https://example.com/r"}]},
        "",
    ),
    "a permanent link": ({"status": 301}, ""),
    "a link that keeps the method": ({"status": 308}, ""),
    "a disabled link": ({"enabled": False}, ""),
    "a link that has not begun": ({"valid_from": "2090-01-01T00:00:00Z"}, ""),
    "an unknown code": (None, ""),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("prefetches")
    shutil.copy(sqlite_template, folder / "shortener.db")
    settings = Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, base_url="https://go.example")
    headers = {**AUTHORIZED, "user-agent": FIREFOX, "accept": "text/html"}
    with Client(
        create_app(settings), follow_redirects=False, headers=headers, base_url="https://go.example"
    ) as opened:
        yield opened


def create(client: TestClient, **fields: Any) -> str:
    """The path of a new link."""
    answer = client.post("/api/v1/links", json={"target": TARGET, **fields})
    assert answer.status_code == 201, answer.text
    return f"/{answer.json()['code']}"


def clicks(client: TestClient, path: str) -> int:
    drained(client)
    answer = client.get(f"/api/v1/links{path}/stats", params={"class": CLASSES})
    count: int = answer.json()["totals"]["clicks"]
    return count


def metric(client: TestClient, name: str) -> float:
    """The sum over all labels of `name` whose line contains it."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"shortener_{name}"))


def assert_refused(answer: httpx2.Response, address: str) -> None:
    assert answer.status_code == STATUS == 503
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {"location", "set-cookie", "retry-after"}.isdisjoint(answer.headers)
    links = re.findall(r'<a href="([^"]*)" rel="nofollow">', answer.text)
    assert [unescape(link) for link in links] == [address]
    assert "example.com" not in answer.text


@pytest.mark.parametrize("announced", ANNOUNCED.values(), ids=list(ANNOUNCED))
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_prefetch_is_refused(client: TestClient, announced: dict[str, str], accept: str) -> None:
    path = create(client)
    assert_refused(client.get(path, headers={**announced, "accept": accept}), path)


@pytest.mark.parametrize("said", NOT_ANNOUNCED.values(), ids=list(NOT_ANNOUNCED))
def test_what_is_no_prefetch_is_redirected(client: TestClient, said: dict[str, str]) -> None:
    assert client.get(create(client), headers=said).headers["location"] == TARGET


@pytest.mark.parametrize(("fields", "behind"), LINKS.values(), ids=list(LINKS))
def test_it_is_refused_before_anything_is_looked_up(
    client: TestClient, fields: dict[str, Any] | None, behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ("/nobodys" if fields is None else create(client, **fields)) + behind
    with monkeypatch.context() as patched:
        patched.setattr(client.app.state.parts.lookup, "find", None)  # type: ignore[attr-defined]
        assert_refused(client.get(path, headers=PREFETCH), path)


def test_the_person_comes_after_it_and_is_counted_once(client: TestClient) -> None:
    path = create(client, max_clicks=1)
    for _ in range(3):
        assert_refused(client.get(path, headers=PREFETCH), path)
    assert client.get(path).headers["location"] == TARGET


@pytest.mark.parametrize("fields", [{}, {"rules": [{"conditions": [], "target": TARGET}]}, {"status": 301}])
def test_it_is_not_a_click(client: TestClient, fields: dict[str, Any]) -> None:
    path = create(client, **fields)
    client.get(path, headers=PREFETCH)
    assert clicks(client, path) == 0
    assert client.get(path).headers["location"] == TARGET
    assert clicks(client, path) == 1


def test_an_unknown_code_is_not_an_orphan_click(client: TestClient) -> None:
    def orphans() -> int:
        drained(client)
        count: int = client.get("/api/v1/orphans/stats", params={"class": CLASSES}).json()["totals"]["clicks"]
        return count

    before = orphans()
    client.get("/nobodys", headers=PREFETCH)
    assert orphans() == before


def test_it_has_a_metric_of_its_own_and_is_no_error(client: TestClient) -> None:
    path = create(client)
    names = ("prefetches_total", "visits_total", 'requests_total{route="/{code}",status="503"}')
    others = 'requests_total{route="/{code}",status="prefetch"}'
    before = [metric(client, name) for name in (*names, others)]
    client.get(path, headers=PREFETCH)
    after = [metric(client, name) for name in (*names, others)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 0, 0, 1]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_visits(client: TestClient, method: str) -> None:
    """Browsers prefetch by GET alone."""
    path = create(client, status=307)
    assert client.request(method, path, headers=PREFETCH).headers["location"] == TARGET


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/", "/healthz", "/robots.txt", "/api/v1/links", "/sale+", "/sale.svg"]
)
def test_other_routes_answer_as_always(client: TestClient, path: str) -> None:
    client.put("/api/v1/links/sale", json={"target": TARGET})
    assert client.get(path, headers=PREFETCH).status_code == client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/a.b//evil.example",
        "/%2Fevil.example",
        "/%5Cevil.example/x",
        "/x//evil.example",
        '/x?"><script>',
        "/x?%0d%0a=1",
    ],
)
def test_the_page_leads_to_no_other_host(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=PREFETCH)
    for link in re.findall(r'<a href="([^"]*)" rel="nofollow">', answer.text):
        assert re.match(r"/[^/\\]", unescape(link))
    assert "<script>" not in answer.text


WARNED = "so no visitor has the class 'prefetch'."


@pytest.mark.parametrize(
    ("value", "places"),
    [
        pytest.param("prefetch", ["rules.0.conditions.1", "rules.1.conditions.0"], id="named"),
        pytest.param("bot", [], id="another-class"),
    ],
)
def test_a_rule_that_names_the_class_warns(client: TestClient, value: str, places: list[str]) -> None:
    named = {"type": "visitor-class", "value": value}
    rules = [
        {"conditions": [{"type": "language", "value": "de"}, named], "target": "https://example.com/1"},
        {"conditions": [named], "target": "https://example.com/2"},
    ]
    made = client.post("/api/v1/links", json={"target": TARGET, "rules": rules}).json()
    shown = client.get(f"/api/v1/links/{made['code']}").json()
    assert made["warnings"] == shown["warnings"]
    assert [warning.split()[0] for warning in made["warnings"]] == places
    assert all(warning.endswith(WARNED) for warning in made["warnings"])
