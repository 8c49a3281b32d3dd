"""Bodies that are objects with known fields, and a value in one of them that must not be let in."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from shortener.domain import code as codes
from shortener.domain import target as targets
from shortener.domain import text
from shortener.domain.link import MAX_NOTES_LENGTH, MAX_TITLE_LENGTH
from shortener.domain.target import TargetPolicy
from tests.conftest import ENGINES
from tests.web.refusals import CODE, GOOD, Instance, Wrong, assert_problem, assert_refused, instance_on

pytestmark = pytest.mark.unmeasured

LINK = f"/api/v1/links/{CODE}"
#: Ways to hand a link's fields in; a code can only be chosen with the first (or in the path).
WAYS = [
    pytest.param("POST", "/api/v1/links", id="create"),
    pytest.param("PUT", LINK, id="put"),
    pytest.param("PATCH", LINK, id="patch"),
]
every_way = pytest.mark.parametrize(("method", "path"), WAYS)


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """On both engines: what reaches a database is refused by each in its own way."""
    with instance_on(request.param, tmp_path_factory.mktemp("input"), request) as opened:
        yield opened


@pytest.fixture(scope="module")
def on_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """For what is decided before any database is asked."""
    with instance_on(ENGINES[0], tmp_path_factory.mktemp("sqlite"), request) as opened:
        yield opened


def body(field: str, raw: str) -> str:
    """A link that is good but for `field`."""
    others = "" if field == "target" else f'"target": "{GOOD}", '
    return f'{{{others}"{field}": {raw}}}'


#: Written as JSON, so that the parser's way to a string is part of the test.
CONTROLS = {
    "nul": "\\u0000",
    "bell": "\\u0007",
    "escape": "\\u001b",
    "unit-separator": "\\u001f",
    "delete": "\\u007f",
    "next-line": "\\u0085",
    "last-c1": "\\u009f",
    "high-surrogate": "\\ud800",
    "low-surrogate": "\\udfff",
    "surrogates-in-wrong-order": "\\ude00\\ud83d",
    "raw-surrogate": "\ud800",
}
BREAKS = {"newline": "\\n", "return": "\\r", "tab": "\\t"}
every_control = pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
TEXTS = {
    "title": "forbidden-character",
    "notes": "forbidden-character",
    "target": "target-characters",
    "expired_target": "target-characters",
}


@every_control
@pytest.mark.parametrize(("field", "code"), TEXTS.items(), ids=TEXTS.keys())
@every_way
def test_control_characters(instance: Instance, method: str, path: str, field: str, code: str, control: str) -> None:
    value = f"{GOOD}a{control}b" if "target" in field else f"a{control}b"
    assert_refused(instance.send_json(method, path, body(field, f'"{value}"')), Wrong(field, code))


@pytest.mark.parametrize("control", BREAKS.values(), ids=BREAKS.keys())
@pytest.mark.parametrize("field", ["title", "target", "expired_target"])
@every_way
def test_line_breaks_and_tabs(on_sqlite: Instance, method: str, path: str, field: str, control: str) -> None:
    at_ends = (f"{control}{GOOD}", f"{GOOD}{control}")  # of which targets are stripped
    for value in (f"{GOOD}a{control}b", f"ht{control}tps://example.com/", *(() if "target" in field else at_ends)):
        assert_refused(on_sqlite.send_json(method, path, body(field, f'"{value}"')), Wrong(field, TEXTS[field]))


@pytest.mark.parametrize("control", [*CONTROLS.values(), *BREAKS.values()], ids=[*CONTROLS, *BREAKS])
def test_control_characters_in_codes_tags_and_names(instance: Instance, control: str) -> None:
    for value in (f"a{control}b", f"{control}", f"ab{control}"):
        code = instance.send_json("POST", "/api/v1/links", body("code", f'"{value}"'))
        assert_refused(code, Wrong("code", "code-invalid"))
        tag = instance.send_json("PATCH", LINK, f'{{"tags": ["good", "{value}"]}}')
        assert_refused(tag, Wrong("tags", "tag-invalid"))
        key = instance.send_json("POST", "/api/v1/keys", f'{{"name": "{value}", "scopes": ["admin"]}}')
        assert_refused(key, Wrong("name", "forbidden-character"))


NUMBERS = {
    "nan": "NaN",
    "infinity": "Infinity",
    "minus-infinity": "-Infinity",
    "zero": "0",
    "one": "1",
    "minus-one": "-1",
    "minus-zero": "-0.0",
    "fraction": "302.5",
    "ten-to-the-30": "1" + "0" * 30,
    "ten-to-the-30-as-float": "1e30",
    "beyond-floats": "1e400",
    "two-to-the-63": str(2**63),
    "two-to-the-64": str(2**64),
    "four-thousand-digits": "9" * 4000,
}
OTHERS = {"true": "true", "false": "false", "object": "{}", "array": "[]", "nested": "[[{}]]"}
STRINGS = {"word": '"word"', "number-in-a-string": '"302"', "true-in-a-string": '"true"', "empty-string": '""'}
#: By field: its code for a wrong type, and the values above that are of its type after all.
TYPES: dict[str, tuple[str, set[str]]] = {
    "target": ("string-type", {*STRINGS}),
    "expired_target": ("string-type", {*STRINGS}),
    "title": ("string-type", {*STRINGS}),
    "notes": ("string-type", {*STRINGS}),
    "tags": ("list-type", {"array", "nested"}),
    "status": ("literal-error", set()),
    "enabled": ("bool-type", {"true", "false"}),
    "valid_from": ("moment-invalid", set()),
    "expires_at": ("moment-invalid", set()),
}
WRONG_TYPES = [
    pytest.param(field, raw, code, id=f"{field}-{name}")
    for field, (code, accepted) in TYPES.items()
    for name, raw in {**NUMBERS, **OTHERS, **STRINGS}.items()
    if name not in accepted
]


@pytest.mark.parametrize(("field", "raw", "code"), WRONG_TYPES)
@every_way
def test_wrong_types(on_sqlite: Instance, method: str, path: str, field: str, raw: str, code: str) -> None:
    response = on_sqlite.send_json(method, path, body(field, raw))
    if field == "status" and response.json()["errors"][0]["code"] == "int-parsing-size":
        code = "int-parsing-size"
    assert_refused(response, Wrong(field, code))


@pytest.mark.parametrize("raw", [*NUMBERS.values(), *OTHERS.values()], ids=[*NUMBERS, *OTHERS])
def test_codes_of_wrong_type(on_sqlite: Instance, raw: str) -> None:
    response = on_sqlite.send_json("POST", "/api/v1/links", body("code", raw))
    assert_refused(response, Wrong("code", "string-type"))


@pytest.mark.parametrize("field", ["target", "tags", "enabled"])
@every_way
def test_null_where_there_must_be_a_value(on_sqlite: Instance, method: str, path: str, field: str) -> None:
    response = on_sqlite.send_json(method, path, body(field, "null"))
    assert_refused(response, Wrong(field, TYPES[field][0]))


@pytest.mark.parametrize("status", [0, 1, 200, 300, 303, 304, 305, 306, 309, 400, 404, 500, 30200, -302])
def test_statuses_that_are_no_redirects(on_sqlite: Instance, status: int) -> None:
    response = on_sqlite.send_json("PATCH", LINK, body("status", str(status)))
    assert_refused(response, Wrong("status", "literal-error"))
    assert "301, 302, 307 or 308" in response.json()["errors"][0]["message"]


SCRIPTS = {
    "javascript": "javascript:alert(1)",
    "javascript-mixed-case": "JaVaScRiPt:alert(1)",
    "javascript-with-slashes": "javascript://example.com/%0aalert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "vbscript": "vbscript:msgbox",
    "file": "file:///etc/passwd",
    "blob": "blob:https://example.com/0",
    "about": "about:blank",
    "filesystem": "filesystem:https://example.com/x",
    "view-source": "view-source:https://example.com/",
}
NOT_WEB = {
    **SCRIPTS,
    "ftp": "ftp://example.com/",
    "mailto": "mailto:a@example.com",
    "intent": "intent://example.com/#Intent;scheme=http;end",
    "no-scheme": "example.com/x",
    "no-scheme-but-port": "example.com:80/x",
    "two-slashes": "//evil.example/",
    "three-slashes": "///evil.example/",
    "path": "/etc/passwd",
    "https-without-slashes": "https:evil.example",
    "https-with-one-slash": "https:/evil.example",
    "http-alone": "http:",
    "word": "http",
    "colon": ":",
    "no-name-before-the-colon": "://example.com/",
    "http-in-http-letters": "httр://example.com/",  # a Cyrillic er
    "empty": "",
    "space-alone": " ",
    "query": "?x=https://example.com/",
}
CHARACTERS = {
    "backslashes": "https:\\\\evil.example",
    "backslash-before-at": "https://good.example\\@evil.example",
    "backslash-in-path": "https://example.com/a\\b",
    "space-inside": "https://example.com/a b",
    "space-in-host": "https://exa mple.com/",
    "tab-in-scheme": "java\tscript:alert(1)",
    "header-injection": "https://example.com/\r\nSet-Cookie: a=b",
}
INVALID = {
    "no-host": "http://",
    "slashes-only": "http:///",
    "query-only": "http://?x",
    "fragment-only": "https://#x",
    "port-only": "http://:80/",
    "dot": "http://./",
    "dots": "http://../",
    "port-too-high": "https://example.com:65536/",
    "port-far-too-high": f"https://example.com:{10**30}/",
    "port-negative": "https://example.com:-1/",
    "port-of-letters": "https://example.com:http/",
    "punycode-of-nothing": "https://xn--/",
    "punycode-cut": "https://xn--a/",
    "punycode-too-long": "https://xn--99999999999/",
    "bracket-open": "https://[::1/",
    "bracket-empty": "https://[]/",
    "address-with-zone": "https://[fe80::1%25eth0]/",
    "address-of-five": "http://1.2.3.4.5/",
    "address-too-high": "http://256.256.256.256/",
    "less-than-in-host": "http://a<b/",
    "space-quoted-in-host": "http://a%20b/",
    "nul-quoted-in-host": "http://go.example%00.evil.example/",
    "right-to-left-in-host": "https://e\u202evil.example/",
    "percent-alone-in-host": "https://%/",
}
USER_INFO = {
    "user-and-password": "https://user:pass@example.com/",
    "user": "https://user@example.com/",
    "password": "https://:pass@example.com/",
    "host-as-user": "https://go.example@evil.example/",
    "quoted": "https://us%65r%3apass@example.com/",
    "two-ats": "https://a@b@example.com/",
}
OWN_HOST = {
    "plain": "https://go.example/x",
    "upper-case": "HTTPS://GO.EXAMPLE/x",
    "with-port": "https://go.example:443/",
    "with-zeros-before-port": "https://go.example:00443/",
    "trailing-dot": "https://go.example./",
    "quoted-letter": "https://%67o.example/",
    "quoted-dot": "https://go%2eexample/",
    "full-width": "https://ｇｏ．ｅｘａｍｐｌｅ/",
    "ideographic-stop": "https://go。example/",
    "soft-hyphen": "https://g\u00ado.example/",
    "more-slashes": "https:////go.example/",
}
TOO_LONG = {
    "as-sent": GOOD + "a" * (targets.MAX_LENGTH - len(GOOD) + 1),
    "as-stored": GOOD + "é" * (targets.MAX_LENGTH // 6 + 1),
    "host-as-stored": "https://" + "ü." * 4000 + "example/",
}
TARGETS = [
    pytest.param(value, code, id=f"{code}-{name}")
    for code, table in {
        "target-scheme": NOT_WEB,
        "target-characters": CHARACTERS,
        "target-invalid": INVALID,
        "target-user-info": USER_INFO,
        "target-own-host": OWN_HOST,
        "target-too-long": TOO_LONG,
    }.items()
    for name, value in table.items()
]


@pytest.mark.parametrize(("value", "code"), TARGETS)
@pytest.mark.parametrize("field", ["target", "expired_target"])
@every_way
def test_targets(on_sqlite: Instance, method: str, path: str, field: str, value: str, code: str) -> None:
    response = on_sqlite.send_json(method, path, body(field, json.dumps(value)))
    assert_refused(response, Wrong(field, code))


def test_the_longest_target_is_accepted() -> None:
    policy = TargetPolicy()
    longest = GOOD + "a" * (targets.MAX_LENGTH - len(GOOD))
    assert targets.check(longest, policy) == longest
    quoted = GOOD + "é" * ((targets.MAX_LENGTH - len(GOOD)) // 6)
    assert targets.MAX_LENGTH - 6 < len(targets.check(quoted, policy)) <= targets.MAX_LENGTH


@pytest.fixture(scope="module")
def abroad(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with an international name that allows more schemes, dangerous ones among them."""
    settings: dict[str, Any] = {
        "base_url": "https://münchen.example:8443",
        "target_schemes": ["mailto", "JavaScript:", "data", "file", "vbscript", "blob"],
    }
    with instance_on(ENGINES[0], tmp_path_factory.mktemp("abroad"), request, **settings) as opened:
        yield opened


