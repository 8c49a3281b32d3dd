"""Frames: a click as bytes, in the spool and in the inbox.

    frame   = length u32 | crc32 u32 | version u8 | payload        (little-endian; length counts version and payload)
    payload = time_ms u64 | flags u8 | class u8 | link part | visitor part | request part

The three parts are packed apart because each has its own life: a link's bytes never change, a visitor's are the
same all day, only the request's are new each time. Strings are u16 length and UTF-8. The CRC is seeded with the
segment's id, so that a frame copied into another segment does not pass for its own.

The inbox keeps bodies, that is version and payload: what was committed in a row is there as a whole.

Version 2 has the variant behind the code in the link part, version 1 has none. Both are read, as version 2.

An orphan has its path in place of the code, and its domain in place of the variant. Frames from before that have no
domain there, which is how the default domain is written.
"""

import struct
import zlib
from typing import NamedTuple

from shortener.domain.click import UTM_PARAMETERS, ClickClass, Flag

VERSION = 2
#: What a spool may still hold that was not drained before an upgrade.
_WITHOUT_VARIANT = 1
#: Bytes of a string that are kept: 512 characters of any script.
_MAX_STRING = 4 * 512
#: Longest version and payload: room for ten strings of that length, whatever a visitor sends, and the numbers.
MAX_LENGTH = 24 * 1024

_HEAD = struct.Struct("<II")
#: Bytes of a frame before version and payload.
HEAD_SIZE = _HEAD.size
_VERSION_SIZE = 1
_FACTS = struct.Struct("<QBB")
_LINK = struct.Struct("<BqI")
_VISITOR = struct.Struct("<IQ")
_STRING = struct.Struct("<H")
#: Version, time, flags, class and the link part up to the length of its code.
_BEFORE_CODE = struct.Struct("<BQBB13xH")
_LINK_AT = _VERSION_SIZE + _FACTS.size
_VISITOR_STRINGS = ("network", "user_agent", "language")
_ORPHAN, _OF_LINK = 0, 1
_EARLY = "the payload ends early"
_VERSION_BYTE = bytes([VERSION])
_NO_STRING = _STRING.pack(0)


class UnknownVersion(ValueError):
    """A frame written by another version of the shortener."""


def pack_link(link_id: int, nonce: int, code: str, variant: str = "") -> bytes:
    """The part of a payload that depends on the link.

    `variant` says which target of a split was served; empty where there was none.
    """
    return _LINK.pack(_OF_LINK, link_id, nonce) + _string(code) + _string(variant)


def pack_orphan(domain: str, path: str) -> bytes:
    """The link part of a visit to `path` on `domain`, where no link is; the empty domain is the default one."""
    return _LINK.pack(_ORPHAN, 0, 0) + _string(path) + _string(domain)


def pack_visitor(*, salt_day: int, visitor_hash: int, network: bytes, user_agent: str, language: str) -> bytes:
    """The part of a payload that depends on the visitor and the day."""
    texts = _string(user_agent) + _string(language)
    return _VISITOR.pack(salt_day, visitor_hash) + _STRING.pack(len(network)) + network + texts


def pack_request(referrer: str, utm: dict[str, str]) -> bytes:
    """The part of a payload that only this request has."""
    return _string(referrer) + b"".join(_string(utm.get(name, "")) for name in UTM_PARAMETERS)


def pack(
    time_ms: int, flags: Flag, click_class: ClickClass | None, link: bytes, visitor: bytes, request: bytes
) -> bytes:
    """A whole payload from its parts."""
    return _FACTS.pack(time_ms, flags, click_class or 0) + link + visitor + request


def seal(payload: bytes, seed: int) -> bytes:
    """The frame that carries `payload`; `seed` is the segment's."""
    body = _VERSION_BYTE + payload
    return _HEAD.pack(len(body), zlib.crc32(body, seed)) + body


def seal_body(body: bytes, seed: int) -> bytes:
    """The same of a `body`, whatever its version."""
    return _HEAD.pack(len(body), zlib.crc32(body, seed)) + body


def body_of(payload: bytes) -> bytes:
    """Version and payload, as the inbox keeps them."""
    return _VERSION_BYTE + payload


def read_all(data: bytes, seed: int, at_most: int) -> tuple[list[bytes], int]:
    """The bodies of up to `at_most` whole frames that `data` begins with, and the offset behind the last of them."""
    bodies: list[bytes] = []
    at = 0
    while len(bodies) < at_most and (body := _body_at(data, at, seed)) is not None:
        bodies.append(body)
        at += _HEAD.size + len(body)
    return bodies, at


