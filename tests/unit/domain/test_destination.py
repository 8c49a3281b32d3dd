"""Destinations: where visits are sent, and that no visitor can choose another host."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, TypeAdapter

from shortener import errors
from shortener.domain import target as targets
from shortener.domain.destination import Destination, compile_destination
from shortener.domain.query import Query
from shortener.domain.target import TargetPolicy
from shortener.web.responses import Redirect
from tests.unit.laws import law

POLICY = TargetPolicy(extra_schemes=frozenset({"mailto", "myapp", "ftp"}))
E = "https://e.example"

url: TypeAdapter[AnyUrl] = TypeAdapter(AnyUrl)


def compiled(raw: str, *, forward_query: bool = False, forward_path: bool = False) -> Destination:
    """The destination of a target as somebody writes it."""
    return compile_destination(targets.check(raw, POLICY), forward_query=forward_query, forward_path=forward_path)


#: By name: a target, the path and query of a visit of the code `sale`, and the Location.
FILLED = {
    "code-in-the-path": (f"{E}/{{code}}/x", "", "", f"{E}/sale/x"),
    "code-in-the-query": (f"{E}/?c={{code}}", "", "", f"{E}/?c=sale"),
    "code-in-the-fragment": (f"{E}/#{{code}}", "", "", f"{E}/#sale"),
    "code-behind-the-host-at-once": (f"{E}?{{code}}", "", "", f"{E}/?sale"),
    "all-at-once": (f"{E}/{{code}}/{{path}}?q={{query.q}}#{{code}}", "a/b", "q=1", f"{E}/sale/a/b?q=1#sale"),
    "percent-encoded-by-hand": (f"{E}/%7bcode%7D/?c=%7Bcode%7d", "", "", f"{E}/%7bcode%7D/?c=%7Bcode%7d"),
    "twice": (f"{E}/{{code}}{{code}}", "", "", f"{E}/salesale"),
    "path": (f"{E}/docs/{{path}}", "a/b.html", "", f"{E}/docs/a/b.html"),
    "path-of-nothing": (f"{E}/docs/{{path}}", "", "", f"{E}/docs/"),
    "path-keeps-its-slash-at-the-end": (f"{E}/docs/{{path}}", "a/", "", f"{E}/docs/a/"),
    "path-keeps-what-is-encoded": (f"{E}/docs/{{path}}", "a%20b%2Fc%3F", "", f"{E}/docs/a%20b%2Fc%3F"),
    "path-within-a-segment": (f"{E}/x-{{path}}-y", "a/b", "", f"{E}/x-a/b-y"),
    "path-in-the-query": (f"{E}/?p={{path}}", "a%20b/c&d=1", "", f"{E}/?p=a%20b/c%26d%3D1"),
    "path-in-the-fragment": (f"{E}/#/{{path}}", "a%23b/c", "", f"{E}/#/a%23b/c"),
    "path-with-signs": (f"{E}/{{path}}", "a?b#c\\d e", "", f"{E}/a%3Fb%23c%5Cd%20e"),
    "path-with-a-lone-percent": (f"{E}/{{path}}", "100%/%zz", "", f"{E}/100%25/%25zz"),
    "path-with-letters": (f"{E}/{{path}}", "grün", "", f"{E}/gr%C3%BCn"),
    "path-up": (f"{E}/docs/{{path}}/x", "..", "", f"{E}/docs//x"),
    "path-up-and-down": (f"{E}/docs/{{path}}", "../../admin", "", f"{E}/docs/admin"),
    "path-up-encoded": (f"{E}/docs/{{path}}", "%2e%2E/.%2e/%2e./admin", "", f"{E}/docs/admin"),
    "path-up-by-encoded-slashes": (f"{E}/docs/{{path}}", "a/..%2f..%2Fadmin/b", "", f"{E}/docs/a/b"),
    "path-up-later-in-a-segment": (f"{E}/docs/{{path}}", "a%2F..%2F../b", "", f"{E}/docs/b"),
    "path-up-by-backslashes": (f"{E}/docs/{{path}}", "..\\admin/..%5Cadmin/b", "", f"{E}/docs/b"),
    "path-up-by-parameters": (f"{E}/docs/{{path}}", "..;x=1/b", "", f"{E}/docs/b"),
    "path-of-dots-that-are-names": (f"{E}/docs/{{path}}", ".w/.../a..b/c.", "", f"{E}/docs/.w/.../a..b/c."),
    "path-that-becomes-dots": (f"{E}/docs/.{{path}}", "./admin", "", f"{E}/docs/admin"),
    "path-of-a-host": (f"{E}/{{path}}", "/evil.example/x", "", f"{E}//evil.example/x"),
    "query": (f"{E}/?a={{query.a}}", "", "a=1&b=2", f"{E}/?a=1"),
    "query-first-of-several": (f"{E}/?a={{query.a}}", "", "a=1&a=2", f"{E}/?a=1"),
    "query-of-nothing": (f"{E}/?a={{query.a}}&b=1", "", "b=2", f"{E}/?a=&b=1"),
    "query-without-value": (f"{E}/?a={{query.a}}", "", "a", f"{E}/?a="),
    "query-decoded-and-encoded": (f"{E}/?a={{query.a}}", "", "a=x+y%26z%3D%2B", f"{E}/?a=x%20y%26z%3D%2B"),
    "query-of-latin-1": (f"{E}/?a={{query.a}}", "", "a=%FC", f"{E}/?a=%EF%BF%BD"),
    "query-in-the-path-is-one-segment": (f"{E}/{{query.a}}/x", "", "a=b/c%2Fd", f"{E}/b%2Fc%2Fd/x"),
    "query-in-the-path-up": (f"{E}/docs/{{query.a}}/x", "", "a=..", f"{E}/docs//x"),
    "query-in-the-path-far-up": (f"{E}/docs/{{query.a}}/x", "", "a=../..", f"{E}/docs//x"),
    "query-in-the-path-half-up": (f"{E}/docs/.{{query.a}}/x", "", "a=.", f"{E}/docs//x"),
    "query-in-the-fragment": (f"{E}/#{{query.a}}", "", "a=%23x", f"{E}/#%23x"),
    "query-with-a-peculiar-name": (f"{E}/?a={{query.größe[0]}}", "", "gr%C3%B6%C3%9Fe%5B0%5D=1", f"{E}/?a=1"),
    "query-with-an-encoded-name": (f"{E}/?a={{query.x%26y}}", "", "x%26y=1", f"{E}/?a=1"),
    "query-line-break": (f"{E}/?a={{query.a}}", "", "a=%0D%0ASet-Cookie:x", f"{E}/?a=%0D%0ASet-Cookie%3Ax"),
    "unknown-name": (f"{E}/{{other}}?a={{}}", "p", "q=1", f"{E}/%7Bother%7D?a={{}}"),
    "unknown-beside-a-known": (f"{E}/{{Code}}/{{code}}", "", "", f"{E}/%7BCode%7D/sale"),
    "not-closed": (f"{E}/{{code/x", "", "", f"{E}/%7Bcode/x"),
    "doubled-braces-are-text": (f"{E}/{{{{code}}}}/{{code}}", "", "", f"{E}/%7Bcode%7D/sale"),
    "doubled-braces-in-query": (f"{E}/?a={{{{path}}}}&b={{path}}", "x", "", f"{E}/?a={{path}}&b=x"),
    "mail": ("mailto:a@b.example?subject={query.s}", "", "s=x%26bcc=c", "mailto:a@b.example?subject=x%26bcc%3Dc"),
    "another-scheme": ("myapp://open/x?c={code}#y", "", "", "myapp://open/x?c=sale#y"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "path", "query", "location"), FILLED.values(), ids=list(FILLED))
def test_placeholders(raw: str, path: str, query: str, location: str) -> None:
    destination = compiled(raw)
    assert destination.to("sale", path, Query(query)) == location
    assert destination.is_plain is (destination.target == location)
    assert_is_what_location_says(location)


#: By name: a target, the query of a visit, and the Location when it is forwarded.
MERGED = {
    "to-none": (f"{E}/x", "a=1&b=2", f"{E}/x?a=1&b=2"),
    "to-another": (f"{E}/x?a=1", "b=2", f"{E}/x?a=1&b=2"),
    "the-links-own-wins": (f"{E}/x?a=1", "a=2&b=3", f"{E}/x?a=1&b=3"),
    "the-links-own-wins-encoded": (f"{E}/x?a%20b=1", "a+b=2&%61%20b=3&c=4", f"{E}/x?a%20b=1&c=4"),
    "the-links-own-wins-encoded-there": (f"{E}/x?%61=1", "a=2", f"{E}/x?%61=1"),
    "the-links-own-wins-without-value": (f"{E}/x?a", "a=2", f"{E}/x?a"),
    "the-links-own-wins-by-placeholder": (f"{E}/x?{{query.n}}=1", "n=a&a=2", f"{E}/x?a=1&n=a"),
    "names-differ-in-case": (f"{E}/x?a=1", "A=2", f"{E}/x?a=1&A=2"),
    "several-of-one-name": (f"{E}/x", "a=2&b=1&a=1", f"{E}/x?a=2&b=1&a=1"),
    "encoding-is-kept": (f"{E}/x", "a=%20+%e9&b", f"{E}/x?a=%20+%e9&b"),
    "empty-pairs-are-left-out": (f"{E}/x", "&&a=1&&", f"{E}/x?a=1"),
    "question-mark-alone": (f"{E}/x?", "a=1", f"{E}/x?a=1"),
    "ampersand-at-the-end": (f"{E}/x?b=2&", "a=1", f"{E}/x?b=2&a=1"),
    "fragment-stays-last": (f"{E}/x#part", "a=1", f"{E}/x?a=1#part"),
    "nothing-to-add": (f"{E}/x?a=1#part", "", f"{E}/x?a=1#part"),
    "question-mark-stays": (f"{E}/x?", "", f"{E}/x?"),
    "mark-of-qr-codes": (f"{E}/x", "qr&a=1&qr=2&%71r=3", f"{E}/x?a=1"),
    "mark-of-qr-codes-only": (f"{E}/x", "qr=1", f"{E}/x"),
    "the-links-own-qr": (f"{E}/x?qr=own", "qr=1", f"{E}/x?qr=own"),
    "signs": (f"{E}/x", "a=#b\\c d\"<>`{|}^", f"{E}/x?a=%23b%5Cc%20d%22%3C%3E%60%7B%7C%7D%5E"),
    "semicolon-that-old-servers-take-for-an-ampersand": (f"{E}/x?a=1", "b=2;a=3", f"{E}/x?a=1&b=2%3Ba=3"),
    "placeholder-of-a-visitor": (f"{E}/x", "a={code}&b=%7Bcode%7D", f"{E}/x?a=%7Bcode%7D&b=%7Bcode%7D"),
    "line-break": (f"{E}/x", "a=\r\nb", f"{E}/x?a=%0D%0Ab"),
    "lone-percent": (f"{E}/x", "a=100%", f"{E}/x?a=100%25"),
    "mail": ("mailto:a@b.example?subject=x", "bcc=c", "mailto:a@b.example?subject=x"),
    "file-server": ("ftp://e.example/x", "a=1", "ftp://e.example/x"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "query", "location"), MERGED.values(), ids=list(MERGED))
def test_forwarded_queries(raw: str, query: str, location: str) -> None:
    assert compiled(raw, forward_query=True).to("sale", "", Query(query)) == location
    assert_is_what_location_says(location)
    assert "?" not in query or compiled(raw).to("sale", "", Query(query)) == targets.check(raw, POLICY)


#: By name: a target, the path of a visit, and the Location when it is forwarded.
APPENDED = {
    "to-the-root": (E, "a/b", f"{E}/a/b"),
    "to-a-path": (f"{E}/docs", "a/b", f"{E}/docs/a/b"),
    "to-a-path-with-a-slash": (f"{E}/docs/", "a/b", f"{E}/docs/a/b"),
    "slash-at-the-end": (f"{E}/docs", "a/", f"{E}/docs/a/"),
    "before-query-and-fragment": (f"{E}/docs?a=1#b", "x", f"{E}/docs/x?a=1#b"),
    "nothing": (f"{E}/docs", "", f"{E}/docs"),
    "encoding-is-kept": (f"{E}/docs", "a%20b%2Fc", f"{E}/docs/a%20b%2Fc"),
    "signs": (f"{E}/docs", "a?b#c\\d e\x00", f"{E}/docs/a%3Fb%23c%5Cd%20e%00"),
    "up": (f"{E}/docs", "../admin", f"{E}/docs/admin"),
    "up-only": (f"{E}/docs", "..", f"{E}/docs"),
    "up-encoded": (f"{E}/docs", "%2e%2e/%2E/admin", f"{E}/docs/admin"),
    "two-slashes": (f"{E}/docs", "/evil.example", f"{E}/docs//evil.example"),
    "two-slashes-at-the-root": (E, "/evil.example", f"{E}//evil.example"),
    "at-sign": (E, "@evil.example", f"{E}/@evil.example"),
    "whole-address": (E, "https://evil.example/", f"{E}/https://evil.example/"),
    "where-the-placeholder-is": (f"{E}/{{path}}/x", "a", f"{E}/a/x"),
    "placeholder-in-the-query-is-another-matter": (f"{E}/x?p={{path}}", "a", f"{E}/x/a?p=a"),
    "the-targets-own-dots-stay": (f"{E}/a..b/..%2fc", "d", f"{E}/a..b/..%2fc/d"),
    "mail": ("mailto:a@b.example", "x", "mailto:a@b.example"),
}


@pytest.mark.parametrize(("raw", "path", "location"), APPENDED.values(), ids=list(APPENDED))
def test_forwarded_paths(raw: str, path: str, location: str) -> None:
    assert compiled(raw, forward_path=True).to("sale", path, Query("")) == location
    assert_is_what_location_says(location)


@pytest.mark.parametrize(
    ("raw", "forward_query", "forward_path", "plain"),
    [
        (f"{E}/x?a=1#b", False, False, True),
        (f"{E}/{{other}}", False, False, True),
        (f"{E}/x", True, False, False),
        (f"{E}/x", False, True, False),
        (f"{E}/{{code}}", False, False, False),
        ("mailto:a@b.example", True, True, True),
        ("mailto:a@b.example?body={code}", False, False, False),
    ],
)
def test_what_depends_on_nothing_is_plain(raw: str, forward_query: bool, forward_path: bool, plain: bool) -> None:
    destination = compiled(raw, forward_query=forward_query, forward_path=forward_path)
    assert destination.is_plain is plain
    assert not plain or destination.to("c", "p", Query("q=1")) == destination.target


def test_what_stands_where_no_placeholder_can_be_is_text() -> None:
    """Targets may be older than the rules about them."""
    for stored in ("myapp://%7Bcode%7D/x", "myapp://open/x#%7Bcode%7D", "https://e.example/%7Bquery.%7D"):
        assert compile_destination(stored, forward_query=False, forward_path=False).is_plain


LONG = "x" * targets.MAX_LENGTH
ROOM = targets.MAX_LENGTH - len(f"{E}/docs?")
#: By name: a target, the code, path and query of a visit, and how long its Location would be.
TOO_LONG = {
    "forwarded-path": (f"{E}/docs", "c", LONG, "a=1"),
    "forwarded-query": (f"{E}/docs", "c", "a", f"a={LONG}"),
    "forwarded-query-by-one-character": (f"{E}/docs", "c", "", "x" * (ROOM + 1)),
    "forwarded-query-once-escaped": (f"{E}/docs", "c", "", "a=" + "ü" * (ROOM // 4)),
    "forwarded-lone-percents": (f"{E}/docs", "c", "", "%" * (ROOM // 2)),
    "path-in-the-path": (f"{E}/{{path}}", "c", LONG, ""),
    "path-in-the-query": (f"{E}/?a={{path}}", "c", LONG, ""),
    "path-once-escaped": (f"{E}/?a={{path}}", "c", "|" * (ROOM // 2), ""),
    "parameter": (f"{E}/?a={{query.a}}", "c", "", f"a={LONG}"),
    "parameter-once-escaped": (f"{E}/?a={{query.a}}", "c", "", "a=" + "%7C" * (ROOM // 2)),
    "parameter-many-times": (f"{E}/?" + "{query.a}" * 32, "c", "", "a=" + "x" * 300),
    "parameter-in-path-query-and-fragment": (f"{E}/{{query.a}}?{{query.a}}#{{query.a}}", "c", "", "a=" + "x" * 3000),
    "several-parameters": (f"{E}/?{{query.a}}{{query.b}}", "c", "", f"a={'x' * 5000}&b={'x' * 5000}"),
    "code": (f"{E}/{'y' * 8000}/{{code}}", "ü" * 100, "", ""),
}


@pytest.mark.parametrize(("raw", "code", "path", "query"), TOO_LONG.values(), ids=list(TOO_LONG))
def test_what_would_be_too_long_is_refused(raw: str, code: str, path: str, query: str) -> None:
    with pytest.raises(errors.LocationTooLong, match=re.escape("8,192")):
        compiled(raw, forward_query=True, forward_path=True).to(code, path, Query(query))


#: By name: a target, the path and query of a visit, and its Location of 8,192 characters.
JUST_FITS = {
    "forwarded-query": (f"{E}/docs", "", "x" * ROOM, f"{E}/docs?{'x' * ROOM}"),
    "forwarded-path": (f"{E}/docs", "x" * ROOM, "", f"{E}/docs/{'x' * ROOM}"),
    "path": (f"{E}/docs?{{path}}", "x" * ROOM, "", f"{E}/docs?{'x' * ROOM}"),
    "parameter": (f"{E}/docs?{{query.a}}", "", "a=" + "%78" * ROOM, f"{E}/docs?{'x' * ROOM}"),
    "without-what-is-not-passed-on": (
        f"{E}/docs?{{query.a}}",
        "",
        f"a={'x' * ROOM}&b={LONG}",
        f"{E}/docs?{'x' * ROOM}",
    ),
}


@pytest.mark.parametrize(("raw", "path", "query", "location"), JUST_FITS.values(), ids=list(JUST_FITS))
def test_what_just_fits_is_whole(raw: str, path: str, query: str, location: str) -> None:
    assert len(location) == targets.MAX_LENGTH
    forwarded = "{" not in raw
    destination = compiled(raw, forward_query=forwarded, forward_path=forwarded)
    assert destination.to("c", path, Query(query)) == location


def assert_is_what_location_says(location: str) -> None:
    assert Redirect(location, 302, {}).raw_headers[-1] == (b"location", location.encode("ascii"))
    assert all("!" <= character <= "~" for character in location)
    assert len(location) <= targets.MAX_LENGTH


TARGETS = [
    E,
    f"{E}:8443/docs/x?own=1#part",
    f"{E}/docs/x/{{path}}",
    f"{E}/docs/x/{{query.q}}/{{code}}.{{path}}",
    f"{E}/docs/x/.{{query.q}}.{{query.r}}?a={{query.q}}&{{query.r}}=1#{{path}}",
    f"{E}?{{query.q}}",
    "http://192.0.2.1/{path}",
    "http://[2001:db8::1]:81/docs/x/?{path}",
    "https://bücher.example/%/{query.q}%{path}",
    "mailto:a@b.example?subject={query.q}",
    "myapp://open/x?{path}",
]
PIECES = [
    *"aZ09.,:;/?#[]@!$&'()*+=-_~%|^`{}<>\"\\é日😀 \t\r\n\0\x7f\x85",
    *("..", "//", "%2e", "%2F", "%5c", "%00", "%0a", "%zz", "%", "q=", "&r=", "own=", "qr=", "%7Bcode%7D", "\ud800"),
    *("https:", "evil.example", "@evil.example", "#@", "\u2028", "\u3002", "..;", "javascript:"),
]
sent = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(st.characters(), max_size=20)


@law
@given(st.sampled_from(TARGETS), sent, sent, sent, st.booleans(), st.booleans())
def test_no_visitor_chooses_where_he_is_sent(
    raw: str, code: str, path: str, query: str, forward_query: bool, forward_path: bool
) -> None:
    destination = compiled(raw, forward_query=forward_query, forward_path=forward_path)
    location = destination.to(code, path, Query(query))
    assert_is_what_location_says(location)
    before, after = url.validate_python(destination.target), url.validate_python(location)
    assert (after.scheme, after.host, after.port) == (before.scheme, before.host, before.port)
    assert (after.username, after.password) == (before.username, before.password) == (None, None)
    mine, theirs = urlsplit(destination.target), urlsplit(location)
    assert (theirs.scheme, theirs.netloc) == (mine.scheme, mine.netloc)
    assert (theirs.hostname, theirs.port) == (mine.hostname, mine.port)


climbing = st.lists(
    st.sampled_from(["..", ".", "%2e", "%2E.", "/", "%2f", "\\", "%5C", ";", "%3b", "a", "&q="]), max_size=8
).map("".join)


@law
@given(st.sampled_from([target for target in TARGETS if "/docs/x" in target]), climbing, climbing, climbing)
def test_no_visitor_climbs_above_the_targets_path(raw: str, code: str, path: str, query: str) -> None:
    """Neither as browsers read the path, nor as servers do that decode it first and cut its parameters off."""
    location = compiled(raw, forward_path=True).to(code, path, Query(f"q={query}"))
    read = url.validate_python(location)
    assert (read.path or "").startswith("/docs/x")
    decoded = re.sub(r";[^/]*", "", unquote(urlsplit(location).path).replace("\\", "/"))
    assert (url.validate_python(f"{E}{decoded}").path or "").startswith("/docs/x")


@law
@given(st.sampled_from(TARGETS), sent)
def test_the_links_own_parameters_win(raw: str, query: str) -> None:
    own = compiled(raw).to("c", "p", Query(query))
    merged = compiled(raw, forward_query=True).to("c", "p", Query(query))
    before, _, fragment = own.partition("#")
    assert merged.startswith(before)
    assert merged.partition("#")[2] == fragment
    names = [
        unquote(pair.partition("=")[0].replace("+", " ")) for pair in before.partition("?")[2].split("&") if pair
    ]
    added = merged.partition("#")[0][len(before) :].removeprefix("?").split("&")
    assert not {unquote(pair.partition("=")[0].replace("+", " ")) for pair in added if pair} & {*names, "qr"}
