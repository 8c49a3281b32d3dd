"""Clicks: which kind of visitor made one, and what is kept of a request's headers and query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import click as clicks
from shortener.domain import text
from shortener.domain.click import ClickClass, Dimension, Flag
from tests.unit.laws import law


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        (set(), ClickClass.BOT),
        ({"social-preview"}, ClickClass.PREVIEW),
        ({"monitoring"}, ClickClass.MONITOR),
        ({"monitoring", "social-preview"}, ClickClass.PREVIEW),
    ],
)
def test_a_programs_class_is_what_its_tags_say(tags: set[str], kind: ClickClass) -> None:
    assert clicks.class_of_program(frozenset(tags)) is kind


def test_stored_numbers_and_names_never_change() -> None:
    assert {kind.label: int(kind) for kind in ClickClass} == {
        "human": 1,
        "bot": 2,
        "preview": 3,
        "prefetch": 4,
        "monitor": 5,
    }
    assert [dimension.label for dimension in sorted(Dimension)] == [
        *("referrer", "browser", "os", "device", "country", "language"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "code"),
        *("variant", "trigger", "region", "city", "referrer_url"),
    ]
    assert sorted(Dimension) == list(range(1, 18))
    assert [Flag.PREFETCH, Flag.QR, Flag.DO_NOT_TRACK] == [1, 2, 4]
    assert {Dimension[name.upper()].label for name in clicks.UTM_PARAMETERS} == set(clicks.UTM_PARAMETERS)


@pytest.mark.parametrize(
    ("purpose", "ahead"),
    [
        ("prefetch", True),
        ("Prefetch", True),
        ("prefetch;prerender", True),
        ("prefetch;anonymous-client-ip", True),
        ("preview", True),
        ("", False),
        ("navigate", False),
        ("fetch", False),
    ],
)
def test_is_prefetch(purpose: str, ahead: bool) -> None:
    assert clicks.is_prefetch(purpose) is ahead


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-DE", "de"),
        ("DE-de", "de"),
        ("zh-Hant-TW", "zh"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.8,de;q=0.9", "de"),
        ("en;q=0.8, de", "de"),
        ("en ; Q=0.3 , fr ; q=0.7", "fr"),
        ("de;q=1.000,en", "de"),
        ("de,en", "de"),
        ("de;q=0.5,en;q=0.5", "de"),
        ("de;q=0,en;q=0.1", "en"),
        ("de;q=0.", None),
        ("*", None),
        ("*,en;q=0.5", "en"),
        ("en;q=0", None),
        ("", None),
        (",,", None),
        (",de", "de"),
        ("de;q=2,en;q=0.1", "en"),
        ("de;q=1.5,en;q=0.1", "en"),
        ("de;q=-1,en;q=0.1", "en"),
        ("de;q=x,en;q=0.1", "en"),
        ("de_DE,en;q=0.1", "en"),
        ("x-klingon,i-default", None),
        ("abcdefghi", None),
        ("d", None),
        ("<script>", None),
        ("\xff\xfe", None),
    ],
)
def test_language(accepted: str, language: str | None) -> None:
    assert clicks.language(accepted) == language


@law
@given(st.text(st.sampled_from("deENx*-;qQ=01.59, \t_é")))
def test_a_language_is_a_subtag_whatever_is_accepted(accepted: str) -> None:
    found = clicks.language(accepted)
    assert found is None or (found.isascii() and found.isalpha() and found.islower() and 2 <= len(found) <= 8)


#: By name: a Referer header, the origin kept of it, and the host shown.
REFERRERS: dict[str, tuple[str, str, str | None]] = {
    "page": ("https://news.example/article/1", "https://news.example", "news.example"),
    "query": ("https://news.example/?user=bob", "https://news.example", "news.example"),
    "query-without-path": ("https://news.example?user=bob", "https://news.example", "news.example"),
    "fragment": ("https://news.example#bob", "https://news.example", "news.example"),
    "origin": ("https://news.example", "https://news.example", "news.example"),
    "port": ("http://news.example:8080/x", "http://news.example:8080", "news.example"),
    "user-info": ("https://bob:secret@news.example/x", "https://news.example", "news.example"),
    "user-info-with-at-sign": ("https://bob@home:secret@news.example/x", "https://news.example", "news.example"),
    "at-sign-in-path": ("https://news.example/@bob", "https://news.example", "news.example"),
    "at-sign-in-query": ("https://news.example?bob@home", "https://news.example", "news.example"),
    "backslash": ("https://news.example\\bob@home", "https://news.example", "news.example"),
    "www-and-upper-case": ("https://WWW.News.Example/", "https://WWW.News.Example", "news.example"),
    "www-only": ("https://www./", "https://www.", None),
    "www-further-on": ("https://a.www.example/", "https://a.www.example", "a.www.example"),
    "app": ("android-app://com.example.mail/inbox/bob", "android-app://com.example.mail", "com.example.mail"),
    "ipv6": ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80", "2001:db8::1"),
    "ipv6-unclosed": ("http://[2001:db8::1/x", "http://[2001:db8::1", None),
    "no-host": ("https:///bob", "https://", None),
    "relative": ("/profile/bob", "", None),
    "relative-with-address-in-query": ("/profile?user=bob&to=https://x.example/", "", None),
    "address-in-query-of-no-scheme": ("bob?to=https://x.example/", "", None),
    "scheme-relative": ("//news.example/bob", "", None),
    "mail": ("mailto:bob@example.com", "", None),
    "blank": ("about:blank", "", None),
    "data": ("data:text/plain,bob://x", "", None),
    "text-before": ("bob https://news.example/", "", None),
    "nothing": ("", "", None),
}


@pytest.mark.parametrize(("referrer", "origin", "host"), REFERRERS.values(), ids=list(REFERRERS))
def test_referrer(referrer: str, origin: str, host: str | None) -> None:
    assert clicks.referrer_origin(referrer) == origin
    assert clicks.referrer_host(origin) == host


@law
@given(
    st.lists(st.sampled_from([*"a:/?#@\\[]%. \u0130", "://", "https", "news.example", "%40", "\u2100", "😀"])).map(
        "".join
    )
)
def test_a_referrer_keeps_no_page_and_no_person(referrer: str) -> None:
    origin = clicks.referrer_origin(referrer)
    scheme, _, authority = origin.partition("://")
    assert not set(authority) & set("/?#\\@")
    assert origin == "" or (scheme.isascii() and scheme[0].isalpha() and not set(scheme) & set(" /?#@[]%:"))
    assert clicks.referrer_origin(origin) == origin
    host = clicks.referrer_host(origin)
    assert host is None or 0 < len(host) <= clicks.MAX_LABEL_LENGTH


def test_a_long_referrer_is_cut() -> None:
    origin = clicks.referrer_origin(f"https://{'a' * 1000}.example/")
    assert origin == f"https://{'a' * 504}"
    assert len(origin) == clicks.MAX_LABEL_LENGTH


#: Of those above, by name: the page kept. Of all others it is the origin.
PAGES = {
    "page": "https://news.example/article/1",
    "port": "http://news.example:8080/x",
    "user-info": "https://news.example/x",
    "user-info-with-at-sign": "https://news.example/x",
    "at-sign-in-path": "https://news.example/@bob",
    "app": "android-app://com.example.mail/inbox/bob",
    "ipv6": "http://[2001:db8::1]:80/x",
    "ipv6-unclosed": "http://[2001:db8::1/x",
}


@pytest.mark.parametrize("name", REFERRERS)
def test_page_of_a_referrer(name: str) -> None:
    referrer, origin, _ = REFERRERS[name]
    assert clicks.referrer_page(referrer) == PAGES.get(name, origin)


@pytest.mark.parametrize(
    ("referrer", "page"),
    [
        ("https://news.example/", "https://news.example"),
        ("https://news.example//", "https://news.example//"),
        ("https://news.example/?user=bob", "https://news.example"),
        ("https://news.example/a/b/?user=bob/c#d", "https://news.example/a/b/"),
        ("https://news.example/a#bob?c", "https://news.example/a"),
        ("https://news.example/a\\bob", "https://news.example/a"),
        ("https://news.example?to=/profile/bob", "https://news.example"),
        ("https://news.example#/profile/bob", "https://news.example"),
        ("https://bob@news.example?to=https://x.example/y", "https://news.example"),
        ("https://news.example/to/https://x.example/y", "https://news.example/to/https://x.example/y"),
        ("https://news.example/caf%C3%A9%3Fa", "https://news.example/caf%C3%A9%3Fa"),
        ("https://News.example/Art%20icle", "https://News.example/Art%20icle"),
        ("https://bob@/profile", "https://"),
        ("file:///home/bob/letter.html", "file://"),
    ],
)
def test_a_page_is_scheme_host_and_path(referrer: str, page: str) -> None:
    assert clicks.referrer_page(referrer) == page


@law
@given(
    st.lists(
        st.sampled_from(
            [*"a:/?#@\\[]%. \t\n\0\u0130", "://", "https", "news.example", "a" * 300, "%3F", "\u2100", "😀"]
        )
    ).map("".join)
)
def test_a_page_adds_a_path_to_an_origin_and_nothing_else(referrer: str) -> None:
    origin, page = clicks.referrer_origin(referrer), clicks.referrer_page(referrer)
    assert page.startswith(origin)
    assert page[len(origin) :][:1] in {"", "/"}
    assert not set(page) & set("?#\\")
    assert page.removeprefix(origin) in referrer
    assert len(page) <= clicks.MAX_LABEL_LENGTH
    assert clicks.referrer_page(page) == page
    assert clicks.referrer_host(page) == clicks.referrer_host(origin)


def test_a_long_page_is_cut() -> None:
    page = clicks.referrer_page(f"https://news.example/{'a' * 1000}?user=bob")
    assert page == f"https://news.example/{'a' * 491}"
    assert len(page) == clicks.MAX_LABEL_LENGTH


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {}),
        ("a=b", {}),
        ("utm_source=mail", {"utm_source": "mail"}),
        (
            "utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e",
            {"utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_term": "d", "utm_content": "e"},
        ),
        ("x=1&utm_source=mail&y=2", {"utm_source": "mail"}),
        ("utm_source=first&utm_source=second", {"utm_source": "first"}),
        ("utm_source=&utm_source=second", {"utm_source": "second"}),
        ("utm_source=", {}),
        ("utm_source", {}),
        ("utm_id=1&utm_sourcex=2&xutm_source=3", {}),
        ("UTM_SOURCE=mail&utm_medium=b", {"utm_medium": "b"}),
        ("utm_source=a+b%20c", {"utm_source": "a b c"}),
        ("utm_source=gr%C3%BCn", {"utm_source": "grün"}),
        ("utm_source=%ff", {"utm_source": "\ufffd"}),
        ("utm_source=%zz", {"utm_source": "%zz"}),
        ("utm_source=a=b", {"utm_source": "a=b"}),
        ("utm_source=%26utm_medium=b", {"utm_source": "&utm_medium=b"}),
        ("&&utm_source=a&&", {"utm_source": "a"}),
    ],
)
def test_utm(query: str, found: dict[str, str]) -> None:
    assert clicks.utm(query) == found


def test_a_long_utm_value_is_cut() -> None:
    assert clicks.utm(f"utm_source={'a' * 1000}") == {"utm_source": "a" * clicks.MAX_LABEL_LENGTH}


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("mail", "mail"),
        ("  mail ", "mail"),
        ("a b", "a b"),
        ("", None),
        (" \t\n", None),
        ("a\0b\x1b\x85c", "abc"),
        ("a\ud800b", "ab"),
        ("gru\u0308n", "grün"),
        ("gru\0\u0308n", "grün"),
        ("x" * 600, "x" * 512),
        ("x" * 511 + " y", "x" * 511),
        (" " * 600 + "x", None),
    ],
    ids=ascii,
)
def test_label(value: str, label: str | None) -> None:
    assert clicks.label(value) == label


#: Text that is cut, with what is special right where it is: composed, expanded, stripped or removed.
cut_text = st.builds(
    lambda filler, tail: filler * 508 + tail,
    st.sampled_from("x \ufb2c"),
    st.text(st.sampled_from("a \0\u0308u\ufb2c"), max_size=12),
)


@law
@given(st.text(st.characters(), max_size=30) | cut_text)
def test_a_label_is_its_own_label(value: str) -> None:
    label = clicks.label(value)
    if label is not None:
        assert clicks.label(label) == label
        assert 0 < len(label) <= clicks.MAX_LABEL_LENGTH
        assert text.forbidden_character(label) is None
        assert label == label.strip()
