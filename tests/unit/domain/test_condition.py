"""Conditions: for each kind which are refused, how the others are stored, and on which visits they hold."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.clicks.agent import agent
from shortener.domain import condition as conditions
from shortener.domain import device
from shortener.domain.click import ClickClass
from shortener.domain.condition import TYPES, Condition
from tests.facts import NOBODY, NOW, Visit
from tests.unit.laws import law

Given = tuple[str, str | None, str | None]
GERMAN = (("de-de", 1.0), ("de", 0.9), ("en-us", 0.8), ("en", 0.7))
V4, V6 = ip_address("192.0.2.77"), ip_address("2001:db8::7")

#: By name: a condition, what differs in the visit from tests.facts.Visit, and whether it holds.
TABLE: dict[str, tuple[Given, dict[str, Any], bool]] = {
    "device": (("device", None, "android"), {}, True),
    "another-device": (("device", None, "ios"), {}, False),
    "device-in-capitals": (("device", None, "Android"), {}, True),
    "system": (("operating-system", None, "Android"), {}, True),
    "system-in-any-case": (("operating-system", None, "WINDOWS"), {"os": "Windows"}, True),
    "system-as-people-call-it": (("operating-system", None, "macOS"), {"os": "Mac OS X"}, True),
    "system-of-two-words": (("operating-system", None, "chrome  os"), {"os": "Chrome OS"}, True),
    "another-system": (("operating-system", None, "Windows"), {"os": "Windows Phone"}, False),
    "no-system": (("operating-system", None, "Windows"), {"os": None}, False),
    "browser": (("browser", None, "Firefox"), {"browser": "Firefox"}, True),
    "browser-on-a-phone": (("browser", None, "chrome"), {"browser": "Chrome Mobile"}, True),
    "browser-on-an-iphone": (("browser", None, "Chrome"), {"browser": "Chrome Mobile iOS"}, True),
    "browser-within-an-app": (("browser", None, "CHROME"), {"browser": "Chrome Mobile WebView"}, True),
    "browser-with-mobile-in-front": (("browser", None, "safari"), {"browser": "Mobile Safari"}, True),
    "browser-of-a-wkwebview": (("browser", None, "safari"), {"browser": "Mobile Safari UI/WKWebView"}, True),
    "browser-in-full": (("browser", None, "Chrome Mobile"), {"browser": "Chrome Mobile"}, True),
    "browser-in-full-is-not-its-siblings": (("browser", None, "Chrome Mobile"), {"browser": "Chrome"}, False),
    "browser-called-android": (("browser", None, "Android"), {"browser": "Android"}, True),
    "another-browser": (("browser", None, "Chrome"), {"browser": "Edge"}, False),
    "browser-with-a-longer-name": (("browser", None, "Opera"), {"browser": "Opera Mini"}, False),
    "no-browser": (("browser", None, "Chrome"), {"browser": None}, False),
    "language": (("language", None, "de"), {"languages": GERMAN}, True),
    "language-takes-in-regions": (("language", None, "de"), {"languages": (("de-at", 1.0),)}, True),
    "language-of-a-region": (("language", None, "de-DE"), {"languages": GERMAN}, True),
    "language-of-another-region": (("language", None, "de-AT"), {"languages": GERMAN}, False),
    "language-of-a-region-is-not-the-whole": (("language", None, "de-DE"), {"languages": (("de", 1.0),)}, False),
    "language-that-begins-alike": (("language", None, "de"), {"languages": (("del", 1.0),)}, False),
    "language-of-a-script": (("language", None, "zh-hant"), {"languages": (("zh-hant-tw", 1.0),)}, True),
    "language-the-visitor-copes-with": (("language", None, "en"), {"languages": GERMAN}, False),
    "language-at-the-least-quality": (("language", None, "en"), {"languages": (("en", 0.9),)}, True),
    "language-just-below-it": (("language", None, "en"), {"languages": (("en", 0.899),)}, False),
    "language-in-second-place": (("language", None, "fr"), {"languages": (("de", 1.0), ("fr", 1.0))}, True),
    "no-language": (("language", None, "de"), {"languages": ()}, False),
    "country": (("geolocation-country-code", None, "de"), {}, True),
    "another-country": (("geolocation-country-code", None, "AT"), {}, False),
    "no-country": (("geolocation-country-code", None, "DE"), {"country": None}, False),
    "region": (("geolocation-region-name", None, "bavaria"), {}, True),
    "another-region": (("geolocation-region-name", None, "Hesse"), {}, False),
    "no-region": (("geolocation-region-name", None, "Bavaria"), {"region": None}, False),
    "city": (("geolocation-city-name", None, "MUNICH"), {}, True),
    "city-of-two-words": (("geolocation-city-name", None, " são  paulo"), {"city": "São Paulo"}, True),
    "city-decomposed": (("geolocation-city-name", None, "Sa\u0303o Paulo"), {"city": "São Paulo"}, True),
    "another-city": (("geolocation-city-name", None, "Munich"), {"city": "Munich Heights"}, False),
    "no-city": (("geolocation-city-name", None, "Munich"), {"city": None}, False),
    "query": (("query-param", "a", "1"), {"query": {"a": ["1"]}}, True),
    "query-any-of-several": (("query-param", "a", "2"), {"query": {"a": ["1", "2"]}}, True),
    "query-another-value": (("query-param", "a", "1"), {"query": {"a": ["11"]}}, False),
    "query-in-another-case": (("query-param", "a", "x"), {"query": {"a": ["X"]}}, False),
    "query-another-name": (("query-param", "a", "1"), {"query": {"A": ["1"]}}, False),
    "query-of-signs": (("query-param", "a b&", " =é"), {"query": {"a b&": [" =é"]}}, True),
    "no-query": (("query-param", "a", "1"), {"query": {}}, False),
    "any-value": (("any-value-query-param", "a", None), {"query": {"a": ["1"]}}, True),
    "any-value-is-also-none": (("any-value-query-param", "a", None), {"query": {"a": [""]}}, True),
    "any-value-of-another-name": (("any-value-query-param", "a", None), {"query": {"b": ["1"]}}, False),
    "any-value-as-shlink-sends-it": (("any-value-query-param", "a", ""), {"query": {"a": ["1"]}}, True),
    "valueless": (("valueless-query-param", "a", None), {"query": {"a": [""]}}, True),
    "valueless-with-a-value": (("valueless-query-param", "a", None), {"query": {"a": ["1"]}}, False),
    "valueless-one-of-several": (("valueless-query-param", "a", None), {"query": {"a": ["1", ""]}}, True),
    "valueless-of-another-name": (("valueless-query-param", "a", None), {"query": {"b": [""]}}, False),
    "referrer": (("referrer-host", None, "example.com"), {"referrer_host": "example.com"}, True),
    "referrer-in-capitals": (("referrer-host", None, " Example.COM "), {"referrer_host": "example.com"}, True),
    "referrer-with-www": (("referrer-host", None, "www.example.com"), {"referrer_host": "example.com"}, True),
    "referrer-international": (("referrer-host", None, "bücher.eu"), {"referrer_host": "xn--bcher-kva.eu"}, True),
    "referrer-of-ipv6": (("referrer-host", None, "[2001:DB8::1]"), {"referrer_host": "2001:db8::1"}, True),
    "referrer-below": (("referrer-host", None, "example.com"), {"referrer_host": "a.example.com"}, False),
    "referrer-with-all-below": (("referrer-host", None, "*.example.com"), {"referrer_host": "a.example.com"}, True),
    "referrer-or-itself": (("referrer-host", None, "*.example.com"), {"referrer_host": "example.com"}, True),
    "referrer-that-ends-alike": (("referrer-host", None, "*.example.com"), {"referrer_host": "anexample.com"}, False),
    "referrer-above": (("referrer-host", None, "*.a.example.com"), {"referrer_host": "example.com"}, False),
    "no-referrer": (("referrer-host", None, "*.example.com"), {"referrer_host": None}, False),
    "address": (("ip-address", None, "192.0.2.77"), {"address": V4}, True),
    "another-address": (("ip-address", None, "192.0.2.78"), {"address": V4}, False),
    "network": (("ip-address", None, "192.0.2.64/28"), {"address": V4}, True),
    "network-with-further-bits": (("ip-address", None, "192.0.2.70/28"), {"address": V4}, True),
    "another-network": (("ip-address", None, "192.0.2.0/28"), {"address": V4}, False),
    "every-address": (("ip-address", None, "0.0.0.0/0"), {"address": V4}, True),
    "every-address-of-the-other-version": (("ip-address", None, "::/0"), {"address": V4}, False),
    "pattern": (("ip-address", None, "192.0.*.*"), {"address": V4}, True),
    "pattern-in-the-middle": (("ip-address", None, "192.*.2.77"), {"address": V4}, True),
    "another-pattern": (("ip-address", None, "192.1.*.*"), {"address": V4}, False),
    "pattern-with-zeros": (("ip-address", None, "192.000.002.*"), {"address": V4}, True),
    "pattern-and-ipv6": (("ip-address", None, "*.*.*.*"), {"address": V6}, False),
    "address-of-ipv6": (("ip-address", None, "2001:DB8:0:0::7"), {"address": V6}, True),
    "network-of-ipv6": (("ip-address", None, "2001:db8::/32"), {"address": V6}, True),
    "ipv4-mapped-into-ipv6": (("ip-address", None, "::ffff:192.0.2.77"), {"address": V4}, True),
    "network-mapped-into-ipv6": (("ip-address", None, "::ffff:192.0.2.0/120"), {"address": V4}, True),
    "no-address": (("ip-address", None, "0.0.0.0/0"), {"address": None}, False),
    "before": (("before-date", None, "2026-11-22T13:00:01+01:00"), {}, True),
    "before-no-longer": (("before-date", None, "2026-11-22T13:00:00+01:00"), {}, False),
    "after": (("after-date", None, "2026-11-22T12:00:00Z"), {}, True),
    "after-not-yet": (("after-date", None, "2026-11-22T12:00:00Z"), {"now": NOW - timedelta(microseconds=1)}, False),
    "weekly": (("weekly-schedule", None, "Europe/Berlin sun 13:00-14:00"), {}, True),
    "weekly-not-now": (("weekly-schedule", None, "Europe/Berlin sun 12:00-13:00"), {}, False),
    "class": (("visitor-class", None, "Human"), {}, True),
    "another-class": (("visitor-class", None, "prefetch"), {"click_class": ClickClass.PREVIEW}, False),
}  # fmt: skip

#: By name: what is no condition, the part at fault, and what its message must mention.
BAD: dict[str, tuple[Given, str, str]] = {
    "unknown": (("weather", None, "rain"), "type", "device, operating-system, browser"),
    "unknown-and-unprintable": (("a\x00\u202e", None, None), "type", "'a\\x00\\u202e'"),
    "in-capitals": (("Device", None, "ios"), "type", "'Device'"),
    "device-without-value": (("device", None, None), "value", "needs a value"),
    "device-with-key": (("device", "a", "ios"), "key", "has no key"),
    "unknown-device": (("device", None, "toaster"), "value", "android, ios, mobile"),
    "system-of-space": (("operating-system", None, " "), "value", "nothing but space"),
    "system-without-value": (("operating-system", None, ""), "value", "needs a value"),
    "browser-too-long": (("browser", None, "x" * 513), "value", "513"),
    "browser-of-a-control-character": (("browser", None, "a\nb"), "value", "U+000A"),
    "language-of-words": (("language", None, "German"), "value", "write de"),
    "any-language": (("language", None, "*"), "value", "write de"),
    "country-of-words": (("geolocation-country-code", None, "Germany"), "value", "DE or US"),
    "country-that-is-none": (("geolocation-country-code", None, "ZZ"), "value", "'ZZ'"),
    "country-that-many-mistake": (("geolocation-country-code", None, "UK"), "value", "GB"),
    "region-of-space": (("geolocation-region-name", None, "\u3000"), "value", "nothing but space"),
    "city-of-a-lone-surrogate": (("geolocation-city-name", None, "\ud800"), "value", "U+D800"),
    "query-without-key": (("query-param", None, "1"), "key", "needs a key"),
    "query-without-value": (("query-param", "a", None), "value", "needs a value"),
    "query-with-a-long-key": (("query-param", "x" * 129, "1"), "key", "129"),
    "any-value-without-key": (("any-value-query-param", None, None), "key", "needs a key"),
    "any-value-with-value": (("any-value-query-param", "a", "1"), "value", "has no value"),
    "valueless-with-value": (("valueless-query-param", "a", "1"), "value", "has no value"),
    "referrer-with-scheme": (("referrer-host", None, "https://example.com/"), "value", "write example.com"),
    "referrer-with-port": (("referrer-host", None, "example.com:8080"), "value", "write example.com"),
    "referrer-with-another-asterisk": (("referrer-host", None, "example.*"), "value", "*.example.com"),
    "referrer-of-two-asterisks": (("referrer-host", None, "*.*.example.com"), "value", "*.example.com"),
    "referrer-of-an-asterisk": (("referrer-host", None, "*."), "value", "*.example.com"),
    "referrer-of-space": (("referrer-host", None, " "), "value", "write example.com"),
    "address-that-is-none": (("ip-address", None, "192.0.2.256"), "value", "192.0.2.0/24"),
    "address-with-too-few-parts": (("ip-address", None, "192.0.2"), "value", "192.0.2.0/24"),
    "address-with-zone": (("ip-address", None, "fe80::1%eth0"), "value", "192.0.2.0/24"),
    "network-that-is-none": (("ip-address", None, "192.0.2.0/33"), "value", "192.0.2.0/24"),
    "pattern-with-too-few-parts": (("ip-address", None, "192.*"), "value", "192.0.*.*"),
    "pattern-with-half-an-octet": (("ip-address", None, "192.0.2*.1"), "value", "192.0.*.*"),
    "pattern-of-300": (("ip-address", None, "300.*.*.*"), "value", "192.0.*.*"),
    "pattern-of-ipv6": (("ip-address", None, "2001:db8::*"), "value", "192.0.*.*"),
    "pattern-with-network": (("ip-address", None, "192.0.*.*/16"), "value", "192.0.*.*"),
    "name-for-an-address": (("ip-address", None, "example.com"), "value", "192.0.2.1"),
    "before-without-offset": (("before-date", None, "2027-01-31T12:00:00"), "value", "offset"),
    "before-no-such-day": (("before-date", None, "2027-02-30T12:00:00Z"), "value", "RFC 3339"),
    "after-in-words": (("after-date", None, "tomorrow"), "value", "RFC 3339"),
    "impossible-time-zone": (("weekly-schedule", None, "Mars/Olympus mon 09:00-10:00"), "value", "Mars/Olympus"),
    "weekly-without-hours": (("weekly-schedule", None, "UTC mon"), "value", "write a time zone, days and hours"),
    "unknown-class": (("visitor-class", None, "cat"), "value", "human, bot, preview, prefetch, monitor"),
}  # fmt: skip


def checked(given: Given) -> Condition:
    return conditions.check(Condition(*given), name="rules.0.conditions.1")


@pytest.mark.parametrize(("given", "differing", "holds"), TABLE.values(), ids=list(TABLE))
def test_when_they_hold(given: Given, differing: dict[str, Any], holds: bool) -> None:
    condition = checked(given)
    assert conditions.compiled(condition)(replace(Visit(), **differing)) is holds
    assert conditions.check(condition, name="x") == condition


@pytest.mark.parametrize(("given", "part", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_refused(given: Given, part: str, mentioned: str) -> None:
    with pytest.raises(errors.RuleInvalid) as refusal:
        checked(given)
    assert refusal.value.field == f"rules.0.conditions.1.{part}"
    assert mentioned in refusal.value.detail
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 400


@pytest.mark.parametrize("kind", TYPES)
def test_every_kind_stands_in_the_tables(kind: str) -> None:
    assert {holds for given, _, holds in TABLE.values() if given[0] == kind} == {True, False}
    assert kind in {given[0] for given, _, _ in BAD.values()}


ABOUT_TIME = {"before-date", "after-date", "weekly-schedule"}


@pytest.mark.parametrize(
    "given", [pytest.param(given, id=name) for name, (given, _, _) in TABLE.items() if given[0] not in ABOUT_TIME]
)
def test_nothing_but_time_is_known_of_somebody_who_says_nothing(given: Given) -> None:
    assert not conditions.compiled(checked(given))(NOBODY)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (("device", "", "IOS"), ("device", None, "ios")),
        (("operating-system", None, "macOS"), ("operating-system", None, "mac os x")),
        (("browser", None, "Chrome  Mobile"), ("browser", None, "chrome mobile")),
        (("language", None, "PT_br"), ("language", None, "pt-BR")),
        (("geolocation-country-code", None, "de"), ("geolocation-country-code", None, "DE")),
        (("geolocation-city-name", None, " New  York "), ("geolocation-city-name", None, "New York")),
        (("any-value-query-param", "A", ""), ("any-value-query-param", "A", None)),
        (("referrer-host", None, "*.WWW.Bücher.example."), ("referrer-host", None, "*.xn--bcher-kva.example")),
        (("referrer-host", None, "2001:DB8::1"), ("referrer-host", None, "2001:db8::1")),
        (("ip-address", None, "192.0.2.7/32"), ("ip-address", None, "192.0.2.7")),
        (("ip-address", None, "192.0.2.7/255.255.255.0"), ("ip-address", None, "192.0.2.0/24")),
        (("ip-address", None, "192.00.*.*"), ("ip-address", None, "192.0.*.*")),
        (("ip-address", None, "2001:DB8:0::/32"), ("ip-address", None, "2001:db8::/32")),
        (("ip-address", None, "::ffff:192.0.2.0/120"), ("ip-address", None, "192.0.2.0/24")),
        (("before-date", None, "2027-01-31t13:00+01:00"), ("before-date", None, "2027-01-31T12:00:00Z")),
        (("weekly-schedule", None, "UTC MON 9:00-10:00"), ("weekly-schedule", None, "UTC mon 09:00-10:00")),
        (("visitor-class", None, "BOT"), ("visitor-class", None, "bot")),
    ],
    ids=lambda given: given[0],
)
def test_how_they_are_stored(given: Given, normal: Given) -> None:
    assert checked(given) == Condition(*normal)
    assert checked(normal) == Condition(*normal)


@law
@given(st.sampled_from(TYPES), st.none() | st.text(max_size=6), st.text(st.sampled_from("aAdeDE.*:/-_;, 019é\n")))
def test_anything_is_refused_or_stored_in_a_form_that_stays(kind: str, key: str | None, value: str) -> None:
    try:
        normal = conditions.check(Condition(kind, key, value), name="x")
    except errors.RuleInvalid:
        return
    assert conditions.check(normal, name="x") == normal
    assert conditions.compiled(normal)(Visit()) in {True, False}


#: By name: a user agent, and everything that it is as a device.
AGENTS = {
    "android-phone": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
        " Mobile Safari/537.36",
        {"android", "mobile"},
    ),
    "android-tablet": (
        "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
        " Safari/537.36",
        {"android", "mobile", "tablet"},
    ),
    "iphone": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
        " Mobile/15E148 Safari/604.1",
        {"ios", "mobile"},
    ),
    "ipad": (
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.0.0"
        " Mobile/15E148 Safari/604.1",
        {"ios", "mobile", "tablet"},
    ),
    "windows": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
        " Safari/537.36",
        {"windows", "desktop"},
    ),
    "mac": (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
        " Safari/605.1.15",
        {"macos", "desktop"},
    ),
    "linux": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        {"linux", "desktop"},
    ),
    "ubuntu": (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
        {"linux", "desktop"},
    ),
    "chromebook": (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
        " Safari/537.36",
        {"chromeos", "desktop"},
    ),
    "television": (
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36"
        " WebAppManager",
        {"tv"},
    ),
    "games-console": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/126.0.0.0 Safari/537.36 Edge/44.18363.8131",
        {"console"},
    ),
    "nothing": ("", set()),
}


@pytest.mark.parametrize(("user_agent", "names"), AGENTS.values(), ids=list(AGENTS))
def test_devices(user_agent: str, names: set[str]) -> None:
    known = agent(user_agent)
    visit = replace(Visit(), device=known.device, os=known.os)
    assert {name for name in device.NAMES if conditions.compiled(checked(("device", None, name)))(visit)} == names


@pytest.mark.parametrize(
    "given", [("of-a-later-version", None, "x"), ("weekly-schedule", None, "No/More mon 1:00-2:00")]
)
def test_what_cannot_be_read_never_holds(given: Given) -> None:
    """Rules stay in the database when the program, or the machine's time zones, become older ones."""
    assert not conditions.compiled(Condition(*given))(Visit())


def test_a_moment_is_always_before_or_after_another() -> None:
    written = "2026-11-22T12:00:00Z"
    before, after = (conditions.compiled(checked((f"{side}-date", None, written))) for side in ("before", "after"))
    for step in (-1, 0, 1):
        visit = replace(Visit(), now=NOW + timedelta(microseconds=step))
        assert before(visit) is not after(visit)
