"""Hosts: what is a domain's name, what a Host header names, and where short URLs lie."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import host as hosts
from shortener.domain import target as targets
from shortener.domain.target import TargetPolicy
from tests.unit.laws import law

LABEL = "a" * 63

#: By name: a host as people write it, its normal form, and how it is shown.
GOOD = {
    "plain": ("go.example.com", "go.example.com", "go.example.com"),
    "upper-case": ("GO.Example.COM", "go.example.com", "go.example.com"),
    "dot-at-the-end": ("go.example.com.", "go.example.com", "go.example.com"),
    "one-label": ("go", "go", "go"),
    "localhost": ("localhost", "localhost", "localhost"),
    "digits": ("0x.7.example1", "0x.7.example1", "0x.7.example1"),
    "hyphens": ("a-b.c-d-e.example", "a-b.c-d-e.example", "a-b.c-d-e.example"),
    "long-labels": (f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}", f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}", None),
    "umlaut": ("bücher.example", "xn--bcher-kva.example", "bücher.example"),
    "upper-case-umlaut": ("BÜCHER.example", "xn--bcher-kva.example", "bücher.example"),
    "decomposed": ("bu\u0308cher.example", "xn--bcher-kva.example", "bücher.example"),
    "ascii-form": ("xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example"),
    "ascii-form-in-upper-case": ("XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example"),
    "sharp-s-is-kept": ("straße.example", "xn--strae-oqa.example", "straße.example"),
    "ideographic-dot": ("例え。jp", "xn--r8jz45g.jp", "例え.jp"),
    "full-width": ("ｇｏ．example", "go.example", "go.example"),
    "hebrew": ("א1.example", "xn--1-zhc.example", "א1.example"),
    "ipv4": ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
    "ipv4-in-full-width": ("１９２.0.2.1", "192.0.2.1", "192.0.2.1"),
    "ipv6": ("2001:DB8::1", "[2001:db8::1]", "[2001:db8::1]"),
    "ipv6-in-brackets": ("[2001:db8:0:0:0:0:0:1]", "[2001:db8::1]", "[2001:db8::1]"),
}

#: By name: what is no domain, and what its message must say.
BAD = {
    "empty": ("", "empty"),
    "dot": (".", "Empty"),
    "empty-label": ("go..example", "Empty"),
    "dot-at-the-start": (".example", "Empty"),
    "scheme": ("https://go.example", "Leave out the scheme"),
    "path": ("go.example/links", "Leave out the path"),
    "slash-at-the-end": ("go.example/", "Leave out the path"),
    "query": ("go.example?x", "Leave out the query"),
    "fragment": ("go.example#x", "Leave out the fragment"),
    "user": ("me@go.example", "Leave out the user name"),
    "port": ("go.example:8443", "Leave out the port"),
    "colon": ("go.example:", "Leave out the port"),
    "port-of-ipv4": ("192.0.2.1:80", "Leave out the port"),
    "port-of-ipv6": ("[::1]:80", "Leave out the port"),
    "wildcard": ("*.example", "A domain is one host"),
    "every-host": ("*", "A domain is one host"),
    "space": ("go example", "U+0020"),
    "space-around": (" go.example", "U+0020"),
    "newline": ("go.example\n", "U+000A"),
    "nul": ("go\0.example", "U+0000"),
    "lone-surrogate": ("go\ud800.example", "U+D800"),
    "underscore": ("my_links.example", "U+005F"),
    "comma": ("a.example,b.example", "U+002C"),
    "percent": ("b%C3%BCcher.example", "U+0025"),
    "emoji": ("😊.example", "U+1F60A"),
    "emoji-in-ascii": ("xn--i-7iq.example", "U+2764"),
    "joiner": ("a\u200db.example", "U+200D"),
    "right-to-left-override": ("\u202ego.example", "U+202E"),
    "hyphen-first": ("-go.example", "hyphen"),
    "hyphen-last": ("go-.example", "hyphen"),
    "hyphens-third-and-fourth": ("ab--cd.example", "hyphens"),
    "no-punycode": ("xn--.example", "A-label"),
    "long-label": (f"{'a' * 64}.example", "too long"),
    "long-label-in-ascii": (f"{'ü' * 60}.example", "too long"),
    "too-long": (f"{LABEL}.{LABEL}.{LABEL}.{'a' * 62}", "254"),
    "too-long-in-ascii": (".".join("ü" * 64), "too long"),
    "very-long": ("a." * 500_000, "1000000"),
    "run-of-combining-marks": ("a" + "\u0301\u0316" * 50_000, "100001"),
    "ipv4-of-three": ("192.0.2", "no IPv4 address"),
    "ipv4-of-five": ("192.0.2.1.1", "no IPv4 address"),
    "ipv4-beyond": ("192.0.2.256", "no IPv4 address"),
    "ipv4-with-zeros": ("192.0.02.1", "no IPv4 address"),
    "ipv4-in-hexadecimal": ("127.0.0.0x1", "no IPv4 address"),
    "number": ("2130706433", "no IPv4 address"),
    "number-last": ("go.1", "no IPv4 address"),
    "ipv6-beyond": ("::10000", "no IPv6 address"),
    "ipv6-zone": ("fe80::1%eth0", "no IPv6 address"),
    "half-a-bracket": ("::1]", "no IPv6 address"),
    "name-in-brackets": ("[go.example]", "U+005B"),
    "ipv4-in-brackets": ("[192.0.2.1]", "U+005B"),
}

PIECES = [*"aZ09.-_:/@*[]%é。٠ßİ", "xn--", "go", "example", "::1", "127.0.0.1", "\u0308", "\u200d", "bcher-kva", "0x"]
like_a_host = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
header_bytes = st.lists(
    st.sampled_from([*b"aZ09.-:[]% \xff\0/", b"example", b"::1", b":443", b"a" * 300]), max_size=8
).map(lambda parts: b"".join(part if isinstance(part, bytes) else bytes([part]) for part in parts))


@pytest.mark.parametrize(("host", "normal", "shown"), GOOD.values(), ids=list(GOOD))
def test_hosts(host: str, normal: str, shown: str | None) -> None:
    assert hosts.normal_form(host) == normal
    assert hosts.unicode_name(normal) == (shown or normal)


@pytest.mark.parametrize(("host", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_no_host(host: str, mentioned: str) -> None:
    with pytest.raises(errors.DomainInvalid) as refusal:
        hosts.normal_form(host)
    assert mentioned in refusal.value.detail
    assert refusal.value.field == "domain"
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 400
    with pytest.raises(errors.DomainInvalid) as refusal:
        hosts.normal_form(host, name="name")
    assert refusal.value.field == "name"


@law
@given(st.one_of(like_a_host, st.text(st.characters(), max_size=70)))
def test_a_normal_form_is_its_own_and_what_browsers_send(host: str) -> None:
    try:
        normal = hosts.normal_form(host)
    except errors.DomainInvalid:
        return
    assert hosts.normal_form(normal) == normal
    assert hosts.normal_form(f"{normal}." if not normal.startswith("[") else normal) == normal
    assert hosts.normal_form(hosts.unicode_name(normal)) == normal
    for header in (normal, normal.upper(), f"{normal}:8443"):
        assert hosts.of_header(header.encode("ascii")) == normal
    assert normal
    assert len(normal) <= hosts.MAX_LENGTH


@law
@given(st.lists(st.text("ab0-x", max_size=8), min_size=1, max_size=4).map(".".join))
def test_what_is_simple_is_judged_like_everything_else(host: str) -> None:
    """Most names are recognised at a glance, without the library that knows the rules; it must agree."""
    try:
        normal = hosts.normal_form(host)
    except errors.DomainInvalid:
        return
    assert idna.encode(host, uts46=True, std3_rules=True).decode().removesuffix(".") == normal


#: By name: a Host header and the host that it names.
HEADERS = {
    "name": (b"go.example.com", "go.example.com"),
    "upper-case": (b"GO.Example.com", "go.example.com"),
    "port": (b"go.example.com:8000", "go.example.com"),
    "empty-port": (b"go.example.com:", "go.example.com"),
    "dot-at-the-end": (b"go.example.com.", "go.example.com"),
    "dot-and-port": (b"go.example.com.:443", "go.example.com"),
    "one-label": (b"localhost:8000", "localhost"),
    "ipv4": (b"192.0.2.1:80", "192.0.2.1"),
    "ipv6": (b"[2001:DB8:0::1]", "[2001:db8::1]"),
    "ipv6-and-port": (b"[::1]:8000", "[::1]"),
    "ascii-form": (b"XN--bcher-kva.example", "xn--bcher-kva.example"),
    "as-long-as-can-be": (b"a." * 126 + b"a" + b".:65535", "a." * 126 + "a"),
    "nothing": (b"", ""),
    "dot": (b".", ""),
    "two-dots": (b"go..example", ""),
    "dot-at-the-start": (b".example", ""),
    "port-alone": (b":80", ""),
    "port-of-letters": (b"go.example:http", ""),
    "port-too-long": (b"go.example:123456", ""),
    "two-ports": (b"go.example:80:80", ""),
    "ipv6-without-brackets": (b"::1", ""),
    "no-ipv6": (b"[:::1]", ""),
    "half-a-bracket": (b"[::1", ""),
    "ipv6-and-a-dot": (b"[::1].", ""),
    "user": (b"me@go.example", ""),
    "address": (b"https://go.example", ""),
    "path": (b"go.example/healthz", ""),
    "two-hosts": (b"go.example, other.example", ""),
    "space": (b" go.example\t ", "go.example"),
    "newline": (b"go.example\n", ""),
    "nul": (b"go\0example", ""),
    "utf-8": ("bücher.example".encode(), ""),
    "no-text": (b"\xff\xfe", ""),
    "very-long": (b"a." * 30_000 + b"a", ""),
    "very-long-and-wrong": (b"a" * 60_000 + b"!", ""),
}


@pytest.mark.parametrize(("header", "host"), HEADERS.values(), ids=list(HEADERS))
def test_what_a_header_names(header: bytes, host: str) -> None:
    assert hosts.of_header(header) == host


@law
@given(st.one_of(st.binary(max_size=60), header_bytes))
def test_any_header_names_a_host_or_none(header: bytes) -> None:
    host = hosts.of_header(header)
    assert host.isascii()
    assert hosts.of_header(host.encode()) == host
    assert hosts.of_header(host.upper().encode()) == host


#: By name: a base URL, a domain, a code and the short URL.
SHORT_URLS = {
    "default": ("https://go.example", "", "sale", "https://go.example/sale"),
    "default-and-port": ("http://localhost:8000", "", "sale", "http://localhost:8000/sale"),
    "domain": ("https://go.example", "b.example", "sale", "https://b.example/sale"),
    "domain-and-port": ("http://localhost:8000", "b.example", "sale", "http://b.example:8000/sale"),
    "base-is-ipv6": ("http://[::1]:8000", "b.example", "sale", "http://b.example:8000/sale"),
    "domain-is-ipv6": ("https://go.example:8443", "[::1]", "sale", "https://[::1]:8443/sale"),
    "code-of-other-letters": ("https://go.example", "b.example", "grün", "https://b.example/gr%C3%BCn"),
}


@pytest.mark.parametrize(("base_url", "domain", "code", "short_url"), SHORT_URLS.values(), ids=list(SHORT_URLS))
def test_short_urls(base_url: str, domain: str, code: str, short_url: str) -> None:
    assert hosts.short_url(base_url, domain, code) == short_url
    assert targets.check(short_url, TargetPolicy()) == short_url


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        pytest.param("https://go.example", "go.example", id="name"),
        pytest.param("http://localhost:8000", "localhost", id="port"),
        pytest.param("http://[::1]:8000", "[::1]", id="ipv6"),
    ],
)
def test_the_host_of_a_base_url(base_url: str, host: str) -> None:
    assert hosts.of_url(base_url) == host


def test_targets_on_own_domains_are_loops() -> None:
    policy = TargetPolicy(own_hosts=hosts.own_hosts("http://go.example:8000", ["b.example", "127.0.0.1", "[::1]"]))
    for loop in ("http://b.example:8000/x", "https://B.example.:8000", "http://localhost:8000", "http://[::1]:8000"):
        with pytest.raises(errors.TargetOwnHost):
            targets.check(loop, policy)
    for behind_a_proxy in ("https://b.example/", "http://b.example"):
        with pytest.raises(errors.TargetOwnHost):
            targets.check(behind_a_proxy, policy)
    for other in ("http://b.example:9000/", "https://a.b.example:8000/"):
        assert targets.check(other, policy) == other
    assert hosts.own_hosts("https://go.example", []) == frozenset()
