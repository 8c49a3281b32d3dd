"""What links say of their state, what their owners are warned of, and why a visit is answered with 410."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.refusals import instance_on

LINKS = "/api/v1/links"
TARGET = "https://example.com/"
PAST, AHEAD = "2020-01-31T12:00:00Z", "2999-01-31T12:00:00Z"

_numbers = count()


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A browser on one instance for all tests that make links of their own."""
    with instance_on("sqlite", tmp_path_factory.mktemp("states"), request) as opened:
        yield opened.client


@pytest.fixture
def code() -> str:
    """A code that no other test has."""
    return f"x{next(_numbers)}"


STATES: dict[str, tuple[dict[str, Any], int, str]] = {
    "live": ({}, 0, "live"),
    "live until a date ahead": ({"expires_at": AHEAD}, 0, "live"),
    "live since a date past": ({"valid_from": PAST}, 0, "live"),
    "scheduled": ({"valid_from": AHEAD}, 0, "scheduled"),
    "disabled": ({"enabled": False}, 0, "disabled"),
    "disabled and expired": ({"enabled": False, "expires_at": PAST}, 0, "disabled"),
    "expired": ({"expires_at": PAST}, 0, "expired"),
    "with a slot left": ({"max_clicks": 2}, 1, "live"),
    "exhausted": ({"max_clicks": 2}, 2, "exhausted"),
    "exhausted and expired": ({"max_clicks": 1, "expires_at": AHEAD}, 1, "exhausted"),
}


@pytest.mark.parametrize(("fields", "visits", "state"), STATES.values(), ids=STATES)
def test_state(client: TestClient, fields: dict[str, Any], visits: int, state: str) -> None:
    made = client.post(LINKS, json={"target": TARGET, "code": "x", **fields}).json()
    for _ in range(visits):
        assert client.get("/x").status_code == 302
    assert client.get(f"{LINKS}/x").json()["state"] == state
    assert [link["state"] for link in client.get(LINKS).json()["data"]] == [state]
    assert client.post(f"{LINKS}/x/explain", json={}).json()["state"] == state
    assert visits or made["state"] == state


GONE = {name: case for name, case in STATES.items() if case[2] in {"disabled", "expired", "exhausted"}}


