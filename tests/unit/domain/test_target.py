"""Targets: which are refused and why, and the one form in which the others are stored."""

import random
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import placeholder
from shortener.domain import target as targets
from shortener.domain.target import TargetPolicy
from shortener.web.responses import Redirect
from tests.addresses import ACCEPTED, BAD, GOOD, REFUSED
from tests.conftest import DATA
from tests.sizes import nightly, size
from tests.unit.laws import law

ANYTHING = TargetPolicy()
MORE = TargetPolicy(extra_schemes=frozenset({"ftp", "mailto", "tel", "myapp"}))
OWN = TargetPolicy(
    own_hosts=targets.own_hosts("https://go.example")
    | targets.own_hosts("https://bücher.example:8443")
    | targets.own_hosts("http://127.0.0.1:8000")
)

#: What every parser reads alike: a host of harmless characters, a path, printable ASCII.
UNMISTAKABLE = re.compile(r"https?://(?:[a-z0-9._~-]+|\[[0-9a-f:]+\])(?::\d{1,5})?/[!-~]*")

PIECES = [
    *"aZ09.,:;/?#[]@!$&'()*+=-_~%|^`{}<>\"éß日😀",
    *("..", "//", "%2e", "%2F", "%00", "%zz", "%C3%A9", "example.com", "xn--", "127.1", "0x7f", "[::1]", "443"),
    *("\u200d", "\u00ad", "\u3002", "\u2028", "\ufffe", "\u0130", "ﬁ"),
]
HEADS = ["https://", "HTTP://", "https://e.example", "https://e.example/", "http://e.example?", "http://e.example#"]
OTHER_HEADS = ["ftp://", "mailto:", "MAILTO:a@", "tel:", "myapp:", "myapp:/", "myapp://", "myapp://host/"]


def like_an_address(heads: list[str]) -> st.SearchStrategy[str]:
    """Text that begins like an address and goes on with what is peculiar in one."""
    tail = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
    return st.builds(str.__add__, st.sampled_from(heads), tail)


def stored_form(raw: str, policy: TargetPolicy = ANYTHING) -> str | None:
    """The stored form of `raw`, or None if it is refused."""
    try:
        return targets.check(raw, policy)
    except errors.Refused:
        return None


def assert_is_what_location_says(stored: str, policy: TargetPolicy = ANYTHING) -> None:
    assert targets.check_fixed(stored, policy) == stored
    assert targets.check(placeholder.written(stored), policy) == stored
    assert Redirect(stored, 302, {}).raw_headers[-1] == (b"location", stored.encode("ascii"))
    assert len(stored) <= targets.MAX_LENGTH


def test_the_tables_are_tables_of_different_addresses() -> None:
    assert len({raw for raw, _ in ACCEPTED} | {raw for raw, _ in REFUSED}) == len(ACCEPTED) + len(REFUSED)
    assert len(ACCEPTED) >= 50
    assert len(REFUSED) >= 50


@pytest.mark.parametrize(("raw", "stored"), ACCEPTED, ids=list(GOOD))
def test_accepted(raw: str, stored: str) -> None:
    assert targets.check(raw, ANYTHING) == stored
    assert_is_what_location_says(stored)
    assert UNMISTAKABLE.fullmatch(stored)


