"""Visitors: what we may know of one, and how little of it is kept.

A visitor's address is seen here in full for the last time: it becomes a network (/24 or /48) and a keyed
hash, and neither can be turned back into an address once the day's salt is destroyed.
"""

import hashlib
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Bytes of a user agent that are looked at; the longest real one of our test data has 307.
MAX_USER_AGENT_BYTES = 512
#: Bytes kept of a truncated address: /24 and /48 are what Matomo and the CNIL call anonymised.
_IPV4_BYTES, _IPV6_BYTES = 3, 6


def parse_address(value: str) -> Address | None:
    """The address `value` stands for, IPv4 even when mapped into IPv6, or None. An address with a port is none.

    A zone (`fe80::1%eth0`) is dropped: it names an interface of this machine and says nothing about the client.
    """
    try:
        address = ip_address(value.strip())
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or (IPv6Address(int(address)) if address.scope_id else address)


#: How proxies write an address beside the plain form: in quotes, in brackets, with a port (RFC 7239 section 6).
_HOP = re.compile(r'"?(?:\[([0-9A-Fa-f:.%\w]+)\]|([\d.]+))(?::\d{1,5})?"?', re.ASCII)


def parse_hop(value: str) -> Address | None:
    """The address that an element of X-Forwarded-For stands for, or None: as `parse_address`, or with a port.

    IPv6 has a port only behind brackets. Elements may stand in quotes.
    """
    match = _HOP.fullmatch(value.strip())
    return parse_address((match[1] or match[2]) if match else value.strip().strip('"'))


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The address of the client behind `peer`.

    `forwarded_for` holds the values of the X-Forwarded-For headers in the order received. They count only
    when the peer is in `trusted`; then it is the right-most hop that is not. A hop that is no address ends
    the search, since nothing to its left can be vouched for. Empty elements are left out (RFC 9110 section 5.6.1).
    """
    address = parse_address(peer or "")
    if address is None or not trusted or not is_within(address, trusted):
        return address
    hops = [hop for value in forwarded_for for hop in value.split(",") if hop.strip()]
    for hop in reversed(hops):
        parsed = parse_hop(hop)
        if parsed is None:
            return address
        address = parsed
        if not is_within(address, trusted):
            return address
    return address


def network_bytes(address: Address | None) -> bytes:
    """The first 24 bits of an IPv4 address, the first 48 of an IPv6 one, nothing of none: 3, 6 or 0 bytes."""
    if address is None:
        return b""
    return address.packed[: _IPV4_BYTES if address.version == 4 else _IPV6_BYTES]


def network_address(network: bytes) -> Address | None:
    """The first address of a network as `network_bytes` gives it, or None if it gave nothing."""
    if len(network) == _IPV4_BYTES:
        return IPv4Address(network.ljust(4, b"\0"))
    if len(network) == _IPV6_BYTES:
        return IPv6Address(network.ljust(16, b"\0"))
    return None


def network_text(network: bytes) -> str:
    """A network as `network_bytes` gives it, in words: `203.0.113.0/24`, `2001:db8::/48`, or `unknown`."""
    address = network_address(network)
    return "unknown" if address is None else f"{address}/{8 * len(network)}"


def visitor_hash(address: Address | None, user_agent: bytes, salt: bytes) -> int:
    """Who this is for one day: 63 bits of keyed BLAKE2 over the full address and the user agent.

    `salt` is the day's, 16 to 64 bytes. 0 never comes out: it stands for "not hashed" in a frame.
    """
    packed = address.packed if address is not None else b""
    hashed = hashlib.blake2b(packed + b"|" + user_agent, digest_size=8, key=salt).digest()
    return (int.from_bytes(hashed, "big") >> 1) or 1


def untrusted_proxy(peer: str, trusted: Sequence[Network]) -> Address | None:
    """The address of a peer whose X-Forwarded-For does not count, or None if it does, or if there is no address."""
    address = parse_address(peer)
    return None if address is None or is_within(address, trusted) else address


def shown(address: Address) -> str:
    """`address` as log lines may say it: in full within a network of one's own, else the network alone."""
    known = address if not address.is_global else network_address(network_bytes(address))
    return str(known)


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether `address` lies in one of `networks`."""
    return any(address in network for network in networks if network.version == address.version)