@pytest.mark.parametrize(
    "host",
    [
        "münchen.example",
        "MÜNCHEN.EXAMPLE",
        "xn--mnchen-3ya.example",
        "XN--MNCHEN-3YA.example.",
        "mu\u0308nchen.example",
        "m%C3%BCnchen.example",
    ],
    ids=ascii,
)
def test_an_international_name_of_our_own(abroad: Instance, host: str) -> None:
    value = json.dumps(f"https://{host}:8443/x")
    assert_refused(abroad.send_json("PATCH", LINK, f'{{"target": {value}}}'), Wrong("target", "target-own-host"))


@pytest.mark.parametrize("value", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_no_setting_allows_scripts(abroad: Instance, value: str) -> None:
    response = abroad.send_json("PATCH", LINK, f'{{"target": {json.dumps(value)}}}')
    assert_refused(response, Wrong("target", "target-scheme"))
    message = response.json()["errors"][0]["message"]
    assert "mailto:" in message
    assert "javascript" not in message


CODES = {
    "dot": "a.b",
    "dots": "..",
    "file": "robots.txt",
    "slash": "a/b",
    "slash-before": "/a",
    "backslash": "a\\b",
    "space": "a b",
    "space-before": " a",
    "space-behind": "a ",
    "no-break-space": "a\u00a0b",
    "ideographic-space": "a\u3000b",
    "plus": "a+",
    "percent": "a%62",
    "question-mark": "a?b",
    "hash": "a#b",
    "emoji": "😀",
    "flag": "🇩🇪",
    "right-to-left-override": "a\u202eb",
    "right-to-left-mark": "a\u200fb",
    "isolate": "\u2066a\u2069",
    "zero-width-space": "a\u200bb",
    "zero-width-joiner": "a\u200db",
    "byte-order-mark": "\ufeffa",
    "line-separator": "a\u2028b",
    "private-use": "\ue000",
    "no-character": "\uffff",
    "combining-mark-alone": "\u0301",
    "angle-brackets": "<script>",
    "quote": 'a"b',
    "apostrophe": "a'b",
    "dash": "a–b",
    "null-word-with-colon": "urn:x",
    "129-characters": "a" * 129,
    "60000-characters": "a" * 60_000,
    "129-after-composing": "e\u0301" * 129,
    "marks-in-the-wrong-order": "a" + "\u0301\u0316" * 5_000,
}
#: The test client decodes a percent sign twice; test_bad_requests_raw sends that one.
in_path = {name: code for name, code in CODES.items() if not set("/%") & set(code) and len(code) < 1000}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES.keys())
def test_codes(instance: Instance, code: str) -> None:
    response = instance.send_json("POST", "/api/v1/links", json.dumps({"target": GOOD, "code": code}))
    assert_refused(response, Wrong("code", "code-invalid"))