@pytest.mark.parametrize(("raw", "code"), REFUSED, ids=list(BAD))
def test_refused(raw: str, code: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        targets.check(raw, ANYTHING)
    assert refusal.value.code == code
    assert refusal.value.field == "target"


@pytest.mark.parametrize(("raw", "code"), REFUSED, ids=list(BAD))
def test_a_refusal_can_be_printed(raw: str, code: str) -> None:
    """The message goes to terminals, logs and JSON: no control character or lone surrogate of the input is in it."""
    with pytest.raises(errors.Refused) as refusal:
        targets.check(raw, ANYTHING)
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 300


def test_every_real_address_is_accepted() -> None:
    addresses = (DATA / "urls.txt").read_text().splitlines()
    assert len(addresses) > 4000
    for raw in addresses:
        stored = targets.check(raw, ANYTHING)
        assert_is_what_location_says(stored)
        assert UNMISTAKABLE.fullmatch(stored), stored
        assert urlsplit(stored).hostname == urlsplit(raw).hostname


@law
@given(like_an_address(HEADS))
def test_what_is_accepted_is_stored_as_location_says_it(raw: str) -> None:
    stored = stored_form(raw)
    if stored is not None:
        assert_is_what_location_says(stored)
        assert UNMISTAKABLE.fullmatch(stored)


@law
@given(like_an_address(OTHER_HEADS))
def test_other_schemes_are_stored_as_location_says_them(raw: str) -> None:
    stored = stored_form(raw, MORE)
    if stored is not None:
        assert_is_what_location_says(stored, MORE)
        assert stored.partition(":")[0] == raw.partition(":")[0].lower()


@law
@given(st.text(st.characters()).filter(lambda raw: not raw.lower().startswith(("http://", "https://"))))
def test_other_text_is_no_target(raw: str) -> None:
    assert stored_form(raw) is None


@law
@given(like_an_address(HEADS), st.sampled_from([*map(chr, range(0x21)), "\x7f", *map(chr, range(0x80, 0xA0)), "\\"]))
def test_a_forbidden_character_is_refused_wherever_it_stands(raw: str, wrong: str) -> None:
    # White space at the ends is stripped.
    ends = 0 if wrong in " \t\n\v\f\r" else 1
    for position in range(1 - ends, len(raw) + ends):
        with pytest.raises(errors.TargetCharacters):
            targets.check(raw[:position] + wrong + raw[position:], ANYTHING)


OWN_SPELLINGS = {
    "plain": "https://go.example/x",
    "no-path": "https://go.example",
    "upper-case": "HTTPS://GO.EXAMPLE/",
    "explicit-port": "https://go.example:443/",
    "port-with-zeros": "https://go.example:00443/",
    "empty-port": "https://go.example:/",
    "trailing-dot": "https://go.example./",
    "percent-encoded": "https://%67o%2eexample/",
    "full-width": "https://ｇｏ.example/",
    "ideographic-full-stop": "https://go。example/",
    "soft-hyphen": "https://g\u00ado.example/",
    "three-slashes": "https:///go.example/",
    "dots-in-path": "https://go.example/a/../..",
    "other-default-port": "http://go.example/",
    "default-port-of-the-other-scheme": "http://go.example:443/",
    "international": "https://bücher.example:8443/",
    "international-upper-case": "https://BÜCHER.example:8443/",
    "international-punycode": "http://XN--bcher-kva.example:8443/",
    "ipv4": "http://127.0.0.1:8000/",
    "ipv4-short": "http://127.1:8000/",
    "ipv4-number": "http://2130706433:8000/",
    "ipv4-hexadecimal": "http://0x7f.1:8000/",
    "ipv4-octal": "http://0177.0.0.1:8000/",
    "ipv4-circled": "http://①②⑦.1:8000/",
    "ipv4-trailing-dot": "http://127.0.0.1.:8000/",
    "another-loopback-address": "http://127.0.0.2:8000/",
    "unspecified-address": "http://0.0.0.0:8000/",
    "zero": "http://0:8000/",
    "ipv6-loopback": "http://[0:0:0:0:0:0:0:1]:8000/",
    "ipv6-unspecified": "http://[::]:8000/",
    "ipv4-mapped-into-ipv6": "http://[::ffff:127.0.0.1]:8000/",
    "localhost": "http://LOCALHOST:8000/",
    "localhost-trailing-dot": "http://localhost.:8000/",
    "below-localhost": "http://a.localhost:8000/",
}


@pytest.mark.parametrize("raw", OWN_SPELLINGS.values(), ids=list(OWN_SPELLINGS))
def test_the_own_host_is_refused_in_every_spelling(raw: str) -> None:
    with pytest.raises(errors.TargetOwnHost):
        targets.check(raw, OWN)
    assert targets.check(raw, ANYTHING)


NEIGHBOURS = {
    "other-port": "https://go.example:8443/",
    "international-on-another-port": "https://xn--bcher-kva.example/",
    "subdomain": "https://www.go.example/",
    "parent": "https://example/",
    "longer-name": "https://go.example.com/",
    "in-the-path": "https://b.example/go.example",
    "loopback-on-another-port": "http://127.0.0.1:8001/",
    "address-of-another-machine": "http://192.0.2.1:8000/",
    "ipv6-of-another-machine": "http://[2001:db8::1]:8000/",
    "begins-like-localhost": "http://localhost.example:8000/",
    "ends-like-localhost": "http://notlocalhost:8000/",
}


@pytest.mark.parametrize("raw", NEIGHBOURS.values(), ids=list(NEIGHBOURS))
def test_what_only_looks_like_the_own_host_is_accepted(raw: str) -> None:
    assert targets.check(raw, OWN) == raw


HOSTS = [
    ("https://go.example", ("go.example", 443)),
    ("http://go.example", ("go.example", 80)),
    ("https://GO.example:8443/base", ("go.example", 8443)),
    ("https://bücher.example", ("xn--bcher-kva.example", 443)),
    ("https://go.example.", ("go.example", 443)),
    ("http://192.0.513:8000", ("192.0.2.1", 8000)),
    ("http://[2001:DB8::1]:8000", ("[2001:db8::1]", 8000)),
    ("http://127.1:8000", ("localhost", 8000)),
    ("http://[0:0::1]:8000", ("localhost", 8000)),
    ("http://0.0.0.0:8000", ("localhost", 8000)),
    ("http://localhost:8000", ("localhost", 8000)),
]


@pytest.mark.parametrize(("base_url", "host"), HOSTS)
def test_host_of(base_url: str, host: tuple[str, int]) -> None:
    assert targets.host_of(base_url) == host
    assert host in targets.own_hosts(base_url)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"])
def test_a_loopback_host_has_all_its_names(name: str) -> None:
    policy = TargetPolicy(own_hosts=targets.own_hosts(f"http://{name}:8000"))
    for other in ("localhost", "127.0.0.1", "127.1", "[::1]", "0.0.0.0", "[::ffff:7f00:1]"):
        with pytest.raises(errors.TargetOwnHost):
            targets.check(f"http://{other}:8000/", policy)


def test_on_a_default_port_both_default_ports_are_ours() -> None:
    both = {("go.example", 80), ("go.example", 443)}
    assert targets.own_hosts("https://go.example") == targets.own_hosts("http://go.example") == both
    assert targets.own_hosts("https://go.example:8443") == {("go.example", 8443)}


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("ftp://example.com", "ftp://example.com/"),
        ("FTP://Example.com:21/a|b^", "ftp://example.com/a|b%5E"),
        ("mailto:Somebody@example.com?subject=a", "mailto:Somebody@example.com?subject=a"),
        ("TEL:+1-555", "tel:+1-555"),
        ("myapp://open/é^?^", "myapp://open/%C3%A9%5E?^"),
        ("mailto:a^b`{|}@example.com", "mailto:a^b`{|}@example.com"),
        ("https://example.com", "https://example.com/"),
    ],
)
def test_more_schemes_by_setting(raw: str, stored: str) -> None:
    assert targets.check(raw, MORE) == stored
    assert_is_what_location_says(stored, MORE)


