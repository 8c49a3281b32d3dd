"""Query parameters and cursors that must not be let in, and paths that lead nowhere."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from shortener.domain import page as pages
from shortener.domain.listing import LinkFilter
from tests.conftest import ENGINES
from tests.web.refusals import CODE, GOOD, Instance, Wrong, assert_problem, assert_refused, instance_on

LINKS, KEYS, STATS = "/api/v1/links", "/api/v1/keys", "/api/v1/stats"
LINK_STATS = f"{LINKS}/{CODE}/stats"


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with instance_on(request.param, tmp_path_factory.mktemp("queries"), request) as opened:
        for number in range(3):
            made = opened.client.post(LINKS, json={"target": f"{GOOD}{number}"})
            assert made.status_code == 201
            made = opened.client.post(KEYS, json={"name": "x", "scopes": ["stats:read"]})
            assert made.status_code == 201
        yield opened


@pytest.fixture(scope="module")
def on_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """For what is decided before any database is asked."""
    with instance_on(ENGINES[0], tmp_path_factory.mktemp("sqlite"), request) as opened:
        yield opened


def refused(instance: Instance, path: str, query: str, wrong: Wrong) -> None:
    assert_refused(instance.send("GET", f"{path}?{query}"), wrong)


def test_head_is_refused_as_get_is(on_sqlite: Instance) -> None:
    response = on_sqlite.send("HEAD", f"{LINKS}?limit=0")
    assert_problem(response, "validation-failed", body=False)


LIMITS = {
    "zero": ("0", "greater-than-equal"),
    "minus-one": ("-1", "greater-than-equal"),
    "minus-ten-to-the-30": ("-1" + "0" * 30, "greater-than-equal"),
    "1001": ("1001", "less-than-equal"),
    "two-to-the-63": (str(2**63), "less-than-equal"),
    "ten-to-the-30": ("1" + "0" * 30, "less-than-equal"),
    "five-thousand-digits": ("9" * 5000, "int-parsing-size"),
    "float": ("1.5", "int-parsing"),
    "exponent": ("1e3", "int-parsing"),
    "hexadecimal": ("0x10", "int-parsing"),
    "nan": ("NaN", "int-parsing"),
    "infinity": ("Infinity", "int-parsing"),
    "true": ("true", "int-parsing"),
    "empty": ("", "int-parsing"),
    "null": ("null", "int-parsing"),
    "nul": ("%00", "int-parsing"),
    "other-digits": (quote("１０"), "int-parsing"),
    "statement": (quote("1; DROP TABLE link"), "int-parsing"),
}


@pytest.mark.parametrize(("value", "code"), LIMITS.values(), ids=LIMITS.keys())
@pytest.mark.parametrize("path", [LINKS, KEYS, STATS, LINK_STATS])
def test_limits(on_sqlite: Instance, path: str, value: str, code: str) -> None:
    refused(on_sqlite, path, f"limit={value}", Wrong("limit", code))


def test_the_last_of_two_limits_counts(on_sqlite: Instance) -> None:
    refused(on_sqlite, LINKS, "limit=1&limit=0", Wrong("limit", "greater-than-equal"))


CHOICES = [
    pytest.param(LINKS, "sort", "enum", id="sort"),
    pytest.param(LINKS, "order", "literal-error", id="order"),
    pytest.param(STATS, "interval", "enum", id="interval"),
    pytest.param(STATS, "granularity", "enum", id="granularity"),
    pytest.param(STATS, "group_by", "enum", id="group_by"),
    pytest.param(STATS, "class", "unknown-class", id="class"),
    pytest.param(LINK_STATS, "interval", "enum", id="interval-of-a-link"),
    pytest.param(LINK_STATS, "granularity", "enum", id="granularity-of-a-link"),
    pytest.param(LINK_STATS, "group_by", "enum", id="group_by-of-a-link"),
    pytest.param(LINK_STATS, "class", "unknown-class", id="class-of-a-link"),
]
WORDS = {
    "unknown": "nonsense",
    "empty": "",
    "upper-case": "CREATED,ASC,DAY,ALL,BROWSER,HUMAN",
    "space": quote(" "),
    "nul": "%00",
    "surrogate": "%ed%a0%80",
    "invalid-utf-8": "%ff",
    "number": "1",
    "comma": ",",
    "statement": quote("created; DROP TABLE link"),
    "dunder": "__class__",
}


@pytest.mark.parametrize("value", WORDS.values(), ids=WORDS.keys())
@pytest.mark.parametrize(("path", "name", "code"), CHOICES)
def test_choices(on_sqlite: Instance, path: str, name: str, code: str, value: str) -> None:
    refused(on_sqlite, path, f"{name}={value}", Wrong(name, code))


def test_lists_of_classes(on_sqlite: Instance) -> None:
    for value in ("human,", ",human", "human;bot", "human,,bot", "human%20bot"):
        refused(on_sqlite, STATS, f"class={value}", Wrong("class", "unknown-class"))
    refused(on_sqlite, STATS, "class=" + "human," * 20, Wrong("class", "string-too-long"))


TEXTS = {
    "search-too-long": (LINKS, "search", "a" * 201, "string-too-long"),
    "search-too-long-in-many-bytes": (LINKS, "search", quote("😀" * 201), "string-too-long"),
    "tag-too-long": (LINKS, "tag", "a" * 65, "string-too-long"),
    "zone-too-long": (STATS, "timezone", "a" * 65, "string-too-long"),
}


@pytest.mark.parametrize(("path", "name", "value", "code"), TEXTS.values(), ids=TEXTS.keys())
def test_long_texts(on_sqlite: Instance, path: str, name: str, value: str, code: str) -> None:
    refused(on_sqlite, path, f"{name}={value}", Wrong(name, code))


@pytest.mark.parametrize("value", ["%00", "a%00b", "%1b", "%7f", "%c2%85"])
def test_control_characters_in_a_search(instance: Instance, value: str) -> None:
    refused(instance, LINKS, f"search={value}", Wrong("search", "forbidden-character"))


@pytest.mark.parametrize("value", ["", "%20", ",", "a,b", "%00", "a%0A", "%c2%85"])
def test_tags_that_no_link_can_have(instance: Instance, value: str) -> None:
    refused(instance, LINKS, f"tag={value}", Wrong("tag", "tag-invalid"))


@pytest.mark.parametrize("value", ["%ff", "%c0%af", "%ed%a0%80", "%25", "_", "%27%20OR%201=1--", "%5c", "%", "%zz"])
def test_searches_for_anything_else_find_nothing(instance: Instance, value: str) -> None:
    """What is no UTF-8 has become U+FFFD by the time it gets here; wildcards and quotes stand for themselves."""
    for name in ("search", "tag"):
        found = instance.send("GET", f"{LINKS}?{name}={value}")
        assert (found.status_code, found.json()) == (200, {"data": [], "next": None, "total": None})


ZONES = {
    "mars": "Mars/Olympus",
    "up": "../../etc/passwd",
    "up-from-a-zone": "Europe/../Europe/Berlin",
    "root": "/etc/passwd",
    "root-of-zones": "/usr/share/zoneinfo/UTC",
    "folder": "Europe",
    "folder-with-slash": "Europe/",
    "empty": "",
    "dot": ".",
    "dots": "..",
    "nul": "%00",
    "zone-and-nul": "UTC%00",
    "space": "%20",
    "zone-and-space": "UTC%20",
    "newline": "UTC%0A",
    "invalid-utf-8": "%ff",
    "backslash": "Europe%5CBerlin",
    "lower-case": "europe/berlin",
    "offset": "%2B02:00",
    "signed": "UTC%2B2",
    "abbreviation": "CEST",
    "table": "zone.tab",
    "source": "tzdata.zi",
    "module": "__init__.py",
    "leap-seconds": "leapseconds",
    "longest": "a" * 64,
}


@pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES.keys())
@pytest.mark.parametrize("path", [STATS, LINK_STATS])
def test_time_zones(on_sqlite: Instance, path: str, zone: str) -> None:
    refused(on_sqlite, path, f"timezone={zone}", Wrong("timezone", "time-zone-unknown"))


MOMENTS = {
    "empty": "",
    "word": "now",
    "date": "2027-01-01",
    "naive": "2027-01-01T00:00:00",
    "seconds": "1",
    "many-seconds": "9" * 400,
    "nan": "NaN",
    "year-0": "0000-01-01T00:00:00Z",
    "year-10000": "10000-01-01T00:00:00Z",
    "offset-of-a-day": "2020-01-01T00:00:00%2B24:00",
    "offset-eaten": "2020-01-01T00:00:00+02:00",
    "nul": "2020-01-01T00:00:00Z%00",
    "invalid-utf-8": "%ff",
}
FAR = {
    "first-year": "0001-01-01T00:00:00%2B14:00",
    "last-year": "9999-12-31T23:59:59-14:00",
    "before-1970": "1969-12-31T23:59:59Z",
}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *(pytest.param(value, "moment-invalid", id=name) for name, value in MOMENTS.items()),
        *(pytest.param(value, "moment-out-of-range", id=name) for name, value in FAR.items()),
    ],
)
@pytest.mark.parametrize("name", ["start", "end", "compare_start", "compare_end"])
@pytest.mark.parametrize("path", [STATS, LINK_STATS])
def test_moments(on_sqlite: Instance, path: str, name: str, value: str, code: str) -> None:
    refused(on_sqlite, path, f"{name}={value}", Wrong(name, code))


PERIODS = {
    "empty": "start=2027-01-01T00:00:00Z&end=2027-01-01T00:00:00Z",
    "empty-by-offset": "start=2027-01-01T00:00:00Z&end=2027-01-01T01:00:00%2B01:00",
    "turned-around": "start=2027-01-02T00:00:00Z&end=2027-01-01T00:00:00Z",
    "turned-around-by-offset": "start=2027-01-01T00:00:00Z&end=2027-01-01T00:00:00%2B00:01",
    "in-the-future": "start=9000-01-01T00:00:00Z",
}


@pytest.mark.parametrize("query", PERIODS.values(), ids=PERIODS.keys())
@pytest.mark.parametrize("path", [STATS, LINK_STATS])
def test_periods(on_sqlite: Instance, path: str, query: str) -> None:
    refused(on_sqlite, path, query, Wrong("start", "period-invalid"))


A_DAY, ANOTHER_DAY = "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"
UNKNOWN = {
    "a filter that there is not": ("colour=red", Wrong("colour", "unknown-parameter")),
    "a misspelt filter": ("borwser=Firefox", Wrong("borwser", "unknown-parameter")),
    "a grouping that there is not": ("group_by=colour", Wrong("group_by", "enum")),
    "one of several groupings": ("group_by=browser,colour", Wrong("group_by", "enum")),
    "no grouping": ("group_by=", Wrong("group_by", "enum")),
    "eleven groupings": (
        "group_by=timeseries,browser,os,device,country,language,referrer,code,variant,trigger,link",
        Wrong("group_by", "too-many-values"),
    ),
    "a filter of 101 values": ("browser=" + ",".join(map(str, range(101))), Wrong("browser", "too-many-values")),
    "a filter of 1,000 values": ("city=" + ",".join(map(str, range(1000))), Wrong("city", "too-many-values")),
    "a value that is too long": ("utm_term=" + "x" * 513, Wrong("utm_term", "value-too-long")),
    "a filter that is too long": ("utm_term=" + "x" * 8_001, Wrong("utm_term", "string-too-long")),
    "NUL in a filter": ("os=%00", Wrong("os", "forbidden-character")),
    "another comparison": ("compare=next", Wrong("compare", "enum")),
    "no comparison": ("compare=", Wrong("compare", "enum")),
    "a comparison in capitals": ("compare=YEAR", Wrong("compare", "enum")),
    "NUL in a comparison": ("compare=year%00", Wrong("compare", "enum")),
    "two comparisons": ("compare=year,weekday", Wrong("compare", "enum")),
    "a period to compare with that has no end": (f"compare_start={A_DAY}", Wrong("compare_end", "required")),
    "a period to compare with that has no start": (f"compare_end={A_DAY}", Wrong("compare_start", "required")),
    "a comparison beside a period of its own": (
        f"compare=year&compare_start={A_DAY}&compare_end={ANOTHER_DAY}",
        Wrong("compare", "not-combinable"),
    ),
    "a comparison beside one end of a period": (
        f"compare=previous&compare_end={A_DAY}",
        Wrong("compare", "not-combinable"),
    ),
    "a period to compare with turned around": (
        f"compare_start={ANOTHER_DAY}&compare_end={A_DAY}",
        Wrong("compare_start", "period-invalid"),
    ),
    "an empty period to compare with": (
        f"compare_start={A_DAY}&compare_end={A_DAY}",
        Wrong("compare_start", "period-invalid"),
    ),
    "more than 1,000 years to compare with": (
        f"compare_start={A_DAY}&compare_end=3100-01-01T00:00:00Z",
        Wrong("compare_start", "period-invalid"),
    ),
    "a period to compare with of too many buckets": (
        f"interval=7d&granularity=hour&compare_start={A_DAY}&compare_end=2100-01-01T00:00:00Z",
        Wrong("granularity", "too-many-buckets"),
    ),
}


@pytest.mark.parametrize(("query", "wrong"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("path", [STATS, LINK_STATS, "/api/v1/orphans/stats", "/api/v1/domains/default/stats"])
def test_what_cannot_be_asked(on_sqlite: Instance, path: str, query: str, wrong: Wrong) -> None:
    refused(on_sqlite, path, query, wrong)


def test_the_refusal_says_what_there_is(on_sqlite: Instance) -> None:
    for query, told in (
        ("colour=red", "utm_campaign"),
        ("group_by=colour", "hour_of_week"),
        ("class=cat", "monitor"),
        ("compare=last", "'last' is nothing to compare with. There are: previous, year, weekday."),
        ("compare=prev", "Did you mean 'previous'?"),
        ("compare=last_year", "Did you mean 'year'?"),
        ("compare=%7Byear%7D", "'{year}' is nothing to compare with."),
        (f"compare_end={A_DAY}", "`compare_end` needs `compare_start` too"),
        (f"compare_start={A_DAY}&compare_end={A_DAY}", "`compare_start` (2026-10-01T00:00:00+00:00) must lie before"),
        (f"compare=year&compare_start={A_DAY}", "either `compare` or `compare_start` and `compare_end`, not both"),
        (f"start={A_DAY}&end={A_DAY}", "`start` (2026-10-01T00:00:00+00:00) must lie before `end`"),
    ):
        answer = on_sqlite.send("GET", f"{STATS}?{query}").json()
        assert told in answer["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/api/v1/tags/nothing/stats", "/api/v1/domains/nowhere.example/stats"])
def test_statistics_of_what_is_not_there(on_sqlite: Instance, path: str) -> None:
    code = "tag-not-found" if "tags" in path else "domain-not-found"
    assert_problem(on_sqlite.send("GET", path), code)


@pytest.mark.parametrize("granularity", ["15m", "hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_thousand_years_by_any_granularity(on_sqlite: Instance, zone: str, granularity: str) -> None:
    period = f"start=1970-01-01T00:00:00Z&end=2969-01-01T00:00:00Z&timezone={zone}"
    response = on_sqlite.send("GET", f"{STATS}?{period}&granularity={granularity}")
    assert_refused(response, Wrong("granularity", "too-many-buckets"))


ALL_TIME = "start=1970-01-01T00:00:00Z&end=9998-12-30T00:00:00Z"


@pytest.mark.parametrize("query", ["granularity=15m", "granularity=month", "group_by=browser"])
def test_eight_thousand_years(instance: Instance, query: str) -> None:
    assert_refused(instance.send("GET", f"{STATS}?{ALL_TIME}&{query}"), Wrong("start", "period-invalid"))


def listed(sort: str, order: str = "desc") -> str:
    """What cursors of a list of links, sorted so and without a filter, call their question."""
    return pages.question("links", repr(LinkFilter()), sort, str(order == "desc"))


CREATED = listed("created")


def forged(question: object, *position: object) -> str:
    """A cursor as only a forger makes it."""
    return base64.urlsafe_b64encode(json.dumps([question, *position]).encode()).decode().rstrip("=")


def test_forgeries_are_good_but_for_what_is_wrong_in_them(instance: Instance) -> None:
    """The tables below prove something only as long as this is how cursors look."""
    for path, cursor in (
        (LINKS, forged(CREATED, "2027-01-01T00:00:00+00:00", 1)),
        (LINKS + "?sort=clicks", forged(listed("clicks"), 2**63 - 1, -(2**63 - 1))),
        (KEYS, forged("keys", "2027-01-01T00:00:00+00:00", "0123456789ab")),
    ):
        found = instance.send("GET", path, params={**dict(_query(path)), "cursor": cursor})
        assert found.status_code == 200, found.text
    assert pages.make_cursor("keys", ["a", 1]) == forged("keys", "a", 1)


def _query(path: str) -> Iterator[tuple[str, str]]:
    for part in path.partition("?")[2].split("&"):
        if part:
            name, _, value = part.partition("=")
            yield name, value


NOW = "2027-01-01T00:00:00+00:00"
CURSORS: dict[str, str] = {
    "empty": "",
    "space": "%20",
    "nul": "%00",
    "one-character": "a",
    "no-base-64": "!!!!",
    "standard-alphabet": "+/+/",
    "padding-only": "====",
    "invalid-utf-8": "%ff",
    "no-ascii": quote("é"),
    "no-json": base64.urlsafe_b64encode(b"no json").decode(),
    "bytes": base64.urlsafe_b64encode(bytes(range(128, 160))).decode().rstrip("="),
    "null": base64.urlsafe_b64encode(b"null").decode(),
    "number": base64.urlsafe_b64encode(b"1").decode(),
    "string": base64.urlsafe_b64encode(f'"{CREATED}"'.encode()).decode(),
    "object": base64.urlsafe_b64encode(f'{{"{CREATED}": 1}}'.encode()).decode(),
    "empty-array": base64.urlsafe_b64encode(b"[]").decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 380).decode(),
    "digits": base64.urlsafe_b64encode(b"9" * 380).decode(),
    "no-position": forged(CREATED),
    "short-position": forged(CREATED, NOW),
    "long-position": forged(CREATED, NOW, 1, 1),
    "position-turned-around": forged(CREATED, 1, NOW),
    "question-missing": forged(NOW, 1),
    "question-null": forged(None, NOW, 1),
    "question-array": forged([CREATED], NOW, 1),
    "other-sort": forged(listed("clicks"), 1, 1),
    "other-order": forged(listed("created", "asc"), NOW, 1),
    "other-list": forged("keys", NOW, "0123456789ab"),
    "no-list": forged("secrets", NOW, 1),
    "moment-null": forged(CREATED, None, 1),
    "moment-word": forged(CREATED, "now", 1),
    "moment-empty": forged(CREATED, "", 1),
    "moment-year-0": forged(CREATED, "0000-01-01T00:00:00+00:00", 1),
    "moment-before-all-time": forged(CREATED, "0001-01-01T00:00:00+14:00", 1),
    "moment-after-all-time": forged(CREATED, "9999-12-31T23:59:59-14:00", 1),
    "moment-nul": forged(CREATED, NOW + "\x00", 1),
    "moment-surrogate": forged(CREATED, "\ud800", 1),
    "id-string": forged(CREATED, NOW, "1"),
    "id-float": forged(CREATED, NOW, 1.0),
    "id-true": forged(CREATED, NOW, True),
    "id-null": forged(CREATED, NOW, None),
    "id-array": forged(CREATED, NOW, [1]),
    "id-nan": forged(CREATED, NOW, float("nan")),
    "id-infinity": forged(CREATED, NOW, float("inf")),
    "id-two-to-the-63": forged(CREATED, NOW, 2**63),
    "id-minus-two-to-the-64": forged(CREATED, NOW, -(2**64)),
    "id-ten-to-the-30": forged(CREATED, NOW, 10**30),
    "very-long": forged(CREATED, NOW, 1) + "A" * 10_000,
}


@pytest.mark.parametrize("cursor", CURSORS.values(), ids=CURSORS.keys())
def test_cursors_of_links(instance: Instance, cursor: str) -> None:
    refused(instance, LINKS, f"cursor={cursor}", Wrong("cursor", "cursor-invalid"))


@pytest.mark.parametrize("sort", ["clicks", "last_clicked"])
@pytest.mark.parametrize("value", [NOW, "1", 1.0, True, None, 2**63, -(2**63), 10**30, [], "\x00"], ids=repr)
def test_cursors_of_links_by_number(instance: Instance, sort: str, value: object) -> None:
    cursor = forged(listed(sort), value, 1)
    refused(instance, LINKS, f"sort={sort}&cursor={cursor}", Wrong("cursor", "cursor-invalid"))


KEY_POSITIONS: dict[str, list[Any]] = {
    "id-number": [NOW, 1],
    "id-null": [NOW, None],
    "id-nul": [NOW, "0123\x006789ab"],
    "id-surrogate": [NOW, "\ud800"],
    "id-escape": [NOW, "\x1b[31m"],
    "moment-number": [0, "0123456789ab"],
    "moment-overflow": ["9999-12-31T23:59:59-14:00", "0123456789ab"],
    "short": [NOW],
}


@pytest.mark.parametrize("position", KEY_POSITIONS.values(), ids=KEY_POSITIONS.keys())
def test_cursors_of_keys(instance: Instance, position: list[Any]) -> None:
    refused(instance, KEYS, f"cursor={forged('keys', *position)}", Wrong("cursor", "cursor-invalid"))
    refused(instance, KEYS, f"cursor={forged(CREATED, NOW, 1)}", Wrong("cursor", "cursor-invalid"))


def test_real_cursors_cut_or_used_elsewhere(instance: Instance) -> None:
    asked = {
        "links": f"{LINKS}?limit=1",
        "by clicks": f"{LINKS}?limit=1&sort=clicks",
        "ascending": f"{LINKS}?limit=1&order=asc",
        "keys": f"{KEYS}?limit=1",
    }
    cursors = {name: instance.client.get(path).json()["next"] for name, path in asked.items()}
    assert all(cursors.values())
    for name, path in asked.items():
        assert instance.send("GET", f"{path}&cursor={cursors[name]}").status_code == 200
        for other in asked.keys() - {name}:
            assert_refused(instance.send("GET", f"{path}&cursor={cursors[other]}"), Wrong("cursor", "cursor-invalid"))
    for end in range(len(cursors["links"])):
        cut = cursors["links"][:end]
        assert_refused(instance.send("GET", f"{LINKS}?cursor={cut}"), Wrong("cursor", "cursor-invalid"))


IDS = {
    "unknown": "0123456789ab",
    "upper-case": "0123456789AB",
    "short": "0",
    "nul": "%00",
    "invalid-utf-8": "%ff",
    "dots": "%2e%2e",
    "right-to-left": "%e2%80%ae",
    "quote": "%27%20OR%201=1--",
    "long": "a" * 15_000,
}


@pytest.mark.parametrize("key_id", IDS.values(), ids=IDS.keys())
def test_ids_of_keys(instance: Instance, key_id: str) -> None:
    assert_problem(instance.send("GET", f"{KEYS}/{key_id}"), "key-not-found")
    assert_problem(instance.send("DELETE", f"{KEYS}/{key_id}"), "key-not-found")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/links", "/api/v1/links/", f"/api/v1/links/{CODE}/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_paths_that_lead_nowhere(on_sqlite: Instance, method: str, path: str) -> None:
    assert_problem(on_sqlite.send(method, path), "not-found")


ANSWERED = {
    "/": {"GET", "HEAD"},
    LINKS: {"GET", "HEAD", "POST"},
    f"{LINKS}/{CODE}": {"GET", "HEAD", "PUT", "PATCH", "DELETE"},
    KEYS: {"GET", "HEAD", "POST"},
    f"{KEYS}/0123456789ab": {"GET", "HEAD", "DELETE"},
    STATS: {"GET", "HEAD"},
    LINK_STATS: {"GET", "HEAD"},
    "/static/x.css": {"GET", "HEAD"},
}


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"]
)
@pytest.mark.parametrize("path", ANSWERED)
def test_methods(on_sqlite: Instance, path: str, method: str) -> None:
    if method in ANSWERED[path]:
        return
    response = on_sqlite.send(method, path)
    assert_problem(response, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) == ANSWERED[path]
