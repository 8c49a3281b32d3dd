"""Hosts: which names a domain may have, how a request names one, and the addresses of what lies there.

Nothing here knows which domains are configured; that is the database's to say.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import idna

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import target as targets
from shortener.domain import text

#: Longest host name, in characters of its ASCII form (RFC 1035 section 3.1, without the last dot).
MAX_LENGTH = 253
#: Longest Host header that may name one: with a dot and a port behind it.
_MAX_HEADER_LENGTH = MAX_LENGTH + len(".:65535")
#: Of an error's own words, so that what was sent is not sent back whole.
_MOST_REASON = 160

_EXAMPLE = "a domain is a host name such as go.example.com"
#: What people write beside a host name, in the order in which it is looked for.
_BESIDE_A_NAME = {"://": "scheme", "/": "path", "?": "query", "#": "fragment", "@": "user name"}

#: Names that are their own normal form, as most are: a letter begins the last label, so it is no address.
_PLAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: A last label like this makes browsers read the whole name as an IPv4 address (WHATWG URL Standard, section 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: What may stand around the value of a header (RFC 9110 section 5.6.3); the parser leaves what stands behind it.
_WHITE_SPACE = b" \t"
_HEADER = re.compile(rb"(?:([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)\.?|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{0,5})?")
#: `uri-host [":" port]` of RFC 9110 section 7.2, but neither empty nor with `!$&'()*+,;=`: no host has those.
_WELL_FORMED = re.compile(
    rb"(?:(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+|\[([0-9A-Fa-f:.]+)\]|\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~:-]+\])"
    rb"(?::([0-9]{0,5}))?"
)
_MAX_PORT = 65_535


def normal_form(host: str, *, name: str = "domain") -> str:
    """`host` as it is stored and as `of_header` reads it: lower case, ASCII (IDNA 2008), IPv6 addresses in brackets.

    `name` is the field that the error blames. Raises DomainInvalid.
    """
    if _PLAIN.fullmatch(host) and "--" not in host and len(host) <= MAX_LENGTH:
        return host
    _check_characters(host, name)
    in_brackets = host.startswith("[") and host.endswith("]")
    address = _ipv6(host[1:-1] if in_brackets else host)
    if address is not None:
        return address
    _check_alone(host, name)
    try:
        normal = idna.encode(host, uts46=True, std3_rules=True).decode().removesuffix(".")
    except idna.IDNAError as error:
        reason = text.printable(str(error))[:_MOST_REASON]
        raise errors.DomainInvalid(f"This is no host name ({reason}); {_EXAMPLE}.", field=name) from error
    if _NUMBER.fullmatch(normal.rpartition(".")[2]) and not _is_ipv4(normal):
        raise errors.DomainInvalid(f"'{normal}' is no IPv4 address; {_EXAMPLE}.", field=name)
    return normal


def unicode_name(host: str) -> str:
    """`host`, in normal form, as people write it: bücher.example."""
    try:
        return idna.decode(host)
    except idna.IDNAError:  # an address, or a name that newer tables have thrown out
        return host


def is_well_formed(value: bytes) -> bool:
    """Whether `value` may be that of a Host header, whatever it names. White space around it does not count."""
    value = value.strip(_WHITE_SPACE)
    match = _WELL_FORMED.fullmatch(value) if len(value) <= _MAX_HEADER_LENGTH else None
    if match is None:
        return False
    address, port = match.groups()
    return (address is None or _ipv6(address.decode()) is not None) and int(port or 0) <= _MAX_PORT


def of_header(value: bytes) -> str:
    """The host that a Host header names, in normal form; empty where it names none. Never raises."""
    value = value.strip(_WHITE_SPACE)
    match = _HEADER.fullmatch(value) if len(value) <= _MAX_HEADER_LENGTH else None
    if match is None:
        return ""
    named, address = match.groups()
    return named.lower().decode() if named is not None else _ipv6(address.decode()) or ""


def of_url(base_url: str) -> str:
    """The host of one of our own base URLs, in normal form."""
    return of_header(urlsplit(base_url).netloc.encode())


def root_url(base_url: str, domain: str) -> str:
    """Where visitors reach `domain`, without a slash at the end: with the scheme and port of the base URL."""
    if not domain:
        return base_url
    parts = urlsplit(base_url)
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{domain}{port}"


def short_url(base_url: str, domain: str, code: str) -> str:
    """The address of the link called `code` on `domain`; on the empty domain that is under the base URL itself."""
    return f"{root_url(base_url, domain)}/{codes.in_path(code)}"


def own_hosts(base_url: str, domains: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Every `(host, port)` by which `domains` are reached, as `TargetPolicy.own_hosts` holds them.

    Those are the base URL's port and the default ones: a proxy there usually leads here.
    """
    urls = (url for domain in domains for url in (root_url(base_url, domain), f"https://{domain}"))
    return frozenset().union(*map(targets.own_hosts, urls))


def _check_characters(host: str, name: str) -> None:
    if not host:
        raise errors.DomainInvalid(f"The domain is empty; {_EXAMPLE}.", field=name)
    if len(host) > MAX_LENGTH:
        detail = f"The domain has {len(host)} characters; at most {MAX_LENGTH} are allowed."
        raise errors.DomainInvalid(detail, field=name)
    wrong = text.forbidden_character(host)
    if wrong is not None:
        raise errors.DomainInvalid(f"{text.visible(wrong)} cannot stand in a host name.", field=name)


def _check_alone(host: str, name: str) -> None:
    """Refuses what is more than a host name, or stands for several."""
    beside = next((what for sign, what in _BESIDE_A_NAME.items() if sign in host), None)
    if beside is None and ":" in host:
        if host.count(":") > 1 and "]:" not in host:
            raise errors.DomainInvalid(f"'{text.printable(host)}' is no IPv6 address; {_EXAMPLE}.", field=name)
        beside = "port"
    if beside is not None:
        raise errors.DomainInvalid(f"Leave out the {beside}: {_EXAMPLE}.", field=name)
    if "*" in host:
        detail = "A domain is one host; a host without a domain of its own has the links of the default domain."
        raise errors.DomainInvalid(detail, field=name)


def _ipv6(address: str) -> str | None:
    """`address` in brackets and in its shortest form, or None if it is none. A zone is meant for one machine only."""
    try:
        return None if "%" in address else f"[{IPv6Address(address)}]"
    except ValueError:
        return None


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except ValueError:
        return False
    return True
