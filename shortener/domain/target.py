"""Targets: where a link may lead, and the one form in which a target is stored.

The raw text is judged first, since parsers repair or drop what an attacker hides in it; then it is parsed
the way browsers parse (WHATWG URL Standard), because what counts is where a browser would go.
"""

import hashlib
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import quote

from pydantic import AnyUrl, TypeAdapter, ValidationError

from shortener import errors
from shortener.domain import text

#: Longest target, in characters. Beyond that proxies and browsers begin to refuse a Location header
#: (nginx's large_client_header_buffers is 8 KiB by default).
MAX_LENGTH = 8192
#: Never allowed, whatever the settings say: these run code or read files in the visitor's browser.
DANGEROUS_SCHEMES = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"}
)
_WEB_SCHEMES = frozenset({"http", "https"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: What starlette.responses.RedirectResponse leaves unquoted in Location.
_LOCATION_SAFE = ":/%#?=@[]!$&'()*+,;"
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~[]:")

_url: TypeAdapter[AnyUrl] = TypeAdapter(AnyUrl)


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """What this instance accepts as a target."""

    #: Schemes beside http and https, in lower case, without colon.
    extra_schemes: frozenset[str] = frozenset()
    #: Our own `(host, port)` pairs; a target there would be a loop.
    own_hosts: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    @property
    def schemes(self) -> frozenset[str]:
        """All schemes accepted, in lower case."""
        return (_WEB_SCHEMES | self.extra_schemes) - DANGEROUS_SCHEMES


def check(target: str, policy: TargetPolicy, *, name: str = "target") -> str:
    """`target` in the form in which it is stored and sent as `Location`: pure ASCII, a fixed point of this function.

    `name` is the field that the errors blame. Raises one of errors.Target*.
    """
    _check_length(target, name)
    _check_characters(target, name)
    scheme = _check_scheme(target, policy, name)
    try:
        url = _url.validate_python(target)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Input should be a valid URL, ")
        raise errors.TargetInvalid(f"Not a valid URL: {reason}.", field=name) from error
    if url.username or url.password or (scheme in _WEB_SCHEMES and _has_empty_user(target)):
        raise errors.TargetUserInfo("Remove the user name and password before the '@'.", field=name)
    if scheme in _WEB_SCHEMES:
        _check_host(url, policy, name)
    stored = quote(str(url), safe=_LOCATION_SAFE)
    _check_length(stored, name)
    return stored


def host_of(base_url: str) -> tuple[str, int]:
    """Host and port of one of our own base URLs, as `TargetPolicy.own_hosts` holds them."""
    return _place(_url.validate_python(base_url))


def own_hosts(base_url: str) -> frozenset[tuple[str, int]]:
    """Every `(host, port)` by which the service at `base_url` is reached.

    On a default port that is the other default port too, since a proxy there usually leads back.
    """
    host, port = host_of(base_url)
    ports = _DEFAULT_PORTS.values() if port in _DEFAULT_PORTS.values() else (port,)
    return frozenset((host, number) for number in ports)


def fingerprint(target: str) -> int:
    """A signed 64-bit hash of a stored target, for the index by which an existing link is found."""
    return int.from_bytes(hashlib.blake2b(target.encode(), digest_size=8).digest(), "big", signed=True)


def _has_empty_user(target: str) -> bool:
    """Whether an `@` stands where a user would, with nothing before it that the parser would have kept."""
    return "@" in re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]


def _place(url: AnyUrl) -> tuple[str, int]:
    """Host and port of a web address; every name of this machine itself is `localhost`."""
    host = (url.host or "").rstrip(".")
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")  # RFC 6761 section 6.3
    else:
        address = getattr(address, "ipv4_mapped", None) or address
        local = address.is_loopback or address.is_unspecified
    return ("localhost" if local else host, url.port or _DEFAULT_PORTS[url.scheme])


def _check_length(target: str, name: str) -> None:
    if len(target) > MAX_LENGTH:
        detail = f"The target has {len(target)} characters; at most {MAX_LENGTH} are allowed."
        raise errors.TargetTooLong(detail, field=name)


def _check_characters(target: str, name: str) -> None:
    wrong = text.forbidden_character(target) or next((c for c in target if c in " \\"), None)
    if wrong is not None:
        detail = f"The target contains {text.visible(wrong)} at position {target.index(wrong)}; percent-encode it."
        raise errors.TargetCharacters(detail, field=name)


def _check_scheme(target: str, policy: TargetPolicy, name: str) -> str:
    scheme, colon, rest = target.partition(":")
    scheme = scheme.lower()
    web = scheme in _WEB_SCHEMES and rest.startswith("//")
    if colon and (web or scheme in policy.schemes - _WEB_SCHEMES):
        return scheme
    accepted = [f"{known}://" if known in _WEB_SCHEMES else f"{known}:" for known in sorted(policy.schemes)]
    raise errors.TargetScheme(f"A target must start with {' or '.join(accepted)}.", field=name)


def _check_host(url: AnyUrl, policy: TargetPolicy, name: str) -> None:
    host = url.host or ""
    wrong = next((c for c in host if c not in _HOST_CHARACTERS), None)
    if wrong is not None or not host.strip("."):
        raise errors.TargetInvalid(f"'{host}' is not a host name.", field=name)
    if _place(url) in policy.own_hosts:
        detail = f"'{host}' is this shortener itself; a link to it would be a loop."
        raise errors.TargetOwnHost(detail, field=name)
