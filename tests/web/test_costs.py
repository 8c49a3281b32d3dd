"""What a visit may cost: what is too much is refused by name, and nothing of it is silently left out."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.domain import placeholder
from shortener.domain import rule as rules
from shortener.domain.query import MAX_PARAMETERS
from tests.web.refusals import assert_problem

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

E = "https://e.example"
HTML = {"accept": "text/html"}


def rule(kind: str, **condition: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, **condition}], "target": f"{E}/rule"}


#: By name: the fields of a link, and whether it reads the query of a visit.
READERS: dict[str, tuple[dict[str, Any], bool]] = {
    "plain": ({}, False),
    "permanent": ({"status": 301}, False),
    "rule-about-the-device": ({"rules": [rule("device", value="ios")]}, False),
    "code-placeholder": ({"target": f"{E}/{{code}}"}, False),
    "path-placeholder": ({"target": f"{E}/{{path}}", "forward_path": True}, False),
    "rule-about-a-value": ({"rules": [rule("query-param", key="a", value="b")]}, True),
    "rule-about-any-value": ({"rules": [rule("any-value-query-param", key="a")]}, True),
    "rule-about-no-value": ({"rules": [rule("valueless-query-param", key="a")]}, True),
    "rule-behind-one-that-always-holds": (
        {"rules": [{"target": f"{E}/all"}, rule("any-value-query-param", key="a")]},
        True,
    ),
    "query-placeholder": ({"target": f"{E}/?a={{query.a}}"}, True),
    "query-placeholder-of-a-rule": ({"rules": [{"target": f"{E}/{{query.a}}"}]}, True),
    "query-placeholder-of-a-rule-that-does-not-hold": (
        {"rules": [{**rule("device", value="console"), "target": f"{E}/{{query.a}}"}]},
        True,
    ),
    "passed-on": ({"forward_query": True}, True),
    "passed-on-with-a-limit": ({"forward_query": True, "max_clicks": 5}, True),
    "passed-on-with-a-password": ({"forward_query": True, "password": "open sesame"}, True),
    "placeholder-when-it-is-over": (
        {"enabled": False, "expired_target": f"{E}/over?a={{query.a}}"},
        True,
    ),
}
every_reader = pytest.mark.parametrize(("fields", "reads"), READERS.values(), ids=list(READERS))


def make(client: TestClient, fields: dict[str, Any], code: str = "x") -> None:
    answer = client.post("/api/v1/links", json={"target": E, "code": code, **fields})
    assert answer.status_code == 201, answer.text


@every_reader
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_too_many_parameters(client: TestClient, fields: dict[str, Any], reads: bool, method: str) -> None:
    make(client, fields)
    if "password" in fields:
        client.headers["x-link-password"] = fields["password"]
    most = "&".join(["b=1"] * MAX_PARAMETERS)
    for query in (most, f"&&{most}&&", "&" * 1000):
        assert client.request(method, f"/x?{query}").status_code < 404
    too_many = client.request(method, f"/x?{most}&b")
    if reads:
        assert_problem(too_many, "too-many-parameters", body=method == "GET")
    else:
        assert too_many.status_code == 302 or fields["status"] == 301
    assert client.get("/x?b=1").status_code < 404


def test_people_get_a_page(client: TestClient) -> None:
    make(client, {"forward_query": True})
    for query, status in (("&".join(["b"] * 300), 400), ("b" * 9000, 414)):
        page = client.get(f"/x?{query}", headers=HTML)
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")


#: By name: the fields of a link, and what is asked for behind its code.
TOO_LONG: dict[str, tuple[dict[str, Any], str]] = {
    "query-passed-on": ({"forward_query": True}, "?a=" + "b" * 9000),
    "path-passed-on": ({"forward_path": True}, "/" + "b" * 9000),
    "query-placeholder": ({"target": f"{E}/?{{query.a}}"}, "?a=" + "b" * 9000),
    "path-placeholder": ({"target": f"{E}/{{path}}", "forward_path": True}, "/" + "b" * 9000),
    "once-it-is-escaped": ({"target": f"{E}/?{{query.a}}"}, "?a=" + "%7C" * 3000),
    "many-times": ({"target": f"{E}/?" + "{query.a}" * 32}, "?a=" + "b" * 300),
    "of-a-rule": ({"rules": [{"target": f"{E}/{{query.a}}"}]}, "?a=" + "b" * 9000),
    "with-a-limit": ({"forward_query": True, "max_clicks": 5}, "?a=" + "b" * 9000),
    "when-it-is-over": ({"enabled": False, "expired_target": f"{E}/over?{{query.a}}"}, "?a=" + "b" * 9000),
}


@pytest.mark.parametrize(("fields", "asked"), TOO_LONG.values(), ids=list(TOO_LONG))
def test_a_location_that_would_be_too_long_is_refused_whole(
    client: TestClient, fields: dict[str, Any], asked: str
) -> None:
    make(client, fields)
    assert_problem(client.get(f"/x{asked}"), "location-too-long")
    assert_problem(client.head(f"/x{asked}"), "location-too-long", body=False)
    assert client.get("/api/v1/links/x/stats").json()["totals"]["clicks"] == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/docs", "/x+", "/nobodys"])
def test_pages_that_read_no_query_take_any(client: TestClient, path: str) -> None:
    make(client, {})
    assert client.get(f"{path}?{'&'.join(['a'] * 300)}").status_code == client.get(path).status_code


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_qr_codes_read_a_query(client: TestClient, kind: str) -> None:
    make(client, {})
    assert client.get(f"/x.{kind}?size=64&{'a&' * 255}").status_code == 200
    assert_problem(client.get(f"/x.{kind}?size=64&{'a&' * 256}"), "too-many-parameters")


#: By name: a query, and how explain says that a visit with it ends.
EXPLAINED = {
    "too-many-parameters": ("&".join(["b"] * 300), "too-many-parameters", 400),
    "too-long": ("b" * 8190, "location-too-long", 414),
}


@pytest.mark.parametrize(("query", "outcome", "status"), EXPLAINED.values(), ids=list(EXPLAINED))
def test_explain_says_that_a_visit_is_refused(client: TestClient, query: str, outcome: str, status: int) -> None:
    make(client, {"forward_query": True})
    answer = client.post("/api/v1/links/x/explain", json={"query": query})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["outcome"], found["status"], found["location"], found["rules"]) == (outcome, status, None, [])


LARGE = [{"target": f"{E}/{'x' * 8000}"} for _ in range(7)]
#: By name: the fields of a link that is as large as may be, those of one that is larger, and the error.
LIMITS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "placeholders": (
        {"target": f"{E}/?" + "{query.a}" * 32},
        {"target": f"{E}/?" + "{query.a}" * 33},
        "placeholder-invalid",
    ),
    "placeholders-of-a-rule": (
        {"rules": [{"target": f"{E}/?" + "{code}" * 32}]},
        {"rules": [{"target": f"{E}/?" + "{code}" * 33}]},
        "placeholder-invalid",
    ),
    "placeholders-of-a-split": (
        {"rules": [{"split": [{"target": E}, {"target": f"{E}/?" + "{code}" * 32}]}]},
        {"rules": [{"split": [{"target": E}, {"target": f"{E}/?" + "{code}" * 33}]}]},
        "placeholder-invalid",
    ),
    "placeholders-when-it-is-over": (
        {"expired_target": f"{E}/?" + "{code}" * 32},
        {"expired_target": f"{E}/?" + "{code}" * 33},
        "placeholder-invalid",
    ),
    "characters-of-rules": ({"rules": LARGE}, {"rules": [*LARGE, *LARGE]}, "rule-invalid"),
}


@pytest.fixture
def client(client: TestClient) -> TestClient:
    """One that takes larger bodies than rules may be."""
    parts = client.app.state.parts  # type: ignore[attr-defined]
    parts.settings = parts.settings.model_copy(update={"max_body_bytes": 2**20})
    return client


every_limit = pytest.mark.parametrize(("most", "more", "code"), LIMITS.values(), ids=list(LIMITS))


@every_limit
def test_how_large_a_link_may_be(client: TestClient, most: dict[str, Any], more: dict[str, Any], code: str) -> None:
    make(client, most)
    assert_problem(client.post("/api/v1/links", json={"target": E, "code": "y", **more}), code)
    assert_problem(client.patch("/api/v1/links/x", json=more), code)


@every_limit
def test_a_link_that_is_larger_goes_on_working(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, most: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    with monkeypatch.context() as older:
        older.setattr(placeholder, "MAX_COUNT", 10_000)
        older.setattr(rules, "MAX_STORED_LENGTH", 10**7)
        make(client, more)
    assert client.get("/x?a=1").status_code == 302
    for other in ({"title": "Old"}, {"tags": ["old"]}, {"notes": "old"}, {"status": 307}, {"enabled": True}):
        assert client.patch("/api/v1/links/x", json=other).status_code == 200
    if "expired_target" not in more:
        for dearer in (more, {"forward_query": True}):
            assert_problem(client.patch("/api/v1/links/x", json=dearer), code)
    assert client.patch("/api/v1/links/x", json={**most, "forward_query": True}).status_code == 200
    assert client.get("/x?a=1").status_code == 307