@pytest.mark.parametrize("path", ["", "+", ".svg", ".png", "/more"])
@pytest.mark.parametrize(("fields", "visits", "state"), GONE.values(), ids=GONE)
def test_reason_of_410(
    running: TestClient, code: str, fields: dict[str, Any], visits: int, state: str, path: str
) -> None:
    if visits and path in {"+", ".svg", ".png"}:
        return  # what is no visit looks at the link itself: nothing is asked of the limit
    running.post(LINKS, json={"target": TARGET, "code": code, "forward_path": True, **fields})
    for _ in range(visits):
        running.get(f"/{code}")
    answer = running.get(f"/{code}{path}", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (410, "link-gone", state)


def test_other_problems_have_no_reason(running: TestClient) -> None:
    assert "reason" not in running.get("/nothing", headers={"accept": "application/json"}).json()


#: Everything that writes a link.
WRITES = {
    "create": ("POST", LINKS, {"target": TARGET}),
    "put": ("PUT", f"{LINKS}/written", {"target": TARGET}),
    "patch": ("PATCH", f"{LINKS}/kept", {}),
    "put by external id": ("PUT", f"{LINKS}/external/7", {"target": TARGET}),
}


@pytest.mark.parametrize(("method", "path", "body"), WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(("expires_at", "is_warned"), [(PAST, True), (AHEAD, False), (None, False)])
def test_warning_of_an_expiry_in_the_past(
    running: TestClient, method: str, path: str, body: dict[str, Any], expires_at: str | None, is_warned: bool
) -> None:
    warnings = running.request(method, path, json={**body, "expires_at": expires_at}).json()["warnings"]
    assert any("`expires_at` lies in the past (2020-01-31T12:00:00Z)" in warning for warning in warnings) is is_warned


def test_warnings_of_a_bulk_and_of_a_key(running: TestClient) -> None:
    made = running.post(f"{LINKS}/bulk", json=[{"target": TARGET, "expires_at": PAST}, {"target": TARGET}]).json()
    assert [len(result["link"]["warnings"]) for result in made["data"]] == [1, 0]
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for expires_at, warned in ((PAST, 1), (soon, 0), (None, 0)):
        body = {"name": "x", "scopes": ["links:read"], "expires_at": expires_at}
        assert len(running.post("/api/v1/keys", json=body).json()["warnings"]) == warned


TAGGED = {
    "one": (["sale"], {"a", "b", "ab"}),
    "both": (["sale", "print"], {"ab"}),
    "in another order and case": (["PRINT", "Sale "], {"ab"}),
    "twice": (["sale", "sale"], {"a", "b", "ab"}),
    "one that nothing has": (["sale", "winter"], set()),
    "three": (["sale", "print", "spring"], {"ab"}),
    "none": ([], {"a", "b", "ab", "c"}),
}


@pytest.mark.parametrize(("asked", "found"), TAGGED.values(), ids=TAGGED)
def test_several_tags_mean_all_of_them(client: TestClient, asked: list[str], found: set[str]) -> None:
    carried = {"a": ["sale"], "b": ["sale", "autumn"], "ab": ["print", "sale", "spring"], "c": ["print"]}
    for code, tags in carried.items():
        client.post(LINKS, json={"target": TARGET, "code": code, "tags": tags})
    pages: set[str] = set()
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"tag": asked, "limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = client.get(LINKS, params=query).json()
        pages |= {link["code"] for link in answer["data"]}
        cursor = answer["next"]
        if cursor is None:
            break
    assert pages == found


BAD_TAGS = {
    "one too long": ["x" * 65],
    "the second too long": ["sale", "x" * 65],
    "one with a comma": ["a", "a,b"],
    "too many": ["x"] * 51,
}


@pytest.mark.parametrize("tags", BAD_TAGS.values(), ids=BAD_TAGS)
def test_bad_tags_among_several(running: TestClient, tags: list[str]) -> None:
    answer = running.get(LINKS, params={"tag": tags})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "tag")


#: What is wrong, where: the message must say line and column, which count from 1, in characters.
POSITIONS: dict[str, tuple[bytes, int, int]] = {
    "in the first line": (b'{"target" "x"}', 1, 11),
    "in the third line": (b'{\n"target":\n  oops}', 3, 3),
    "behind CRLF": (b'{\r\n"target": oops}', 2, 11),
    "at the end": (b'{"target": "x"', 1, 15),
    "behind other scripts": ('{"target": "日本ü", oops}'.encode(), 1, 19),
    "bytes that are not UTF-8": (b'{"target":\n "\xff"}', 2, 3),
}
_LINES = b'{"target": "https://example.com/"}\n\n'
NDJSON_POSITIONS: dict[str, tuple[bytes, int, int]] = {
    "in the first line": (b"oops\n" + _LINES, 1, 1),
    "in the third line": (_LINES + b'{"target" "x"}', 3, 11),
    "behind CRLF": (_LINES.replace(b"\n", b"\r\n") + b' {"target": oops}', 3, 13),
    "bytes that are not UTF-8": (_LINES + b'{"target": "\xff"}', 3, 13),
}


@pytest.mark.parametrize(("body", "line", "column"), POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("path", [LINKS, f"{LINKS}/bulk"])
def test_where_json_is_wrong(running: TestClient, path: str, body: bytes, line: int, column: int) -> None:
    answer = running.post(path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")
    assert answer.json()["detail"].endswith(f"at line {line}, column {column}.")


@pytest.mark.parametrize(("body", "line", "column"), NDJSON_POSITIONS.values(), ids=NDJSON_POSITIONS)
def test_where_ndjson_is_wrong(running: TestClient, body: bytes, line: int, column: int) -> None:
    answer = running.post(f"{LINKS}/bulk", content=body, headers={"content-type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")
    assert answer.json()["detail"].endswith(f"at line {line}, column {column}.")
