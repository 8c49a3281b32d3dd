"""Enrichment: what the parts of a frame tell, together and when one tells nothing."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from structlog.testing import capture_logs

from shortener.clicks import enrich, frame
from shortener.domain import click as clicks
from shortener.domain import visitor
from shortener.domain.click import UTM_PARAMETERS, ClickClass, Dimension, Flag
from tests import frames
from tests.clicks import ENRICHER, enriched
from tests.conftest import FIREFOX
from tests.frames import Click

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def values(click: Click) -> dict[Dimension, str]:
    """The value of each dimension that a click has one for."""
    found = enriched(click)
    every = (
        *zip(enrich.REFERRER, found.request.referrer, strict=True),
        *zip(enrich.VISITOR, found.visitor.values, strict=True),
        *zip(enrich.UTM, found.request.utm, strict=True),
        *zip(enrich.LINK, found.link.values, strict=True),
        *zip(enrich.TRIGGER, enrich.trigger(found.flags), strict=True),
    )
    return {dimension: text for dimension, text in every if text is not None}


def country_of(network: bytes) -> str | None:
    return values(replace(BARE, network=network)).get(Dimension.COUNTRY)


def test_the_values_of_a_click_are_in_the_order_of_the_dimensions() -> None:
    """So that they are in the order of the raw table's columns."""
    together = (enrich.REFERRER, enrich.VISITOR, enrich.UTM, enrich.LINK, enrich.TRIGGER)
    assert tuple(dimension for dimensions in together for dimension in dimensions) == tuple(Dimension)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("193.0.6.139", "NL"),
        ("2001:4860:4860::8888", "US"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("192.168.1.1", None),
        ("255.255.255.255", None),
        ("::1", None),
        ("fe80::1", None),
        ("2001:db8::1", None),
    ],
)
def test_country(address: str, country: str | None) -> None:
    assert country_of(visitor.network_bytes(ip_address(address))) == country


def test_no_network_has_no_country() -> None:
    assert country_of(b"") is None
    assert country_of(b"\x08\x08\x08") == "US"


def test_every_value_of_a_click() -> None:
    click = Click(
        time_ms=0,
        link_id=1,
        nonce=0,
        code="sale",
        variant=" B\0 ",
        flags=Flag.QR,
        network=b"\x08\x08\x08",
        user_agent=FIREFOX,
        language="en;q=0.5,de-DE",
        referrer="https://www.News.example:8080",
        utm={name: f" {name}\0 " for name in UTM_PARAMETERS},
    )
    assert values(click) == {
        Dimension.REFERRER: "news.example",
        Dimension.REFERRER_URL: "https://www.News.example:8080",
        Dimension.BROWSER: "Firefox",
        Dimension.OS: "Linux",
        Dimension.DEVICE: "desktop",
        Dimension.COUNTRY: "US",
        Dimension.LANGUAGE: "de",
        Dimension.CODE: "sale",
        Dimension.VARIANT: "B",
        Dimension.TRIGGER: "qr",
        **{Dimension[name.upper()]: name for name in UTM_PARAMETERS},
    }
    # What is built in knows countries only.
    assert set(values(click)) == set(Dimension) - {Dimension.REGION, Dimension.CITY}


@pytest.mark.parametrize(
    ("flags", "trigger"),
    [
        *(
            (Flag(0), None),
            (Flag.QR, "qr"),
            (Flag.QR | Flag.PREFETCH, "qr"),
            (Flag.PREFETCH | Flag.DO_NOT_TRACK, None),
        ),
        *((Flag.TYPED, "typed"), (Flag.TYPED | Flag.QR, "typed")),
    ],
)
def test_the_trigger_is_what_the_flags_say(flags: Flag, trigger: str | None) -> None:
    assert values(replace(BARE, flags=flags)).get(Dimension.TRIGGER) == trigger


def test_a_link_of_version_1_and_of_now_is_the_same() -> None:
    """Also in memory: the part is remembered by its bytes."""
    assert ENRICHER.click(frames.encode_without_variant(BARE)).link is enriched(BARE).link


def test_what_is_absent_has_no_value() -> None:
    """A click that is not tracked carries time, link and class only."""
    click = Click(time_ms=0, link_id=1, nonce=0, code="sale", click_class=ClickClass.HUMAN, flags=Flag.DO_NOT_TRACK)
    assert values(click) == {Dimension.CODE: "sale"}