def test_user_info_is_refused_in_every_scheme() -> None:
    for raw in ("ftp://user:password@example.com/", "myapp://@", "myapp://:@host/"):
        with pytest.raises(errors.TargetUserInfo):
            targets.check(raw, MORE)


@pytest.mark.parametrize(
    "scheme", ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"]
)
def test_dangerous_schemes_cannot_be_allowed(scheme: str) -> None:
    policy = TargetPolicy(extra_schemes=frozenset({scheme}))
    for raw in (f"{scheme}:x", f"{scheme.upper()}:x", f"{scheme}://x/", f"{scheme}:/x"):
        with pytest.raises(errors.TargetScheme):
            targets.check(raw, policy)


#: By name: what somebody wrote, and what the message says.
MESSAGES = {
    "no-scheme": ("example.com", "A target must start with http:// or https://. Did you mean https://example.com?"),
    "no-scheme-but-a-path": ("www.example.com/a?b=c#d", "Did you mean https://www.example.com/a?b=c#d?"),
    "no-scheme-but-a-port": ("example.com:8443/a", "Did you mean https://example.com:8443/a?"),
    "no-scheme-in-another-script": ("bücher.example/größe", "Did you mean https://bücher.example/größe?"),
    "no-scheme-but-an-address": ("192.0.2.1/a", "Did you mean https://192.0.2.1/a?"),
    "scheme-relative": ("//example.com/a", "Did you mean https://example.com/a?"),
    "no-slashes": ("https:example.com/a", "Did you mean https://example.com/a?"),
    "one-slash": ("HTTP:/example.com/a", "Did you mean http://example.com/a?"),
    "white-space-around": (" example.com\n", "Did you mean https://example.com?"),
    "long": (f"example.com/{'a' * 500}", "Did you mean https://example.com/…?"),
    "space": ("https://a/b c", "The target contains a space at position 11: remove it."),
    "space-behind-white-space": (" https://a/b c", "The target contains a space at position 12: remove it."),
    "line-break": ("https://a/b\nc", "The target contains a line break at position 11: remove it."),
    "tab": ("https://a/b\tc", "The target contains a tab at position 11: remove it."),
    "backslash": ("https:\\\\a", "The target contains a backslash at position 6: remove it."),
    "control-character": ("https://a/\x7f", "The target contains U+007F at position 10: remove it."),
    "too-long": ("https://a/" + "b" * 8192, "at most 8192"),
    "port": ("https://a:b/", "port"),
    "own-host": ("https://go.example", "go.example"),
}


