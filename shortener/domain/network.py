"""Networks as people write them: an address, a block (192.0.2.0/24) or a pattern (192.0.*.*)."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from shortener.domain.visitor import Address

_PATTERN = re.compile(r"(?:(?:\d{1,3}|\*)\.){3}(?:\d{1,3}|\*)", re.ASCII)
#: Bits of an IPv6 address in front of the IPv4 address mapped into it.
_MAPPED_BITS = 96


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which bits of an address of a version are looked at, and what they must be."""

    version: int
    mask: int
    bits: int

    def takes_in(self, address: Address | None) -> bool:
        """Whether `address` fits. None never does."""
        return address is not None and address.version == self.version and int(address) & self.mask == self.bits


def normal_form(written: str) -> str:
    """`written` as it is stored, a fixed point: without bits that do not count. Raises ValueError."""
    written = written.strip()
    if _PATTERN.fullmatch(written):
        octets = [octet if octet == "*" else str(int(octet)) for octet in written.split(".")]
        if "*" in octets:
            _of_octets(octets)
            return ".".join(octets)
    network = _network(written)
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def pattern(written: str) -> Pattern:
    """What a normal form takes in. Raises ValueError."""
    if "*" in written:
        return _of_octets(written.split("."))
    network = _network(written)
    return Pattern(network.version, int(network.netmask), int(network.network_address))


def _of_octets(octets: list[str]) -> Pattern:
    mask = bytes(0 if octet == "*" else 255 for octet in octets)
    bits = IPv4Address(".".join("0" if octet == "*" else octet for octet in octets))
    return Pattern(4, int.from_bytes(mask, "big"), int(bits))


def _network(written: str) -> IPv4Network | IPv6Network:
    """IPv4 mapped into IPv6 is IPv4, as it is with visitors."""
    if "%" in written:
        raise ValueError("a zone names an interface of one machine")
    network = ip_network(written, strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS)) if mapped else network