def test_what_says_nothing_has_no_value() -> None:
    click = Click(
        time_ms=0,
        link_id=None,
        nonce=0,
        code="\0",
        network=b"\x7f\0\0",
        user_agent="\x01",
        language="*",
        referrer="https://[",
        utm={"utm_source": "\x85 "},
    )
    assert values(click) == {}


BARE = Click(time_ms=5, link_id=1, nonce=2, code="sale", user_agent=FIREFOX)

#: By name: facts of a click, and its class.
CLASSES: dict[str, tuple[dict[str, object], ClickClass]] = {
    "a browser": ({}, ClickClass.HUMAN),
    "a browser that fetches ahead": ({"flags": Flag.PREFETCH}, ClickClass.PREFETCH),
    "a robot": ({"user_agent": GOOGLEBOT}, ClickClass.BOT),
    "a robot that fetches ahead": ({"user_agent": GOOGLEBOT, "flags": Flag.PREFETCH}, ClickClass.BOT),
    "nobody": ({"user_agent": ""}, ClickClass.BOT),
    "whoever the request was for": ({"click_class": ClickClass.MONITOR}, ClickClass.MONITOR),
    "whoever it was for, ahead": (
        {"click_class": ClickClass.HUMAN, "flags": Flag.PREFETCH},
        ClickClass.HUMAN,
    ),
}


@pytest.mark.parametrize(("facts", "kind"), CLASSES.values(), ids=list(CLASSES))
def test_the_class_of_a_click(facts: dict[str, object], kind: ClickClass) -> None:
    click = enriched(replace(BARE, **facts))  # type: ignore[arg-type]
    assert click.click_class == kind
    # A plain number: SQLite's driver would take an enumeration for something to be adapted, slowly.
    assert type(click.click_class) is int


def test_the_facts_of_a_click() -> None:
    click = enriched(replace(BARE, flags=Flag.QR, salt_day=20_779, visitor_hash=7))
    assert (click.time_ms, click.flags, click.link.link_id, click.link.nonce) == (5, Flag.QR, 1, 2)
    assert (click.visitor.salt_day, click.visitor.visitor_hash) == (20_779, 7)


def test_what_a_library_cannot_digest_has_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a library's fault")

    monkeypatch.setattr(enrich, "agent", fail)
    monkeypatch.setattr(clicks, "referrer_host", fail)
    click = replace(BARE, user_agent="not seen before", network=b"\x08\x08\x08", referrer="https://unseen.example")
    with capture_logs() as logged:
        assert values(click) == {Dimension.CODE: "sale"}
    assert {entry["log_level"] for entry in logged} == {"error"}
    assert enriched(click).click_class == ClickClass.BOT
    assert enriched(replace(click, click_class=ClickClass.HUMAN)).click_class == ClickClass.HUMAN


@pytest.mark.parametrize("length", [100, 5000])
def test_parts_of_any_length_are_read(length: int) -> None:
    """Also those that are too long to be remembered."""
    for _ in range(2):
        assert values(replace(BARE, utm={"utm_term": "x" * length}))[Dimension.UTM_TERM] == "x" * min(length, 512)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[bytes] = []
    monkeypatch.setattr(enrich, "_PARTS_KEPT", 2)
    learn = enrich._remembered(lambda part: learnt.append(part) or len(learnt))  # type: ignore[func-returns-value]
    for part in (b"a", b"a", b"b", b"c", b"a"):
        learn(part)
    long = bytes(enrich._LONGEST_KEPT + 1)
    assert learn(long) != learn(long)
    assert learnt == [b"a", b"b", b"c", b"a", long, long]


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_a_cut_payload_is_no_click(length: int) -> None:
    body = bytes([frame.VERSION]) + frames.encode(BARE)
    with pytest.raises(ValueError, match="ends early"):
        ENRICHER.click(body[:length])


def test_an_unknown_class_is_no_click() -> None:
    body = bytearray(bytes([frame.VERSION]) + frames.encode(BARE))
    body[10] = 6
    with pytest.raises(ValueError, match="6"):
        ENRICHER.click(bytes(body))
