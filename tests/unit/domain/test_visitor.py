"""Visitors: whose address counts behind proxies, and how little of it is kept."""

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import visitor
from shortener.domain.visitor import Network
from tests.unit.laws import law

TRUSTED: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
SALT = bytes(range(32))
addresses = st.ip_addresses()


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\t", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::192.0.2.1", "::c000:201"),
        ("", None),
        ("unknown", None),
        ("localhost", None),
        ("192.0.2.1:8080", None),
        ("[2001:db8::1]", None),
        ("[2001:db8::1]:8080", None),
        ("192.0.2.1%eth0", None),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("256.0.0.1", None),
        ("3221225985", None),
        ("192.0.2.0/24", None),
        ("١٩٢.0.2.1", None),
        ("192.0.2.1, 192.0.2.2", None),
        ("testclient", None),
    ],
)
def test_what_is_an_address(value: str, address: str | None) -> None:
    found = visitor.parse_address(value)
    assert found == (ip_address(address) if address else None)
    # An address with a zone equals none without, so that one visitor would be two.
    assert getattr(found, "scope_id", None) is None


#: By name: the peer, the X-Forwarded-For headers, whom we trust, and the client.
MATRIX: dict[str, tuple[str | None, list[str], Sequence[Network], str | None]] = {
    "direct": ("192.0.2.1", [], (), "192.0.2.1"),
    "direct-while-others-are-trusted": ("192.0.2.1", [], TRUSTED, "192.0.2.1"),
    "direct-and-spoofed": ("192.0.2.1", ["198.51.100.9"], (), "192.0.2.1"),
    "direct-and-spoofed-while-others-are-trusted": ("192.0.2.1", ["198.51.100.9"], TRUSTED, "192.0.2.1"),
    "direct-and-claiming-to-be-a-proxy": ("192.0.2.1", ["10.0.0.1"], TRUSTED, "192.0.2.1"),
    "direct-ipv6": ("2001:db8::1", [], TRUSTED, "2001:db8::1"),
    "one-proxy": ("10.0.0.1", ["192.0.2.1"], TRUSTED, "192.0.2.1"),
    "one-ipv6-proxy": ("fd00::1", ["2001:db8::1"], TRUSTED, "2001:db8::1"),
    "ipv4-client-of-an-ipv6-proxy": ("fd00::1", ["192.0.2.1"], TRUSTED, "192.0.2.1"),
    "mapped-proxy": ("::ffff:10.0.0.1", ["192.0.2.1"], TRUSTED, "192.0.2.1"),
    "mapped-client": ("10.0.0.1", ["::ffff:192.0.2.1"], TRUSTED, "192.0.2.1"),
    "mapped-and-direct": ("::ffff:192.0.2.1", ["198.51.100.9"], TRUSTED, "192.0.2.1"),
    "two-proxies": ("10.0.0.1", ["192.0.2.1, 10.0.0.2"], TRUSTED, "192.0.2.1"),
    "two-proxies-in-two-headers": ("10.0.0.1", ["192.0.2.1", "10.0.0.2"], TRUSTED, "192.0.2.1"),
    "three-proxies-without-spaces": ("10.0.0.1", ["192.0.2.1,fd00::3,10.0.0.2"], TRUSTED, "192.0.2.1"),
    "spoofed-behind-one-proxy": ("10.0.0.1", ["198.51.100.9, 192.0.2.1"], TRUSTED, "192.0.2.1"),
    "spoofed-behind-two-proxies": ("10.0.0.1", ["198.51.100.9, 192.0.2.1, 10.0.0.2"], TRUSTED, "192.0.2.1"),
    "spoofed-in-a-header-of-its-own": ("10.0.0.1", ["198.51.100.9", "192.0.2.1"], TRUSTED, "192.0.2.1"),
    "spoofed-trusted-address": ("10.0.0.1", ["10.0.0.9, 192.0.2.1"], TRUSTED, "192.0.2.1"),
    "untrusted-proxy-between": ("10.0.0.1", ["192.0.2.1, 203.0.113.5, 10.0.0.2"], TRUSTED, "203.0.113.5"),
    "garbage-hop": ("10.0.0.1", ["192.0.2.1, unknown"], TRUSTED, "10.0.0.1"),
    "garbage-hop-behind-a-proxy": ("10.0.0.1", ["192.0.2.1, unknown, 10.0.0.2"], TRUSTED, "10.0.0.2"),
    "garbage-left-of-the-client": ("10.0.0.1", ["<script>, 192.0.2.1"], TRUSTED, "192.0.2.1"),
    "hop-with-port": ("10.0.0.1", ["192.0.2.1:4711"], TRUSTED, "192.0.2.1"),
    "hop-in-brackets": ("10.0.0.1", ["[2001:db8::1]"], TRUSTED, "2001:db8::1"),
    "hop-in-brackets-with-port": ("10.0.0.1", ["[2001:db8::1]:4711"], TRUSTED, "2001:db8::1"),
    "hop-in-quotes": ("10.0.0.1", ['"192.0.2.1"'], TRUSTED, "192.0.2.1"),
    "hop-in-quotes-with-port": ("10.0.0.1", ['"[2001:db8::1]:4711"'], TRUSTED, "2001:db8::1"),
    "ipv6-without-brackets-has-no-port": ("10.0.0.1", ["2001:db8::1:4711"], TRUSTED, "2001:db8::1:4711"),
    "ports-on-all-hops": ("10.0.0.1", ["192.0.2.1:1, 10.0.0.2:2, [fd00::3]:3"], TRUSTED, "192.0.2.1"),
    "mapped-hop-with-port": ("10.0.0.1", ["[::ffff:192.0.2.1]:4711"], TRUSTED, "192.0.2.1"),
    "spoofed-with-port": ("10.0.0.1", ["198.51.100.9:1, 192.0.2.1:2"], TRUSTED, "192.0.2.1"),
    "hop-with-a-port-that-is-none": ("10.0.0.1", ["192.0.2.1:http"], TRUSTED, "10.0.0.1"),
    "hop-without-end-of-brackets": ("10.0.0.1", ["[2001:db8::1"], TRUSTED, "10.0.0.1"),
    "empty-header": ("10.0.0.1", [""], TRUSTED, "10.0.0.1"),
    "empty-hop": ("10.0.0.1", ["192.0.2.1,"], TRUSTED, "192.0.2.1"),
    "empty-hops": ("10.0.0.1", [" ,192.0.2.1, ,, 10.0.0.2,\t", ""], TRUSTED, "192.0.2.1"),
    "no-header": ("10.0.0.1", [], TRUSTED, "10.0.0.1"),
    "all-trusted": ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], TRUSTED, "10.0.0.3"),
    "everybody-trusted": ("192.0.2.1", ["198.51.100.9, 203.0.113.5"], (ip_network("0.0.0.0/0"),), "198.51.100.9"),
    "no-peer": (None, ["192.0.2.1"], TRUSTED, None),
    "unix-socket": ("", ["192.0.2.1"], TRUSTED, None),
    "peer-that-is-no-address": ("testclient", ["192.0.2.1"], TRUSTED, None),
    "link-local-peer": ("fe80::1%eth0", [], TRUSTED, "fe80::1"),
    "link-local-proxy": ("fe80::1%eth0", ["192.0.2.1"], (ip_network("fe80::/10"),), "192.0.2.1"),
}


