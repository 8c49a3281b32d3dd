"""Bodies that are no JSON, no object, not said to be JSON, too large, or full of fields that nobody knows."""

import gzip
import json
from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES
from tests.web.refusals import CODE, GOOD, JSON, Instance, Wrong, assert_problem, assert_refused, instance_on

#: Every route that takes a body.
ROUTES = [
    pytest.param("POST", "/api/v1/links", id="create-link"),
    pytest.param("PUT", f"/api/v1/links/{CODE}", id="put-link"),
    pytest.param("PATCH", f"/api/v1/links/{CODE}", id="patch-link"),
    pytest.param("POST", "/api/v1/keys", id="create-key"),
]
every_route = pytest.mark.parametrize(("method", "path"), ROUTES)

LINK = json.dumps({"target": GOOD})


@pytest.fixture(scope="module")
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """On SQLite: what is wrong here is found before any database is asked."""
    with instance_on(ENGINES[0], tmp_path_factory.mktemp("bodies"), request) as opened:
        yield opened


@pytest.fixture(scope="module")
def roomy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance that accepts bodies of 2 MiB."""
    folder = tmp_path_factory.mktemp("roomy")
    with instance_on(ENGINES[0], folder, request, max_body_bytes=2**21) as opened:
        yield opened


MALFORMED = [
    pytest.param("{", "property name", id="brace"),
    pytest.param(LINK[:-1], "',' delimiter", id="truncated-object"),
    pytest.param(LINK[:-5], "Unterminated string", id="truncated-string"),
    pytest.param('{"target"', "':' delimiter", id="truncated-member"),
    pytest.param("{'target': 'x'}", "double quotes", id="single-quotes"),
    pytest.param(LINK[:-1] + ",}", "double quotes", id="trailing-comma"),
    pytest.param(LINK + LINK, "Extra data", id="two-documents"),
    pytest.param("/* */" + LINK, "Expecting value", id="comment"),
    pytest.param("-", "Expecting value", id="minus"),
    pytest.param("nul", "Expecting value", id="half-null"),
    pytest.param(" \t\r\n", "Expecting value", id="white-space"),
    pytest.param('{"title": "a\nb"}', "control character", id="raw-newline-in-string"),
    pytest.param('{"title": "a\x00b"}', "control character", id="raw-nul-in-string"),
    pytest.param('{"title": "\\x41"}', "escape", id="bad-escape"),
    pytest.param('{"title": "\\u12"}', "escape", id="cut-escape"),
    pytest.param(b'{"title": "\xff\xfe"}', "UTF-8", id="invalid-utf-8"),
    pytest.param(b'{"title": "\xc0\xaf"}', "UTF-8", id="overlong-utf-8"),
    pytest.param('{"title": "é"}'.encode("latin-1"), "UTF-8", id="latin-1"),
    pytest.param(b"\x00\x01\x02\x03", "JSON", id="binary"),
    pytest.param("[" * 30_000 + "]" * 30_000, "nested too deeply", id="nested-arrays"),
    pytest.param('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply", id="nested-objects"),
    pytest.param('{"title":' + "[" * 50_000, "nested too deeply", id="open-arrays-in-a-field"),
    pytest.param('{"status": ' + "9" * 5_001 + "}", "too many digits", id="five-thousand-digits"),
]


@pytest.mark.parametrize(("raw", "says"), MALFORMED)
@every_route
def test_what_is_no_json(instance: Instance, method: str, path: str, raw: str | bytes, says: str) -> None:
    response = instance.send_json(method, path, raw)
    assert says in assert_problem(response, "malformed-json")["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, id="arrays"),
        pytest.param('{"a":' * 100_000 + "{}" + "}" * 100_000, id="objects"),
        pytest.param('{"title":' + '[{"a":' * 100_000, id="mixed-and-cut"),
    ],
)
@every_route
def test_a_hundred_thousand_levels(roomy: Instance, method: str, path: str, raw: str) -> None:
    assert_problem(roomy.send_json(method, path, raw), "malformed-json")


@pytest.mark.parametrize("digits", [pytest.param(n, id=f"{n}-digits") for n in (20, 4_000, 100_000)])
def test_numbers_of_many_digits_in_a_body_of_any_size(roomy: Instance, digits: int) -> None:
    response = roomy.send_json("PATCH", f"/api/v1/links/{CODE}", '{"status": ' + "9" * digits + "}")
    assert response.status_code in {400, 422}
    assert len(response.content) < 1000


NO_OBJECTS = [
    pytest.param(raw, id=name)
    for name, raw in {
        "null": "null",
        "array": "[]",
        "array-of-objects": f"[{LINK}]",
        "string": '"target"',
        "object-in-a-string": json.dumps(LINK),
        "empty-string": '""',
        "number": "1",
        "float": "1.5",
        "true": "true",
        "nan": "NaN",
        "infinity": "-Infinity",
        "lone-surrogate": '"\\ud800"',
    }.items()
]


@pytest.mark.parametrize("raw", NO_OBJECTS)
@every_route
def test_what_is_no_object(instance: Instance, method: str, path: str, raw: str) -> None:
    response = instance.send_json(method, path, raw)
    assert_refused(response, Wrong("body", "object-type"))
    assert "object" in response.json()["errors"][0]["message"]


@every_route
def test_no_body(instance: Instance, method: str, path: str) -> None:
    assert_refused(instance.send(method, path), Wrong("body", "required"))
    assert_refused(instance.send_json(method, path, ""), Wrong("body", "required"))


@pytest.mark.parametrize(
    ("path", "needed"), [("/api/v1/links", ["target"]), ("/api/v1/keys", ["name", "scopes"])], ids=["link", "key"]
)
def test_an_empty_object(instance: Instance, path: str, needed: list[str]) -> None:
    document = assert_problem(instance.send_json("POST", path, "{}"), "validation-failed")
    assert [(entry["field"], entry["code"]) for entry in document["errors"]] == [(f, "required") for f in needed]


UNKNOWN = {
    "word": ("surprise", "surprise"),
    "case": ("Target", "Target"),
    "read-only": ("clicks", "clicks"),
    "internal": ("id", "id"),
    "empty": ("", ""),
    "dunder": ("__class__", "__class__"),
    "nul": ("\\u0000", "\\x00"),
    "newline": ("a\\nb", "a\\nb"),
    "right-to-left": ("\\u202e", "\\u202e"),
    "emoji": ("\\ud83d\\ude00", "😀"),
}


@pytest.mark.parametrize(("raw", "shown"), UNKNOWN.values(), ids=UNKNOWN.keys())
@every_route
def test_unknown_fields(instance: Instance, method: str, path: str, raw: str, shown: str) -> None:
    good = '"name": "x", "scopes": ["admin"]' if "keys" in path else f'"target": "{GOOD}"'
    response = instance.send_json(method, path, f'{{{good}, "{raw}": 1}}')
    assert_refused(response, Wrong(shown, "unknown-field"))


@pytest.mark.parametrize("name", ["\\ud800", "a\\udfffb", "\ud800"], ids=["high", "low", "raw"])
@every_route
def test_field_names_that_are_no_text(instance: Instance, method: str, path: str, name: str) -> None:
    response = instance.send_json(method, path, f'{{"target": "{GOOD}", "{name}": 1}}')
    document = assert_problem(response, "validation-failed")
    assert ("body", "forbidden-character") in [(entry["field"], entry["code"]) for entry in document["errors"]]


@every_route
def test_many_mistakes_make_no_long_answer(instance: Instance, method: str, path: str) -> None:
    raw = "{" + ",".join(f'"{number}":0' for number in range(6_000)) + "}"
    response = instance.send_json(method, path, raw)
    assert_problem(response, "validation-failed")
    assert len(response.content) < len(raw)


MEDIA_TYPES = {
    "none": None,
    "empty": "",
    "text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "octets": "application/octet-stream",
    "longer-than-json": "application/jsonx",
    "text-json": "text/json",
    "text-suffix": "text/x+json",
    "suffix-alone": "+json",
    "no-slash": "x+json",
    "word": "json",
    "two": "application/json, text/plain",
    "json-as-parameter": "text/plain; application/json",
}


@pytest.mark.parametrize("media_type", MEDIA_TYPES.values(), ids=MEDIA_TYPES.keys())
@every_route
def test_other_media_types(instance: Instance, method: str, path: str, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    response = instance.send(method, path, content=LINK.encode(), headers=headers)
    assert "application/json" in assert_problem(response, "unsupported-media-type")["detail"]


@every_route
def test_forms(instance: Instance, method: str, path: str) -> None:
    fields = instance.send(method, path, data={"target": GOOD, "name": "x", "scopes": "admin"})
    assert_problem(fields, "unsupported-media-type")
    files = instance.send(method, path, files={"target": ("target.json", LINK.encode(), "application/json")})
    assert_problem(files, "unsupported-media-type")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, gzip", "x"])
@every_route
def test_compressed_bodies(instance: Instance, method: str, path: str, coding: str) -> None:
    headers = {**JSON, "content-encoding": coding}
    for content in (LINK.encode(), gzip.compress(LINK.encode())):
        response = instance.send(method, path, content=content, headers=headers)
        assert "Content-Encoding" in assert_problem(response, "unsupported-media-type")["detail"]


def test_json_that_is_good_in_other_clothes(instance: Instance) -> None:
    """The other side of the tables above: none of these may be refused (RFC 8259 section 8.1, RFC 6839)."""
    for media_type in ("application/json", "APPLICATION/JSON ; charset=utf-8", "application/merge-patch+json"):
        for content in (LINK.encode(), LINK.encode("utf-8-sig"), b"\n\t " + LINK.encode()):
            headers = {"content-type": media_type, "content-encoding": "identity"}
            response = instance.send("PATCH", f"/api/v1/links/{CODE}", content=content, headers=headers)
            assert response.status_code == 200, response.text
