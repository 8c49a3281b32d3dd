"""…/stats.csv and …/stats.ndjson: the same answers, as tables."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import FIREFOX
from tests.web.refusals import Wrong, assert_problem, assert_refused
from tests.web.waiting import drained

API = "/api/v1"
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def visited(client: TestClient) -> TestClient:
    """An instance with clicks on one link, whose sources are such as to run something."""
    client.post(f"{API}/links", json={"target": "https://example.com/", "code": "x"})
    for query, agent in (("=1+1", FIREFOX), ("=1+1", FIREFOX), ("@b", FIREFOX), ("", FIREFOX), ("", "curl/8.5.0")):
        answer = client.get("/x", params={"utm_source": query}, headers={"user-agent": agent})
        assert answer.status_code == 302
    drained(client)
    return client


def rows(client: TestClient, path: str, **params: Any) -> list[list[str]]:
    answer = client.get(f"{API}{path}/stats.csv", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="stats.csv"'
    return list(csv.reader(io.StringIO(answer.content.decode(), newline=""), strict=True))


@pytest.mark.parametrize("path", ["", "/links/x"])
def test_a_breakdown(visited: TestClient, path: str) -> None:
    assert rows(visited, path, group_by="utm_source", limit=2) == [
        ["row", "value", "clicks", "unique"],
        ["data", "'=1+1", "2", "1"],
        ["data", "'@b", "1", "0"],
        ["other", "", "1", "0"],
        ["total", "", "4", "1"],
        ["excluded", "bot", "1", ""],
    ]


@pytest.mark.parametrize("path", ["", "/links/x"])
def test_a_time_series(visited: TestClient, path: str) -> None:
    asked = {"interval": "7d", "timezone": "Asia/Kathmandu"}
    header, *found = rows(visited, path, **asked)
    answer = visited.get(f"{API}{path}/stats", params=asked).json()
    assert header == ["row", "bucket", "clicks", "unique"]
    assert [row[1:] for row in found if row[0] == "data"] == [
        [row["bucket"], str(row["clicks"]), str(row["unique"])] for row in answer["data"]
    ]
    assert found[-2:] == [["total", "", "4", "1"], ["excluded", "bot", "1", ""]]


def test_several_groupings(visited: TestClient) -> None:
    found = rows(visited, "/links/x", group_by="utm_source,browser", limit=1)
    assert found == [
        ["row", "group_by", "value", "clicks", "unique"],
        ["data", "utm_source", "'=1+1", "2", "1"],
        ["other", "utm_source", "", "2", "0"],
        ["data", "browser", "Firefox", "4", "1"],
        ["other", "browser", "", "0", "0"],
        ["total", "", "", "4", "1"],
        ["excluded", "", "bot", "1", ""],
    ]


def test_a_comparison(visited: TestClient) -> None:
    """Of these days with themselves, since there are clicks of no others."""
    ends = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (-1, 1)]
    dates = dict(zip(("start", "end", "compare_start", "compare_end"), ends * 2, strict=True))
    assert rows(visited, "/links/x", group_by="utm_source", limit=1, **dates) == [
        ["row", "value", "clicks", "unique", "previous_clicks", "previous_unique"],
        ["data", "'=1+1", "2", "1", "2", "1"],
        ["other", "", "2", "0", "2", "0"],
        ["total", "", "4", "1", "4", "1"],
        ["excluded", "bot", "1", "", "1", ""],
        ["previous-data", "'=1+1", "2", "1", "", ""],
        ["previous-other", "", "2", "0", "", ""],
        ["previous-total", "", "4", "1", "", ""],
        ["previous-excluded", "bot", "1", "", "", ""],
    ]
    answer = visited.get(f"{API}/links/x/stats.ndjson", params={**dates, "granularity": "day"})
    found = [json.loads(line) for line in answer.content.splitlines()]
    assert list(found[0]) == ["row", "bucket", "clicks", "unique", "previous_clicks", "previous_unique"]
    (today,) = (row for row in found if row["row"] == "data" and row["clicks"])
    assert (today["clicks"], today["previous_clicks"], today["previous_unique"]) == (4, 4, 1)


def test_ndjson(visited: TestClient) -> None:
    answer = visited.get(f"{API}/stats.ndjson", params={"group_by": "browser"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.content.splitlines()] == [
        {"row": "data", "value": "Firefox", "clicks": 4, "unique": 1},
        {"row": "other", "value": None, "clicks": 0, "unique": 0},
        {"row": "total", "value": None, "clicks": 4, "unique": 1},
        {"row": "excluded", "value": "bot", "clicks": 1, "unique": None},
    ]


BAD = {
    "group": ("group_by=shoes", Wrong("group_by", "enum")),
    "granularity": ("granularity=year", Wrong("granularity", "enum")),
    "buckets": ("start=2020-01-01T00:00:00Z&granularity=15m", Wrong("granularity", "too-many-buckets")),
    "zone": ("timezone=Middle/Earth", Wrong("timezone", "time-zone-unknown")),
    "period": ("start=2026-02-01T00:00:00Z&end=2026-01-01T00:00:00Z", Wrong("start", "period-invalid")),
    "limit": ("limit=0", Wrong("limit", "greater-than-equal")),
    "comparison": ("compare=last", Wrong("compare", "enum")),
    "comparison without an end": ("compare_start=2026-02-01T00:00:00Z", Wrong("compare_end", "required")),
}


@pytest.mark.parametrize(("query", "wrong"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_bad_questions(client: TestClient, form: str, query: str, wrong: Wrong) -> None:
    assert_refused(client.get(f"{API}/stats.{form}?{query}"), wrong)


def test_what_there_is_not(client: TestClient) -> None:
    assert_problem(client.get(f"{API}/links/nobodys/stats.csv"), "link-not-found")


def test_who_may_not_ask_is_not_answered(client: TestClient) -> None:
    del client.headers["authorization"]
    assert_problem(client.get(f"{API}/links/nobodys/stats.csv"), "key-missing")