@pytest.mark.parametrize(("raw", "said"), MESSAGES.values(), ids=list(MESSAGES))
def test_messages_say_what_would_be_right(raw: str, said: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        targets.check(raw, OWN)
    assert said in refusal.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        *("", "hello", "/path", "path/a.b", "javascript:a.b", "mailto:a@b.example", "ftp://a.example/"),
        *("go.example/x", "user@b.example/", "a.b:c", "https:", ".", "..", "a.b|c/"),
    ],
)
def test_nothing_is_offered_that_would_be_a_guess_or_refused(raw: str) -> None:
    with pytest.raises(errors.TargetScheme) as refusal:
        targets.check(raw, OWN)
    assert refusal.value.detail == "A target must start with http:// or https://."


def test_all_accepted_schemes_are_named() -> None:
    with pytest.raises(errors.TargetScheme) as refusal:
        targets.check("x", TargetPolicy(frozenset({"ftp"})))
    assert refusal.value.detail == "A target must start with ftp: or http:// or https://."


def random_addresses(heads: list[str], count: int) -> Iterator[str]:
    dice = random.Random(17)
    for _ in range(count):
        yield dice.choice(heads) + "".join(dice.choice(PIECES) for _ in range(dice.randrange(9)))


@nightly
@pytest.mark.parametrize(("heads", "policy"), [(HEADS, ANYTHING), (OTHER_HEADS, MORE)], ids=["web", "other-schemes"])
def test_an_independent_parser_serialises_alike(heads: list[str], policy: TargetPolicy) -> None:
    """As browsers do: ada is the parser of Node.js, and follows the same web-platform-tests."""
    accepted = 0
    for raw in random_addresses(heads, size(6_000, 60_000)):
        stored = stored_form(raw, policy)
        if stored is not None:
            accepted += 1
            assert stored == ada_url.URL(raw).href, raw
    assert accepted > size(1_500, 15_000)


@pytest.mark.parametrize(("raw", "stored"), ACCEPTED, ids=list(GOOD))
def test_the_table_is_what_an_independent_parser_says(raw: str, stored: str) -> None:
    assert ada_url.URL(raw).href == stored


def test_the_field_at_fault_is_the_callers() -> None:
    for raw in ("x", "https://", "https://a b", "https://u@a/", "https://go.example", "https://a/" + "b" * 8192):
        with pytest.raises(errors.Refused) as refusal:
            targets.check(raw, OWN, name="expired_target")
        assert refusal.value.field == "expired_target"
        assert [problem.field for problem in refusal.value.problems] == ["expired_target"]


def test_a_fingerprint_is_stored_and_so_must_never_change() -> None:
    assert targets.fingerprint("https://example.com/") == 1493557592560457051
    prints = [targets.fingerprint(f"https://example.com/{number}") for number in range(1000)]
    assert len(set(prints)) == 1000
    assert min(prints) < 0 < max(prints)
    assert all(-(2**63) <= value < 2**63 for value in prints)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("https://example.com/", "example.com"),
        ("http://example.com:8443/a?b=https://other.example/#c", "example.com"),
        ("HTTPS://Bücher.Example?q=1", "xn--bcher-kva.example"),
        ("https://192.0.2.7:1/", "192.0.2.7"),
        ("https://[2001:DB8::1]:8443/a:80", "[2001:db8::1]"),
        ("https://example.com/a@b:c", "example.com"),
    ],
)
def test_host_in(target: str, host: str) -> None:
    assert targets.host_in(targets.check(target, ANYTHING)) == host


def test_a_target_that_is_no_web_address_has_no_host() -> None:
    assert targets.host_in("mailto:a@example.com") is None
