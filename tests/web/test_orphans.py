"""/api/v1/orphans, through the whole path: visit, spool, drain, answer."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.orphans import OrphanOut
from tests.conftest import ADMIN_KEY, ENGINES
from tests.web.refusals import Wrong, assert_problem, assert_refused
from tests.web.waiting import drained

ORPHANS = "/api/v1/orphans"
on_both = pytest.mark.parametrize("engine", ENGINES, indirect=True)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def visit(client: TestClient, path: str, **headers: str) -> None:
    assert client.get(path, headers=headers).status_code == 404


def ask(client: TestClient, **question: Any) -> dict[str, Any]:
    drained(client)
    answer = client.get(ORPHANS, params=question)
    assert answer.status_code == 200, answer.text
    PageOut[OrphanOut].model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def make(client: TestClient, code: str) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": code})
    assert made.status_code == 201, made.text


@on_both
def test_a_whole_answer(client: TestClient) -> None:
    make(client, "summer-sale")
    visit(client, "/sumer-sale", referer="https://news.example.org/article")
    visit(client, "/sumer-sale")
    visit(client, "/nothing", **{"user-agent": "curl/8"})
    answer = ask(client)
    moment = answer["data"][0].pop("last_clicked_at")
    assert answer == {
        "data": [
            {
                "path": "/sumer-sale",
                "domain": "",
                "clicks": 2,
                "referrers": [{"value": "news.example.org", "clicks": 1}],
                "suggestions": [
                    {
                        "code": "summer-sale",
                        "domain": "",
                        "short_url": "https://go.example/summer-sale",
                        "distance": 1,
                    }
                ],
            }
        ],
        "next": None,
    }
    assert moment.endswith("Z")
    robots = ask(client, **{"class": "bot"})["data"]
    assert [(row["path"], row["clicks"], row["suggestions"]) for row in robots] == [("/nothing", 1, [])]
    assert len(ask(client, **{"class": "human, bot"})["data"]) == 2


@on_both
def test_each_visit_is_on_the_domain_of_its_host(client: TestClient) -> None:
    """Hosts that are not configured, whatever a stranger sends, are the default domain's."""
    assert client.post("/api/v1/domains", json={"name": "b.example"}).status_code == 201
    for host in ("b.example", "B.example:8443", "stranger.example", "other.b.example", "go.example", "[::1]"):
        visit(client, "/sale", host=host)
    assert rows_of(ask(client)) == [("", "/sale", 4, []), ("b.example", "/sale", 2, [])]
    made = client.post(
        "/api/v1/links", json={"target": "https://example.com/", "code": "sale", "domain": "b.example"}
    )
    assert made.status_code == 201
    assert rows_of(ask(client)) == [
        ("", "/sale", 4, []),
        ("b.example", "/sale", 2, [("b.example", "sale", "https://b.example/sale")]),
    ]
    single = client.get(f"{ORPHANS}/clicks").json()["data"]
    assert sorted(row["domain"] for row in single) == ["", "", "", "", "b.example", "b.example"]
    breakdown = client.get(f"{ORPHANS}/stats", params={"group_by": "code"}).json()["data"]
    assert [(row["value"], row["clicks"]) for row in breakdown] == [("/sale", 6)]


def rows_of(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (
            row["domain"],
            row["path"],
            row["clicks"],
            [(meant["domain"], meant["code"], meant["short_url"]) for meant in row["suggestions"]],
        )
        for row in answer["data"]
    ]


@on_both
def test_visitors_are_told_nothing(client: TestClient) -> None:
    make(client, "summer-sale")
    for accept in ("text/html", "application/json"):
        page = client.get("/sumer-sale", headers={"accept": accept})
        assert page.status_code == 404
        assert "summer-sale" not in page.text


@on_both
def test_pages(client: TestClient) -> None:
    for path, times in (("/aaa", 3), ("/bbb", 2), ("/ccc", 1)):
        for _ in range(times):
            visit(client, path)
    drained(client)
    seen, cursor = [], None
    for _ in range(3):
        page = ask(client, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [row["path"] for row in page["data"]]
        cursor = page["next"]
    assert (seen, cursor) == (["/aaa", "/bbb", "/ccc"], None)


@on_both
def test_privacy_is_kept(client: TestClient) -> None:
    """Somebody who does not want to be followed leaves no referrer here either."""
    visit(client, "/aaa", referer="https://secret.example/", **{"sec-gpc": "1"})
    (row,) = ask(client)["data"]
    assert (row["clicks"], row["referrers"]) == (1, [])


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        pytest.param({"days": 0}, Wrong("days", "greater-than-equal"), id="no-days"),
        pytest.param({"days": -1}, Wrong("days", "greater-than-equal"), id="negative-days"),
        pytest.param({"days": 91}, Wrong("days", "less-than-equal"), id="beyond-retention"),
        pytest.param({"days": "30d"}, Wrong("days", "int-parsing"), id="unit"),
        pytest.param({"limit": 0}, Wrong("limit", "greater-than-equal"), id="no-rows"),
        pytest.param({"limit": 101}, Wrong("limit", "less-than-equal"), id="too-many-rows"),
        pytest.param({"class": "people"}, Wrong("class", "unknown-class"), id="unknown-class"),
        pytest.param({"class": ""}, Wrong("class", "unknown-class"), id="no-class"),
        pytest.param({"class": "human,,bot"}, Wrong("class", "unknown-class"), id="gap"),
        pytest.param({"class": "HUMAN"}, Wrong("class", "unknown-class"), id="upper-case"),
        pytest.param({"class": "h" * 101}, Wrong("class", "string-too-long"), id="long-class"),
        pytest.param({"cursor": "x"}, Wrong("cursor", "cursor-invalid"), id="cursor"),
        pytest.param({"cursor": "WyJsaW5rcyJd"}, Wrong("cursor", "cursor-invalid"), id="cursor-of-another-list"),
    ],
)
@on_sqlite
def test_bad_questions(client: TestClient, query: dict[str, Any], wrong: Wrong) -> None:
    assert_refused(client.get(ORPHANS, params=query), wrong)


@on_sqlite
def test_it_is_for_administrators(client: TestClient) -> None:
    scopes = ["links:read", "links:write", "stats:read"]
    key = client.post("/api/v1/keys", json={"name": "all but one", "scopes": scopes}).json()["key"]
    del client.headers["authorization"]
    assert_problem(client.get(ORPHANS), "key-missing")
    assert_problem(client.get(ORPHANS, headers={"x-api-key": key}), "scope-missing")
    assert client.get(ORPHANS, headers={"x-api-key": ADMIN_KEY}).status_code == 200