@pytest.mark.parametrize("code", in_path.values(), ids=in_path.keys())
def test_codes_in_the_path(instance: Instance, code: str) -> None:
    path = "/api/v1/links/" + "".join(f"%{byte:02X}" for byte in code.encode())
    assert_refused(instance.send_json("PUT", path, body("target", f'"{GOOD}"')), Wrong("code", "code-invalid"))
    for method in ("GET", "PATCH", "DELETE"):
        found = instance.send(method, path, json={"title": "x"} if method == "PATCH" else None)
        assert assert_problem(found, "link-not-found")["detail"].isprintable()
    assert_problem(instance.send("GET", path + "/stats"), "link-not-found")


def test_an_empty_code_says_what_to_do(instance: Instance) -> None:
    response = instance.send_json("POST", "/api/v1/links", body("code", '""'))
    assert_refused(response, Wrong("code", "code-invalid"))
    assert "leave the field out" in response.json()["errors"][0]["message"]


def test_a_long_run_of_marks_is_not_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes time quadratic in the marks in a row: 5 s for a hundred thousand, which anybody may visit."""
    seen: list[int] = []

    def nfc(given: str) -> str:
        seen.append(len(given))
        return unicodedata.normalize("NFC", given)

    monkeypatch.setattr(text, "nfc", nfc)
    composed = "e\u0301" * codes.MAX_LENGTH
    assert codes.normal_form(composed) == "é" * codes.MAX_LENGTH
    assert codes.normal_form("a" + "\u0301\u0316" * 1000) is None
    assert max(seen) == len(composed)


def test_reserved_words_in_any_case(instance: Instance) -> None:
    reserved = instance.client.app.state.parts.link_policy.reserved  # type: ignore[attr-defined]
    words = [word for word in reserved if word and "." not in word]
    assert {"api", "admin", "docs", "healthz", "readyz", "metrics", "static"} <= set(words)
    for word in words:
        for code in {word, word.upper(), word.title(), word.swapcase()}:
            for response in (
                instance.send_json("POST", "/api/v1/links", body("code", f'"{code}"')),
                instance.send_json("PUT", f"/api/v1/links/{code}", body("target", f'"{GOOD}"')),
            ):
                assert_refused(response, Wrong("code", "code-reserved"))


def test_a_taken_code(instance: Instance) -> None:
    response = instance.send_json("POST", "/api/v1/links", body("code", f'"{CODE}"'))
    assert_refused(response, Wrong("code", "code-taken"))
    # Another target: the link that is there is no answer to this question.
    raw = json.dumps({"target": GOOD + "other", "code": CODE})
    response = instance.send_json("POST", "/api/v1/links?if_exists=return", raw)
    assert_refused(response, Wrong("code", "code-taken"))


TAGS = {
    "empty": ["good", ""],
    "spaces": ["   "],
    "comma": ["a,b"],
    "comma-alone": [","],
    "65-characters": ["a" * 65],
    "60000-characters": ["a" * 60_000],
    "65-spaces": [" " * 65],
}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS.keys())
@every_way
def test_tags(instance: Instance, method: str, path: str, tags: list[str]) -> None:
    response = instance.send_json(method, path, body("tags", json.dumps(tags)))
    assert_refused(response, Wrong("tags", "tag-invalid"))


@every_way
def test_lists_of_tags(on_sqlite: Instance, method: str, path: str) -> None:
    too_many = on_sqlite.send_json(method, path, body("tags", json.dumps([str(n) for n in range(51)])))
    assert_refused(too_many, Wrong("tags", "too-long"))
    same = on_sqlite.send_json(method, path, body("tags", json.dumps(["same"] * 51)))
    assert_refused(same, Wrong("tags", "too-long"))
    for item in ("1", "null", "true", "[]", "{}", "NaN"):
        wrong = on_sqlite.send_json(method, path, body("tags", f'["good", {item}]'))
        assert_refused(wrong, Wrong("tags.1", "string-type"))


MOMENTS = {
    "date": "2027-01-31",
    "naive": "2027-01-31T12:00:00",
    "year-0": "0000-01-01T00:00:00Z",
    "year-10000": "10000-01-01T00:00:00Z",
    "signed-year": "+002027-01-31T12:00:00Z",
    "negative-year": "-0001-01-01T00:00:00Z",
    "month-13": "2027-13-01T00:00:00Z",
    "february-30": "2027-02-30T00:00:00Z",
    "hour-25": "2027-01-31T25:00:00Z",
    "leap-second": "2016-12-31T23:59:60Z",
    "offset-of-99-hours": "2027-01-31T12:00:00+99:99",
    "offset-without-colon": "2027-01-31T12:00:00+0100",
    "offset-eaten-by-a-form": "2027-01-31T12:00:00 01:00",
    "zone-name": "2027-01-31T12:00:00[Europe/Berlin]",
    "week-date": "2027-W05-1T00:00:00Z",
    "other-order": "31.01.2027",
    "words": "tomorrow",
    "seconds": "1801440000",
    "nan": "NaN",
    "other-digits": "２０２７-01-31T12:00:00Z",
    "space-around": " 2027-01-31T12:00:00Z ",
    "nul": "2027-01-31T12:00:00Z\u0000",
    "five-thousand-digits": "9" * 5000,
}
OUT_OF_RANGE = {
    "before-1970": "1969-12-31T23:59:59Z",
    "first-year": "0001-01-01T00:00:00Z",
    "last-year": "9999-12-31T23:59:59Z",
    "before-all-time": "0001-01-01T00:00:00+14:00",
    "after-all-time": "9999-12-31T23:59:59-14:00",
    "before-1970-by-offset": "1970-01-01T00:00:00+00:01",
}
DATES = [
    *(pytest.param(value, "moment-invalid", id=name) for name, value in MOMENTS.items()),
    *(pytest.param(value, "moment-out-of-range", id=name) for name, value in OUT_OF_RANGE.items()),
]


@pytest.mark.parametrize(("value", "code"), DATES)
def test_dates(on_sqlite: Instance, value: str, code: str) -> None:
    raw = json.dumps(value)
    for field in ("valid_from", "expires_at"):
        for method, path in (("POST", "/api/v1/links"), ("PUT", LINK), ("PATCH", LINK)):
            assert_refused(on_sqlite.send_json(method, path, body(field, raw)), Wrong(field, code))
    key = on_sqlite.send_json("POST", "/api/v1/keys", f'{{"name": "x", "scopes": ["admin"], "expires_at": {raw}}}')
    assert_refused(key, Wrong("expires_at", code))


@pytest.mark.parametrize(
    ("valid_from", "expires_at"),
    [
        pytest.param("2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z", id="turned-around"),
        pytest.param("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", id="same"),
        pytest.param("2027-01-01T00:00:00Z", "2027-01-01T02:00:00+02:00", id="same-by-offset"),
        pytest.param("2027-01-01T00:30:00-01:00", "2027-01-01T01:00:00Z", id="turned-around-by-offset"),
    ],
)
@every_way
def test_dates_that_contradict(instance: Instance, method: str, path: str, valid_from: str, expires_at: str) -> None:
    raw = json.dumps({"target": GOOD, "valid_from": valid_from, "expires_at": expires_at})
    assert_refused(instance.send_json(method, path, raw), Wrong("expires_at", "dates-contradict"))


LENGTHS = {"title": MAX_TITLE_LENGTH, "notes": MAX_NOTES_LENGTH}


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
@pytest.mark.parametrize(("field", "most"), LENGTHS.items(), ids=LENGTHS.keys())
@every_way
def test_long_texts(on_sqlite: Instance, method: str, path: str, field: str, most: int, letter: str) -> None:
    response = on_sqlite.send_json(method, path, body(field, f'"{letter * (most + 1)}"'))
    assert_refused(response, Wrong(field, "string-too-long"))
    assert str(most) in response.json()["errors"][0]["message"]


KEYS = {
    "name-empty": ('"name": "", "scopes": ["admin"]', "name", "string-too-short"),
    "name-long": (f'"name": "{"a" * 101}", "scopes": ["admin"]', "name", "string-too-long"),
    "name-number": ('"name": 1, "scopes": ["admin"]', "name", "string-type"),
    "name-null": ('"name": null, "scopes": ["admin"]', "name", "string-type"),
    "scopes-missing": ('"name": "x"', "scopes", "required"),
    "scopes-null": ('"name": "x", "scopes": null', "scopes", "list-type"),
    "scopes-empty": ('"name": "x", "scopes": []', "scopes", "too-short"),
    "scopes-string": ('"name": "x", "scopes": "admin"', "scopes", "list-type"),
    "scopes-object": ('"name": "x", "scopes": {"admin": true}', "scopes", "list-type"),
    "scope-unknown": ('"name": "x", "scopes": ["root"]', "scopes.0", "enum"),
    "scope-upper-case": ('"name": "x", "scopes": ["links:read", "ADMIN"]', "scopes.1", "enum"),
    "scope-with-space": ('"name": "x", "scopes": ["links:read admin"]', "scopes.0", "enum"),
    "scope-null": ('"name": "x", "scopes": [null]', "scopes.0", "enum"),
    "scope-surrogate": ('"name": "x", "scopes": ["\\ud800"]', "scopes.0", "enum"),
    "scopes-too-many": ('"name": "x", "scopes": ["admin","admin","admin","admin","admin"]', "scopes", "too-long"),
    "id-given": ('"name": "x", "scopes": ["admin"], "id": "aaaaaaaaaaaa"', "id", "unknown-field"),
    "digest-given": ('"name": "x", "scopes": ["admin"], "digest": "00"', "digest", "unknown-field"),
    "actor-given": ('"name": "x", "scopes": ["admin"], "actor": "me"', "actor", "unknown-field"),
}


@pytest.mark.parametrize(("raw", "field", "code"), KEYS.values(), ids=KEYS.keys())
def test_keys(instance: Instance, raw: str, field: str, code: str) -> None:
    response = instance.send_json("POST", "/api/v1/keys", f"{{{raw}}}")
    if code == "enum" and response.json()["errors"][0]["code"] == "forbidden-character":
        code = "forbidden-character"
    assert_refused(response, Wrong(field, code))


def test_every_mistake_is_named(on_sqlite: Instance) -> None:
    raw = '{"target": 1, "status": 303, "enabled": "yes", "tags": "a", "expires_at": "soon", "what": 1}'
    document = assert_problem(on_sqlite.send_json("POST", "/api/v1/links", raw), "validation-failed")
    assert {entry["field"] for entry in document["errors"]} == set(json.loads(raw))