def _body_at(data: bytes, offset: int, seed: int) -> bytes | None:
    start = offset + _HEAD.size
    if start > len(data):
        return None
    length, crc = _HEAD.unpack_from(data, offset)
    body = data[start : start + length]
    if not _VERSION_SIZE <= length <= MAX_LENGTH or len(body) < length or zlib.crc32(body, seed) != crc:
        return None
    return body


class Parts(NamedTuple):
    """A payload taken apart, but no further: most parts have been seen before."""

    time_ms: int
    flags: int
    #: The number of a ClickClass, or 0.
    click_class: int
    link: bytes
    visitor: bytes
    request: bytes


class LinkPart(NamedTuple):
    """The link part of a payload, as `pack_link` or `pack_orphan` packed it."""

    #: None for an orphan.
    link_id: int | None
    nonce: int
    #: Of an orphan the path.
    code: str
    #: Empty where there was no split.
    variant: str
    #: Of an orphan; empty is the default one.
    domain: str


class VisitorPart(NamedTuple):
    """What `pack_visitor` packed."""

    salt_day: int
    visitor_hash: int
    network: bytes
    user_agent: str
    language: str


class RequestPart(NamedTuple):
    """What `pack_request` packed; of the `utm_*` parameters those that are not empty."""

    referrer: str
    utm: dict[str, str]


def split(body: bytes) -> Parts:
    """The parts of version and payload. Raises UnknownVersion, or ValueError where it is too short for them.

    A string that is cut is found when its part is unpacked.
    """
    try:
        if body[0] != VERSION:
            body = _as_now(body)
        _, time_ms, flags, click_class, length = _BEFORE_CODE.unpack_from(body)
        visitor_at = _BEFORE_CODE.size + length
        visitor_at += _STRING.size + _STRING.unpack_from(body, visitor_at)[0]
        at = visitor_at + _VISITOR.size
        for _ in _VISITOR_STRINGS:
            at += _STRING.size + _STRING.unpack_from(body, at)[0]
    except (struct.error, IndexError) as error:
        raise ValueError(_EARLY) from error
    return Parts(time_ms, flags, click_class, body[_LINK_AT:visitor_at], body[visitor_at:at], body[at:])


def _as_now(body: bytes) -> bytes:
    """The body of an older version as one of the present. Raises UnknownVersion, or struct.error where it is cut."""
    if body[0] != _WITHOUT_VARIANT:
        raise UnknownVersion(f"frame version {body[0]}")
    *_, length = _BEFORE_CODE.unpack_from(body)
    variant_at = _BEFORE_CODE.size + length
    return _VERSION_BYTE + body[_VERSION_SIZE:variant_at] + _NO_STRING + body[variant_at:]


def unpack_link(part: bytes) -> LinkPart:
    """The reverse of `pack_link` and `pack_orphan`. Raises ValueError."""
    reader = _Reader(part)
    kind, link_id, nonce = reader.numbers(_LINK)
    code, behind_code = reader.text(), reader.text()
    if kind == _OF_LINK:
        return LinkPart(link_id, nonce, code, behind_code, "")
    return LinkPart(None, 0, code, "", behind_code)


def unpack_visitor(part: bytes) -> VisitorPart:
    """The reverse of `pack_visitor`. Raises ValueError."""
    reader = _Reader(part)
    salt_day, visitor_hash = reader.numbers(_VISITOR)
    return VisitorPart(salt_day, visitor_hash, reader.string(), reader.text(), reader.text())


def unpack_request(part: bytes) -> RequestPart:
    """The reverse of `pack_request`. Raises ValueError."""
    reader = _Reader(part)
    referrer = reader.text()
    utm = {name: reader.text() for name in UTM_PARAMETERS}
    return RequestPart(referrer, {name: value for name, value in utm.items() if value})


class _Reader:
    """Reads one thing behind the other. Raises ValueError where something is cut."""

    def __init__(self, part: bytes) -> None:
        self._part = part
        self._at = 0

    def numbers(self, layout: struct.Struct) -> tuple[int, ...]:
        try:
            values = layout.unpack_from(self._part, self._at)
        except struct.error as error:
            raise ValueError(_EARLY) from error
        self._at += layout.size
        return values

    def string(self) -> bytes:
        (length,) = self.numbers(_STRING)
        value = self._part[self._at : self._at + length]
        if len(value) < length:
            raise ValueError(_EARLY)
        self._at += length
        return value

    def text(self) -> str:
        return self.string().decode("utf-8", "replace")


def _string(value: str) -> bytes:
    encoded = value.encode("utf-8", "replace")[:_MAX_STRING]
    return _STRING.pack(len(encoded)) + encoded
