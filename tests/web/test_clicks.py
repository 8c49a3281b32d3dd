"""…/clicks and its files, through the whole path: visit, spool, drain, answer."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from shortener.services import clicks as service
from shortener.web.api.schemas.clicks import ClickOut
from shortener.web.api.schemas.fields import PageOut
from tests.conftest import ADMIN_KEY, ENGINES, FIREFOX
from tests.web.refusals import CODE, Instance, Wrong, assert_problem, assert_refused, instance_on
from tests.web.waiting import drained

pytestmark = pytest.mark.unmeasured

API = "/api/v1"
CURL = "curl/8.5.0"
on_both = pytest.mark.parametrize("engine", ENGINES, indirect=True)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
Click = dict[str, Any]


def make(client: TestClient, code: str, **fields: Any) -> None:
    made = client.post(f"{API}/links", json={"target": "https://example.com/", "code": code, **fields})
    assert made.status_code == 201, made.text


def visit(client: TestClient, path: str, status: int = 302, **headers: str) -> None:
    given = {"user-agent": FIREFOX, **{name.replace("_", "-"): value for name, value in headers.items()}}
    assert client.get(path, headers=given).status_code == status


@pytest.fixture
def visited(client: TestClient) -> TestClient:
    """An instance with a click of each kind, in this order, all of them counted."""
    assert client.post(f"{API}/domains", json={"name": "other.example"}).status_code == 201
    make(client, "x", tags=["a/b"])
    make(client, "y", domain="other.example")
    visit(client, "/x?utm_source=%3D1%2B1&utm_term=a,%22b%22", referer="https://www.News.example/x")
    visit(client, "/x", user_agent=CURL)
    visit(client, "/y", host="other.example")
    visit(client, "/x", sec_gpc="1")
    visit(client, "/nothing", status=404)
    drained(client)
    return client


def ask(client: TestClient, path: str = "", **params: Any) -> dict[str, Any]:
    answer = client.get(f"{API}{path}/clicks", params=params)
    assert answer.status_code == 200, answer.text
    PageOut[ClickOut].model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def csv_of(client: TestClient, path: str = "", **params: Any) -> list[dict[str, str]]:
    answer = client.get(f"{API}{path}/clicks.csv", params=params)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def ndjson_of(client: TestClient, path: str = "", **params: Any) -> list[Click]:
    answer = client.get(f"{API}{path}/clicks.ndjson", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


def test_the_shape_has_every_column() -> None:
    fields = {field.alias or name for name, field in ClickOut.model_fields.items()}
    assert fields >= set(service.COLUMNS)


@on_both
def test_a_whole_click(visited: TestClient) -> None:
    click = ask(visited, "/links/x", **{"class": "human"})["data"][-1]
    moment = datetime.fromisoformat(click.pop("time"))
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=1)
    assert {name: value for name, value in click.items() if value is not None and name != "referrer_url"} == {
        "code": "x",
        "domain": "",
        "class": "human",
        "unique": True,
        "referrer": "news.example",
        "browser": "Firefox",
        "os": "Linux",
        "device": "desktop",
        "utm_source": "=1+1",
        "utm_term": 'a,"b"',
    }


@on_both
def test_who_does_not_want_to_be_tracked_leaves_little(visited: TestClient) -> None:
    click = ask(visited, "/links/x")["data"][0]
    del click["time"]
    known = {name: value for name, value in click.items() if value is not None}
    assert known == {"code": "x", "domain": "", "class": "human", "unique": False}


SCOPES = {
    "all": ("", ["x", "y", "x"]),
    "link": ("/links/x", ["x", "x"]),
    "domain": ("/domains/other.example", ["y"]),
    "default-domain": ("/domains/default", ["x", "x"]),
    "tag-with-a-slash": ("/tags/a/b", ["x", "x"]),
    "orphans": ("/orphans", ["/nothing"]),
}


@pytest.mark.parametrize(("path", "codes"), SCOPES.values(), ids=SCOPES.keys())
@on_both
def test_scopes_in_every_form(visited: TestClient, path: str, codes: list[str]) -> None:
    listed = ask(visited, path)
    assert (listed["next"], [click["code"] for click in listed["data"]]) == (None, codes[::-1])
    told = ndjson_of(visited, path)
    assert told == listed["data"][::-1]
    cells = csv_of(visited, path)
    assert [list(row) for row in cells] == [list(service.COLUMNS)] * len(codes)
    # What is told is told alike: in CSV as text, and text with its apostrophe off.
    as_text = [{name: _text(value) for name, value in click.items()} for click in told]
    assert [{name: cell.removeprefix("'") for name, cell in row.items()} for row in cells] == as_text


def _text(value: str | bool | None) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


@on_sqlite
def test_a_link_on_a_domain(visited: TestClient) -> None:
    for suffix in ("", ".csv", ".ndjson"):
        path = f"{API}/links/y/clicks{suffix}"
        assert visited.get(path, params={"domain": "other.example"}).status_code == 200
        assert_problem(visited.get(path), "link-not-found")


@on_sqlite
def test_classes(visited: TestClient) -> None:
    assert [click["class"] for click in ask(visited, **{"class": "bot"})["data"]] == ["bot"]
    assert len(csv_of(visited, **{"class": "human,bot"})) == 4


FILTERED = {
    "a value": ({"browser": "Firefox"}, ["x", "y"]),
    "one of a list": ({"code": "y,z"}, ["y"]),
    "all others": ({"code": "-y"}, ["x", "x"]),
    "with a comma in it": ({"utm_term": r'a\,"b"'}, ["x"]),
    "no value": ({"browser": ""}, ["x"]),
    "any value": ({"browser": "-"}, ["x", "y"]),
    "several": ({"browser": "Firefox", "referrer": "", "utm_source": "-=1+1"}, ["y"]),
    "nothing": ({"browser": "Firefox", "country": "XX"}, []),
    "a value that nobody ever had": ({"utm_source": "nobody"}, []),
}


@pytest.mark.parametrize(("params", "codes"), FILTERED.values(), ids=FILTERED.keys())
@on_both
def test_filters_in_every_form(visited: TestClient, params: dict[str, str], codes: list[str]) -> None:
    assert [click["code"] for click in ask(visited, **params)["data"]] == codes[::-1]
    assert [click["code"] for click in ndjson_of(visited, **params)] == codes
    assert [row["code"] for row in csv_of(visited, **params)] == codes
    # Of a link its code is in the path, and another one in a filter.
    assert [click["code"] for click in ask(visited, "/links/x", **params)["data"]] == [c for c in codes if c == "x"]


@on_sqlite
def test_how_many_pass_filters_is_not_said_beforehand(visited: TestClient) -> None:
    for form in ("csv", "ndjson"):
        assert "x-total-count" in visited.get(f"{API}/clicks.{form}").headers
        assert "x-total-count" not in visited.get(f"{API}/clicks.{form}?browser=Firefox").headers


@on_sqlite
def test_a_cursor_is_good_for_its_filters_only(visited: TestClient) -> None:
    cursor = ask(visited, limit=1, browser="Firefox,Chrome")["next"]
    assert [click["code"] for click in ask(visited, browser="Chrome,Firefox", cursor=cursor)["data"]] == ["x"]
    for params in ({}, {"browser": "Firefox"}, {"browser": "-Firefox,Chrome"}, {"os": "Firefox,Chrome"}):
        assert_problem(visited.get(f"{API}/clicks", params={**params, "cursor": cursor}), "cursor-invalid")


@on_sqlite
def test_periods(visited: TestClient) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    for start, end, found in ((now - hour, now + hour, 3), (now - 3 * hour, now - hour, 0)):
        params = {"start": start.isoformat(), "end": end.isoformat()}
        assert len(ask(visited, **params)["data"]) == len(csv_of(visited, **params)) == found
    for interval in ("24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all"):
        assert len(ask(visited, interval=interval, timezone="Pacific/Kiritimati")["data"]) == 3


@on_both
def test_pages(visited: TestClient) -> None:
    whole = ask(visited)["data"]
    seen, cursor = [], None
    for _ in whole:
        page = ask(visited, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += page["data"]
        cursor = page["next"]
        visit(visited, "/x")
        drained(visited)
    assert (seen, cursor) == (whole, None)


@on_sqlite
def test_a_file_says_what_it_is(visited: TestClient) -> None:
    answer = visited.get(f"{API}/clicks.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="clicks.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-total-count"] == "3"
    assert "content-length" not in answer.headers
    lines = answer.content.split(b"\r\n")
    assert lines[0].decode() == ",".join(service.COLUMNS)
    assert (len(lines), lines[-1]) == (5, b"")
    assert b'"\'=1+1"' in lines[1]
    with_mark = visited.get(f"{API}/clicks.csv?bom=true").content
    assert with_mark == b"\xef\xbb\xbf" + answer.content
    assert visited.get(f"{API}/clicks.ndjson").headers["x-total-count"] == "3"


@on_sqlite
def test_head_reads_nothing(visited: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    pieces = service._pieces

    def noted(*given: Any) -> Iterator[Any]:
        for piece in pieces(*given):
            taken.append(piece)
            yield piece

    monkeypatch.setattr(service, "_pieces", noted)
    got, asked = visited.get(f"{API}/clicks.csv"), visited.head(f"{API}/clicks.csv")
    assert len(taken) == 1
    assert (asked.status_code, asked.content) == (200, b"")
    names = ("content-type", "content-disposition", "x-total-count")
    assert [asked.headers[name] for name in names] == [got.headers[name] for name in names]


@on_sqlite
def test_clicks_of_a_deleted_link_stay(visited: TestClient) -> None:
    before = ask(visited)["data"]
    visited.delete(f"{API}/links/x")
    assert ask(visited)["data"] == before
    assert_problem(visited.get(f"{API}/links/x/clicks.csv"), "link-not-found")


@on_sqlite
def test_orphans_are_for_administrators(visited: TestClient) -> None:
    key = visited.post(f"{API}/keys", json={"name": "stats", "scopes": ["stats:read"]}).json()["key"]
    del visited.headers["authorization"]
    for suffix in ("", ".csv", ".ndjson"):
        path = f"{API}/orphans/clicks{suffix}"
        assert_problem(visited.get(path, headers={"x-api-key": key}), "scope-missing")
        assert visited.get(path, headers={"x-api-key": ADMIN_KEY}).status_code == 200


@pytest.fixture(scope="module")
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """For what is decided before any database is asked."""
    with instance_on(ENGINES[0], tmp_path_factory.mktemp("clicks"), request) as opened:
        yield opened


BAD = {
    "unknown-interval": ("interval=2d", Wrong("interval", "enum")),
    "no-moment": ("start=yesterday", Wrong("start", "moment-invalid")),
    "date": ("end=2027-01-01", Wrong("end", "moment-invalid")),
    "number": ("start=1700000000", Wrong("start", "moment-invalid")),
    "backwards": ("start=2026-02-01T00:00:00Z&end=2026-01-01T00:00:00Z", Wrong("start", "period-invalid")),
    "no-time": ("start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:00Z", Wrong("start", "period-invalid")),
    "ten-thousand-years": ("start=1970-01-01T00:00:00Z&end=9998-01-01T00:00:00Z", Wrong("start", "period-invalid")),
    "far": ("end=9999-12-31T00:00:00Z", Wrong("end", "moment-out-of-range")),
    "unknown-zone": ("timezone=Middle/Earth", Wrong("timezone", "time-zone-unknown")),
    "long-zone": ("timezone=" + "a" * 65, Wrong("timezone", "string-too-long")),
    "unknown-class": ("class=people", Wrong("class", "unknown-class")),
    "no-class": ("class=", Wrong("class", "unknown-class")),
    "gap": ("class=human,,bot", Wrong("class", "unknown-class")),
    "unknown-filter": ("colour=red", Wrong("colour", "unknown-parameter")),
    "misspelt-filter": ("browser=Firefox&borwser=Firefox", Wrong("borwser", "unknown-parameter")),
    "parameter-of-statistics": ("group_by=browser", Wrong("group_by", "unknown-parameter")),
    "many-values": ("city=" + ",".join(map(str, range(1000))), Wrong("city", "too-many-values")),
    "long-value": ("utm_term=" + "x" * 513, Wrong("utm_term", "value-too-long")),
    "long-filter": ("utm_term=" + "x" * 8_001, Wrong("utm_term", "string-too-long")),
    "nul": ("os=%00", Wrong("os", "forbidden-character")),
}
BAD_OF_LISTS = {
    "no-rows": ("limit=0", Wrong("limit", "greater-than-equal")),
    "too-many-rows": ("limit=201", Wrong("limit", "less-than-equal")),
    "all-rows": ("limit=all", Wrong("limit", "int-parsing")),
    "cursor": ("cursor=x", Wrong("cursor", "cursor-invalid")),
    "empty-cursor": ("cursor=", Wrong("cursor", "cursor-invalid")),
    "cursor-of-another-list": ("cursor=WyJsaW5rcyJd", Wrong("cursor", "cursor-invalid")),
    "long-cursor": ("cursor=" + "A" * 2000, Wrong("cursor", "cursor-invalid")),
    "mark-of-files": ("bom=true", Wrong("bom", "unknown-parameter")),
}
BAD_OF_FILES = {
    "no-mark": ("bom=perhaps", Wrong("bom", "bool-parsing")),
    "limit-of-lists": ("limit=1", Wrong("limit", "unknown-parameter")),
    "cursor-of-lists": ("cursor=x", Wrong("cursor", "unknown-parameter")),
}


def table(*bad: dict[str, tuple[str, Wrong]]) -> pytest.MarkDecorator:
    whole = {name: case for cases in bad for name, case in cases.items()}
    return pytest.mark.parametrize(("query", "wrong"), whole.values(), ids=whole.keys())


@table(BAD, BAD_OF_LISTS)
@pytest.mark.parametrize("path", ["", f"/links/{CODE}", "/tags/kept", "/orphans"])
def test_bad_questions(instance: Instance, path: str, query: str, wrong: Wrong) -> None:
    assert_refused(instance.send("GET", f"{API}{path}/clicks?{query}"), wrong)


@table(BAD, BAD_OF_FILES)
@pytest.mark.parametrize("suffix", [".csv", ".ndjson"])
@pytest.mark.parametrize("path", ["", f"/links/{CODE}"])
def test_bad_questions_of_files(instance: Instance, path: str, suffix: str, query: str, wrong: Wrong) -> None:
    assert_refused(instance.send("GET", f"{API}{path}/clicks{suffix}?{query}"), wrong)


NOBODYS = {
    "link": ("/links/nobodys", "link-not-found"),
    "link-with-dots": ("/links/a.b", "link-not-found"),
    "link-elsewhere": (f"/links/{CODE}", "link-not-found"),
    "domain": ("/domains/nobodys.example", "domain-not-found"),
    "no-domain": ("/domains/a..b", "domain-not-found"),
    "long-domain": ("/domains/" + "a" * 300, "domain-not-found"),
    "tag": ("/tags/nobodys", "tag-not-found"),
    "no-tag": ("/tags/a,b", "tag-not-found"),
    "tag-and-newline": ("/tags/kept%0A", "tag-not-found"),
    "long-tag": ("/tags/" + quote("😀" * 300), "tag-not-found"),
}


@pytest.mark.parametrize(("path", "code"), NOBODYS.values(), ids=NOBODYS.keys())
@pytest.mark.parametrize("suffix", ["", ".csv", ".ndjson"])
def test_what_there_is_not(instance: Instance, path: str, code: str, suffix: str) -> None:
    query = "?domain=elsewhere.example" if "links" in path else ""
    response = instance.send("GET", f"{API}{path}/clicks{suffix}{query}")
    assert_problem(response, code)


def test_a_domain_that_is_none(instance: Instance) -> None:
    for suffix in ("", ".csv", ".ndjson"):
        response = instance.send("GET", f"{API}/links/{CODE}/clicks{suffix}?domain=a..b")
        assert_refused(response, Wrong("domain", "domain-invalid"))
