"""Frames: a click as bytes, in the spool and in the inbox.

    frame   = length u32 | crc32 u32 | version u8 | payload        (little-endian; length counts version and payload)
    payload = time_ms u64 | flags u8 | class u8 | link part | visitor part | request part

The three parts are packed apart because each has its own life: a link's bytes never change, a visitor's are the
same all day, only the request's are new each time. Strings are u16 length and UTF-8. The CRC is seeded with the
segment's id, so that a frame copied into another segment does not pass for its own.
"""

import struct
import zlib
from dataclasses import dataclass

from shortener.domain.click import UTM_PARAMETERS, Click, ClickClass, Flag

VERSION = 1
#: Bytes of a string that are kept: 512 characters of any script.
_MAX_STRING = 4 * 512
#: Longest version and payload: room for nine strings of that length, whatever a visitor sends, and the numbers.
MAX_LENGTH = 20 * 1024

_HEAD = struct.Struct("<II")
_VERSION_SIZE = 1
_FACTS = struct.Struct("<QBB")
_LINK = struct.Struct("<BqI")
_VISITOR = struct.Struct("<IQ")
_STRING = struct.Struct("<H")
_ORPHAN, _OF_LINK = 0, 1
_VERSION_BYTE = bytes([VERSION])


class UnknownVersion(ValueError):
    """A frame written by another version of the shortener."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands at an offset of a segment."""

    #: Version and payload; None where no whole frame stands.
    body: bytes | None
    #: The offset behind the frame.
    end: int


def pack_link(link_id: int | None, nonce: int, code: str) -> bytes:
    """The part of a payload that depends on the link; `link_id` None is an orphan and `code` its path."""
    return _LINK.pack(_ORPHAN if link_id is None else _OF_LINK, link_id or 0, nonce) + _string(code)


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


def encode(click: Click) -> bytes:
    """The payload of `click`."""
    link = pack_link(click.link_id, click.nonce, click.code)
    visitor = pack_visitor(
        salt_day=click.salt_day,
        visitor_hash=click.visitor_hash,
        network=click.network,
        user_agent=click.user_agent,
        language=click.language,
    )
    return pack(click.time_ms, click.flags, click.click_class, link, visitor, pack_request(click.referrer, click.utm))


def seal(payload: bytes, seed: int) -> bytes:
    """The frame that carries `payload`; `seed` is the segment's."""
    body = _VERSION_BYTE + payload
    return _HEAD.pack(len(body), zlib.crc32(body, seed)) + body


def read(data: bytes, offset: int, seed: int) -> Reading:
    """The frame at `offset` of `data`, a piece of a segment that begins where a frame does.

    No body: there is no frame yet (zero length, or the end of the data) or it is damaged.
    """
    if offset + _HEAD.size > len(data):
        return Reading(None, offset)
    length, crc = _HEAD.unpack_from(data, offset)
    start = offset + _HEAD.size
    body = data[start : start + length]
    if not _VERSION_SIZE <= length <= MAX_LENGTH or len(body) < length or zlib.crc32(body, seed) != crc:
        return Reading(None, offset)
    return Reading(body, start + length)


def decode(body: bytes) -> Click:
    """The click in version and payload. Raises UnknownVersion, or ValueError where the payload is not one."""
    if body[0] != VERSION:
        raise UnknownVersion(f"frame version {body[0]}")
    try:
        return _Decoder(body).click()
    except (struct.error, IndexError) as error:
        raise ValueError("the payload ends early") from error


class _Decoder:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = _VERSION_SIZE

    def click(self) -> Click:
        time_ms, flags, click_class = self._unpack(_FACTS)
        kind, link_id, nonce = self._unpack(_LINK)
        code = self._text()
        salt_day, visitor_hash = self._unpack(_VISITOR)
        network = self._bytes()
        user_agent, language, referrer = self._text(), self._text(), self._text()
        utm = {name: self._text() for name in UTM_PARAMETERS}
        return Click(
            time_ms=time_ms,
            link_id=link_id if kind == _OF_LINK else None,
            nonce=nonce,
            code=code,
            click_class=ClickClass(click_class) if click_class else None,
            flags=Flag(flags),
            network=network,
            visitor_hash=visitor_hash,
            salt_day=salt_day,
            user_agent=user_agent,
            language=language,
            referrer=referrer,
            utm={name: value for name, value in utm.items() if value},
        )

    def _unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        values = layout.unpack_from(self._body, self._at)
        self._at += layout.size
        return values

    def _bytes(self) -> bytes:
        (length,) = self._unpack(_STRING)
        value = self._body[self._at : self._at + length]
        if len(value) < length:
            raise ValueError("the payload ends early")
        self._at += length
        return value

    def _text(self) -> str:
        return self._bytes().decode("utf-8", "replace")


def _string(value: str) -> bytes:
    encoded = value.encode("utf-8", "replace")[:_MAX_STRING]
    return _STRING.pack(len(encoded)) + encoded
