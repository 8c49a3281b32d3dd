"""Clicks and their frames as tests see them: one at a time, whole, made from facts and read back."""

from dataclasses import dataclass, field, replace

from shortener.clicks import frame
from shortener.domain.click import ClickClass, Flag


@dataclass(frozen=True, slots=True)
class Click:
    """A click as its frame carries it: facts of the request, nothing derived that can wait."""

    #: Milliseconds since 1970.
    time_ms: int
    #: The link, or None for an orphan: a visit to a code that no link has.
    link_id: int | None
    nonce: int
    #: The code used; for an orphan the path asked for.
    code: str
    #: Which target of a split was served; empty for none.
    variant: str = ""
    #: Of an orphan: the configured domain that was visited; empty is the default one.
    domain: str = ""
    #: Set where the request had to decide it; None leaves it to the drainer.
    click_class: ClickClass | None = None
    flags: Flag = Flag(0)
    #: As domain.visitor.network_bytes gives it.
    network: bytes = b""
    #: As domain.visitor.visitor_hash gives it, under the salt of `salt_day`; 0 is "not hashed".
    visitor_hash: int = 0
    #: Days since 1970.
    salt_day: int = 0
    user_agent: str = ""
    #: The first accepted language ranges, as sent.
    language: str = ""
    #: Origin of the referring page: scheme, host, port.
    referrer: str = ""
    utm: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands at an offset of a segment."""

    #: Version and payload; None where no whole frame stands.
    body: bytes | None
    #: The offset behind the frame.
    end: int


def pack_link(click: Click) -> bytes:
    """The link part of the payload of `click`."""
    if click.link_id is None:
        return frame.pack_orphan(click.domain, click.code)
    return frame.pack_link(click.link_id, click.nonce, click.code, click.variant)


def encode(click: Click) -> bytes:
    """The payload of `click`."""
    link = pack_link(click)
    visitor = frame.pack_visitor(
        salt_day=click.salt_day,
        visitor_hash=click.visitor_hash,
        network=click.network,
        user_agent=click.user_agent,
        language=click.language,
    )
    return frame.pack(
        click.time_ms, click.flags, click.click_class, link, visitor, frame.pack_request(click.referrer, click.utm)
    )


def encode_without_variant(click: Click) -> bytes:
    """The body of `click` as version 1 wrote it, which knew no variants."""
    before, after = encode(click).split(pack_link(click))
    return b"\x01" + before + pack_link(replace(click, variant="", domain=""))[:-2] + after


def read(data: bytes, offset: int, seed: int) -> Reading:
    """The frame at `offset` of `data`, a piece of a segment that begins where a frame does.

    No body: there is no frame yet (zero length, or the end of the data) or it is damaged.
    """
    bodies, end = frame.read_all(data[offset:], seed, 1)
    return Reading(bodies[0] if bodies else None, offset + end)


def decode(body: bytes) -> Click:
    """The click in version and payload. Raises UnknownVersion, or ValueError where the payload is not one."""
    parts = frame.split(body)
    click_class = ClickClass(parts.click_class) if parts.click_class else None
    return Click(
        time_ms=parts.time_ms,
        flags=Flag(parts.flags),
        click_class=click_class,
        **frame.unpack_link(parts.link)._asdict(),
        **frame.unpack_visitor(parts.visitor)._asdict(),
        **frame.unpack_request(parts.request)._asdict(),
    )
