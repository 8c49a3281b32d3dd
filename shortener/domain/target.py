"""Targets: where a link may lead, and the one form in which a target is stored.

The raw text is judged first, since parsers repair or drop what an attacker hides in it; then it is parsed
the way browsers parse (WHATWG URL Standard), because what counts is where a browser would go.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from pydantic import AnyUrl, TypeAdapter, ValidationError

from shortener import errors
from shortener.domain import placeholder, text

#: Longest target, in characters. Beyond that proxies and browsers begin to refuse a Location header
#: (nginx's large_client_header_buffers is 8 KiB by default).
MAX_LENGTH = 8192
#: Never allowed, whatever the settings say: these run code or read files in the visitor's browser.
DANGEROUS_SCHEMES = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"}
)
_WEB_SCHEMES = frozenset({"http", "https"})
_WEB_BEGINNINGS = ("http://", "https://")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: What URL parsers strip from the ends of a text (WHATWG URL Standard, section 4.4), as far as people type it.
_WHITE_SPACE = " \t\n\v\f\r"
#: Longest text that a message repeats, with a scheme in front.
_LONGEST_OFFER = 200
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~[]:")

#: Characters that people know by a name.
_NAMES = {" ": "a space", "\\": "a backslash", "\t": "a tab", "\n": "a line break", "\r": "a line break"}
_PORT = re.compile(r":[0-9]*$")
_PATH_END = re.compile(r"[?#]")
#: Perhaps a web scheme, perhaps slashes, and a name with a dot: `example.com`, `//example.com`, `https:example.com`.
_BEGINS_LIKE_A_HOST = re.compile(
    r"(?P<before>(?P<scheme>https?:)?/{0,2})(?P<host>[^\s/?#:@]+\.[^\s/?#:@]+)", re.IGNORECASE
)

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
    """The stored form of a target as somebody wrote it, which may have placeholders (domain.placeholder).

    `name` is the field that the errors blame. Raises one of errors.Target*, PlaceholderInvalid.
    """
    return _checked(target, policy, name, has_placeholders=True)


def check_fixed(target: str, policy: TargetPolicy, *, name: str = "target") -> str:
    """The stored form of a target in which all is text: byte for byte what Location says. Raises errors.Target*."""
    return _checked(target, policy, name, has_placeholders=False)


def host_of(base_url: str) -> tuple[str, int]:
    """Host and port of one of our own base URLs, as `TargetPolicy.own_hosts` holds them."""
    return _place(_url.validate_python(base_url))


def host_in(target: str) -> str | None:
    """The host of `target`, in stored form and so in ASCII, without its port; None if it is no web address."""
    if not target.startswith(_WEB_BEGINNINGS):
        return None
    authority = re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]
    return _PORT.sub("", authority)


def own_hosts(base_url: str) -> frozenset[tuple[str, int]]:
    """Every `(host, port)` by which the service at `base_url` is reached.

    On a default port that is the other default port too, since a proxy there usually leads back.
    """
    host, port = host_of(base_url)
    ports = _DEFAULT_PORTS.values() if port in _DEFAULT_PORTS.values() else (port,)
    return frozenset((host, number) for number in ports)


def leads_to(target: str, own_hosts: frozenset[tuple[str, int]]) -> bool:
    """Whether `target`, in stored form, is a web address on one of `own_hosts`."""
    return target.startswith(_WEB_BEGINNINGS) and _place_of_origin("/".join(target.split("/", 3)[:3])) in own_hosts


@lru_cache(4096)
def _place_of_origin(origin: str) -> tuple[str, int]:
    """Host and port of an origin. Remembered: it is asked for each link that is loaded, and most lead to a few."""
    return _place(_url.validate_python(origin))


def fingerprint(target: str) -> int:
    """A signed 64-bit hash of a stored target, for the index by which an existing link is found."""
    return int.from_bytes(hashlib.blake2b(target.encode(), digest_size=8).digest(), "big", signed=True)


def _checked(given: str, policy: TargetPolicy, name: str, *, has_placeholders: bool) -> str:
    target = given.strip(_WHITE_SPACE)
    _check_length(target, name)
    _check_characters(target, len(given) - len(given.lstrip(_WHITE_SPACE)), name)
    scheme = _check_scheme(target, policy, name)
    has_placeholders = has_placeholders and placeholder.may_be_in(target)
    if has_placeholders:
        placeholder.check(target, name=name)
    stored = _stored(target, scheme, policy, name, has_placeholders=has_placeholders)
    _check_length(stored, name)
    if has_placeholders:
        placeholder.check_count(stored, name=name)
    return stored


def _stored(target: str, scheme: str, policy: TargetPolicy, name: str, *, has_placeholders: bool) -> str:
    mark = placeholder.marker(target) if has_placeholders else ""
    url = _parsed(placeholder.mark_literals(target, mark) if mark else target, name)
    if url.username or url.password or _has_empty_user(target):
        raise errors.TargetUserInfo("Remove the user name and password before the '@'.", field=name)
    if scheme in _WEB_SCHEMES:
        _check_host(url, policy, name)
    return placeholder.stored(_serialised(url), mark) if mark else _serialised(url)


def _parsed(target: str, name: str) -> AnyUrl:
    try:
        return _url.validate_python(target)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Input should be a valid URL, ")
        raise errors.TargetInvalid(f"Not a valid URL: {reason}.", field=name) from error


def _serialised(url: AnyUrl) -> str:
    """`url` as browsers write it. The parser leaves `^` in paths, which the standard percent-encodes since 2023."""
    whole = str(url)
    path_end = _PATH_END.search(whole)
    before = whole[: path_end.start()] if path_end else whole
    if "^" not in before or not before.partition(":")[2].startswith("/"):  # `mailto:` and its like have no path
        return whole
    return before.replace("^", "%5E") + whole[len(before) :]


def _has_empty_user(target: str) -> bool:
    """Whether an `@` stands where a user would, with nothing before it that the parser would have kept."""
    rest = target.partition(":")[2]
    return rest.startswith("//") and "@" in re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0]


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


def _check_characters(target: str, stripped: int, name: str) -> None:
    """`stripped` characters stood before `target` where somebody wrote it."""
    wrong = text.forbidden_character(target) or next((c for c in target if c in " \\"), None)
    if wrong is not None:
        position = stripped + target.index(wrong)
        detail = f"The target contains {_NAMES.get(wrong, text.visible(wrong))} at position {position}: remove it."
        raise errors.TargetCharacters(detail, field=name)


def _check_scheme(target: str, policy: TargetPolicy, name: str) -> str:
    scheme, colon, rest = target.partition(":")
    scheme = scheme.lower()
    web = scheme in _WEB_SCHEMES and rest.startswith("//")
    if colon and (web or scheme in policy.schemes - _WEB_SCHEMES):
        return scheme
    accepted = [f"{known}://" if known in _WEB_SCHEMES else f"{known}:" for known in sorted(policy.schemes)]
    detail = f"A target must start with {' or '.join(accepted)}."
    offered = _with_scheme(target, policy)
    if offered is not None:
        detail += f" Did you mean {offered}?"
    raise errors.TargetScheme(detail, field=name)


def _with_scheme(target: str, policy: TargetPolicy) -> str | None:
    """The web address that was meant where only the scheme or its slashes are missing, else None."""
    match = _BEGINS_LIKE_A_HOST.match(target)
    if match is None:
        return None
    scheme = (match["scheme"] or "https:").lower()
    offered = f"{scheme}//{target[match.end('before') :]}"
    if len(offered) > _LONGEST_OFFER:
        offered = f"{scheme}//{match['host']}/…"
    try:
        _checked(offered, policy, "target", has_placeholders=True)
    except errors.Refused:
        return None
    return offered if offered.isprintable() else None


def _check_host(url: AnyUrl, policy: TargetPolicy, name: str) -> None:
    host = url.host or ""
    wrong = next((c for c in host if c not in _HOST_CHARACTERS), None)
    if wrong is not None or not host.strip("."):
        raise errors.TargetInvalid(f"'{host}' is not a host name.", field=name)
    if _place(url) in policy.own_hosts:
        detail = f"'{host}' is this shortener itself; a link to it would be a loop."
        raise errors.TargetOwnHost(detail, field=name)