@pytest.mark.parametrize(("peer", "forwarded_for", "trusted", "client"), MATRIX.values(), ids=list(MATRIX))
def test_whose_address_counts(
    peer: str | None, forwarded_for: list[str], trusted: Sequence[Network], client: str | None
) -> None:
    found = visitor.client_address(peer, forwarded_for, trusted)
    assert found == (ip_address(client) if client else None)


hop = st.one_of(addresses.map(str), st.text(max_size=10), st.sampled_from(["10.0.0.2", "fd00::2", "unknown", ""]))


@law
@given(addresses, st.lists(hop))
def test_nothing_a_visitor_sends_moves_one_who_comes_directly(
    peer: IPv4Address | IPv6Address, sent: list[str]
) -> None:
    assert visitor.client_address(str(peer), sent, ()) == visitor.parse_address(str(peer))


@law
@given(st.lists(hop))
def test_nothing_a_visitor_sends_moves_one_behind_a_proxy(sent: list[str]) -> None:
    """The proxy appends the address it saw; whatever stands before it was sent by the visitor."""
    for headers in (
        [*sent, "192.0.2.1"],
        [", ".join([*sent, "192.0.2.1"])],
        [", ".join([*sent, "192.0.2.1", "10.0.0.2"])],
    ):
        assert visitor.client_address("10.0.0.1", headers, TRUSTED) == IPv4Address("192.0.2.1")


