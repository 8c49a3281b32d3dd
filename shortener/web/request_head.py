"""Heads of requests as the parser gives them: the offer to upgrade taken out, and the host of the request target."""

from collections.abc import Sequence

from shortener.domain import host

Headers = list[tuple[bytes, bytes]]

_HOST, _CONNECTION, _UPGRADE = b"host", b"connection", b"upgrade"


def without_upgrade(method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A request's head without its offer to upgrade; empty for CONNECT, which is nothing without it."""
    if method == b"CONNECT":
        return b""
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    for name, value in headers:
        if name == _CONNECTION:
            options = [option.strip() for option in value.split(b",")]
            value = b", ".join(option for option in options if option.lower() != _UPGRADE)
        if name != _UPGRADE and (value or name != _CONNECTION):
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])


def take_authority(target: bytes, version: str, headers: Headers) -> bytes:
    """Path and query of `target`; if it is absolute, its host replaces that in `headers` (RFC 9112 section 3.2.2).

    Headers with more than one Host, or with one that is malformed, stay as they are: such a request is refused.
    """
    _, is_absolute, rest = target.partition(b"://")
    if not is_absolute:
        return target
    end = next((at for at, byte in enumerate(rest) if byte in b"/?#"), len(rest))
    authority, path = rest[:end], rest[end:]
    places = [at for at, (name, _) in enumerate(headers) if name == _HOST]
    if not places and version == "1.0":
        headers.append((_HOST, authority))
    if len(places) == 1 and host.is_well_formed(headers[places[0]][1]):
        headers[places[0]] = (_HOST, authority)
    return path if path[:1] == b"/" else b"/" + path