@pytest.mark.parametrize(
    ("address", "network", "first"),
    [
        ("192.0.2.129", bytes([192, 0, 2]), "192.0.2.0"),
        ("255.255.255.255", b"\xff\xff\xff", "255.255.255.0"),
        ("0.0.0.0", b"\0\0\0", "0.0.0.0"),
        ("2001:db8:1234:5678:9abc:def0:1:2", bytes.fromhex("20010db81234"), "2001:db8:1234::"),
        ("::1", bytes(6), "::"),
        (None, b"", None),
    ],
)
def test_how_much_of_an_address_is_kept(address: str | None, network: bytes, first: str | None) -> None:
    assert visitor.network_bytes(ip_address(address) if address else None) == network
    assert visitor.network_address(network) == (ip_address(first) if first else None)


@law
@given(addresses)
def test_a_truncated_address_is_the_beginning_of_its_network(address: IPv4Address | IPv6Address) -> None:
    prefix = 24 if address.version == 4 else 48
    kept = visitor.network_bytes(address)
    assert len(kept) == prefix // 8
    assert visitor.network_address(kept) == ip_network((address, prefix), strict=False).network_address


@pytest.mark.parametrize("length", [1, 2, 4, 5, 7, 16])
def test_a_network_of_another_length_is_none(length: int) -> None:
    assert visitor.network_address(bytes(length)) is None


def test_a_hash_depends_on_address_agent_and_salt() -> None:
    base = (ip_address("192.0.2.1"), b"Firefox", SALT)
    others = [
        (ip_address("192.0.2.2"), b"Firefox", SALT),
        (ip_address("2001:db8::1"), b"Firefox", SALT),
        (None, b"Firefox", SALT),
        (ip_address("192.0.2.1"), b"Chrome", SALT),
        (ip_address("192.0.2.1"), b"", SALT),
        (ip_address("192.0.2.1"), b"Firefox", SALT[::-1]),
    ]
    assert visitor.visitor_hash(*base) == visitor.visitor_hash(*base)
    assert len({visitor.visitor_hash(*one) for one in [base, *others]}) == 1 + len(others)


def test_visitors_of_one_network_are_told_apart() -> None:
    hashes = {visitor.visitor_hash(ip_address(f"192.0.2.{last}"), b"", SALT) for last in range(256)}
    assert len(hashes) == 256


@law
@given(addresses | st.none(), st.binary(max_size=600), st.binary(min_size=16, max_size=64))
def test_a_hash_fits_where_it_is_stored_and_is_never_none(
    address: IPv4Address | IPv6Address | None, agent: bytes, salt: bytes
) -> None:
    assert 0 < visitor.visitor_hash(address, agent, salt) < 2**63


def test_a_hash_of_zero_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def digest(self) -> bytes:
            return bytes(7) + b"\1"

    monkeypatch.setattr(hashlib, "blake2b", lambda *_args, **_options: Nothing())
    assert visitor.visitor_hash(None, b"", SALT) == 1


@pytest.mark.parametrize(
    ("peer", "proxy", "shown"),
    [
        ("10.0.0.1", None, None),
        ("192.168.0.7", "192.168.0.7", "192.168.0.7"),
        ("8.8.8.8", "8.8.8.8", "8.8.8.0"),
        ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::200e", "2a00:1450:4001::"),
        ("", None, None),
        ("testclient", None, None),
    ],
)
def test_which_proxy_is_not_trusted(peer: str, proxy: str | None, shown: str | None) -> None:
    found = visitor.untrusted_proxy(peer, TRUSTED)
    assert found == (ip_address(proxy) if proxy else None)
    assert found is None or visitor.shown(found) == shown
