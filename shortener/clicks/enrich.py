"""What can be learnt from a click's facts without asking anyone: class, browser, system, device, place, language.

It is learnt from each part of a frame by itself and remembered by the part's bytes, because few links, few visitors
and few referrers make most clicks: for them a click costs three look-ups.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

import structlog

from shortener.clicks import frame
from shortener.clicks.agent import agent
from shortener.clicks.geo import Geo
from shortener.domain import click as clicks
from shortener.domain import visitor as visitors
from shortener.domain.click import UTM_PARAMETERS, ClickClass, Dimension, Flag

#: Parts of each kind that are remembered. With what was learnt, real ones of all three kinds take 28 MB at most, and
#: the longest that are kept would take 80.
_PARTS_KEPT = 16_384
#: Longer parts are not remembered, so that nobody can fill the memory with them. A browser's have 100 to 300 bytes.
_LONGEST_KEPT = 512

#: Which dimensions' values come together. One behind the other they are in the order of Dimension.
REFERRER = (Dimension.REFERRER, Dimension.REFERRER_URL)
VISITOR = (
    Dimension.BROWSER,
    Dimension.OS,
    Dimension.DEVICE,
    Dimension.COUNTRY,
    Dimension.REGION,
    Dimension.CITY,
    Dimension.LANGUAGE,
)
UTM = tuple(Dimension[name.upper()] for name in UTM_PARAMETERS)
LINK = (Dimension.CODE, Dimension.VARIANT)
TRIGGER = (Dimension.TRIGGER,)

#: What domain.visitor.visitor_hash makes, and what databases take.
_HASH_BITS = 63
#: As plain numbers: an operation on an IntFlag costs a microsecond.
_PREFETCH, _QR, _HUMAN = int(Flag.PREFETCH), int(Flag.QR), int(ClickClass.HUMAN)
_TYPED = int(Flag.TYPED)

Values = tuple[str | None, ...]
Part = TypeVar("Part")
Learnt = TypeVar("Learnt")

log = structlog.get_logger()


class OfLink(NamedTuple):
    """What the link part says; `values` are those of LINK."""

    #: None for an orphan.
    link_id: int | None
    nonce: int
    values: Values
    #: Of an orphan; empty is the default one.
    domain: str


class OfVisitor(NamedTuple):
    """What the visitor part says; `values` are those of VISITOR."""

    salt_day: int
    #: 0 is "not hashed".
    visitor_hash: int
    #: A ClickClass, prefetches aside. As a plain number, like all that is stored: that is what drivers know.
    click_class: int
    values: Values


class OfRequest(NamedTuple):
    """What the request part says."""

    referrer: Values
    utm: Values


class Enriched(NamedTuple):
    """A click with all that is known of it without the database."""

    time_ms: int
    flags: int
    click_class: int
    link: OfLink
    visitor: OfVisitor
    request: OfRequest


class Enricher:
    """Reads clicks. Used by one drainer, which it tells places by `geo`."""

    def __init__(self, geo: Geo) -> None:
        self._geo = geo
        self._visitor = _remembered(self._learn_visitor)

    def click(self, body: bytes) -> Enriched:
        """The click in version and payload of a frame. Raises ValueError where they are none.

        What cannot be learnt is missing: no click may stop those behind it.
        """
        time_ms, flags, kind, link, visitor, request = frame.split(body)
        of_visitor = self._visitor(visitor)
        if kind:
            kind = int(ClickClass(kind))
        elif flags & _PREFETCH and of_visitor.click_class == _HUMAN:
            kind = int(ClickClass.PREFETCH)
        else:
            kind = of_visitor.click_class
        return Enriched(time_ms, flags, kind, _link(link), of_visitor, _request(request))

    def _learn_visitor(self, part: bytes) -> OfVisitor:
        read = frame.unpack_visitor(part)
        if read.visitor_hash >> _HASH_BITS:
            raise ValueError("a visitor's hash is too long to be stored")
        nothing = OfVisitor(read.salt_day, read.visitor_hash, int(ClickClass.BOT), (None,) * len(VISITOR))
        return _unless_it_fails(self._of_visitor, read, nothing)

    def _of_visitor(self, part: frame.VisitorPart) -> OfVisitor:
        known = agent(part.user_agent)
        # Names that the parser does not know it takes from the user agent, with whatever is in there.
        browser, os = (clicks.label(name or "") for name in (known.browser, known.os))
        place = self._geo.find(visitors.network_address(part.network))
        values = (
            browser,
            os,
            known.device,
            place.country,
            clicks.label(place.region or ""),
            clicks.label(place.city or ""),
            clicks.language(part.language),
        )
        return OfVisitor(part.salt_day, part.visitor_hash, int(known.click_class), values)


def trigger(flags: int) -> Values:
    """The values of TRIGGER under `flags`."""
    if flags & _TYPED:
        return ("typed",)
    return ("qr",) if flags & _QR else (None,)


def _remembered(learn: Callable[[bytes], Learnt]) -> Callable[[bytes], Learnt]:
    """`learn` with a bounded memory. What it raises is not remembered."""
    remember = lru_cache(_PARTS_KEPT)(learn)
    return lambda part: remember(part) if len(part) <= _LONGEST_KEPT else learn(part)


@_remembered
def _link(part: bytes) -> OfLink:
    read = frame.unpack_link(part)
    return OfLink(read.link_id, read.nonce, _unless_it_fails(_of_link, read, (None,) * len(LINK)), read.domain)


@_remembered
def _request(part: bytes) -> OfRequest:
    return _unless_it_fails(
        _of_request, frame.unpack_request(part), OfRequest((None,) * len(REFERRER), (None,) * len(UTM))
    )


def _unless_it_fails(learn: Callable[[Part], Learnt], part: Part, otherwise: Learnt) -> Learnt:
    try:
        return learn(part)
    except Exception as error:  # a fault of a library, and the click is there all the same
        log.error("a click could not be enriched", cause=repr(error))
        return otherwise


def _of_link(part: frame.LinkPart) -> Values:
    return (clicks.label(part.code), clicks.label(part.variant))


def _of_request(part: frame.RequestPart) -> OfRequest:
    host = clicks.referrer_host(part.referrer) if part.referrer else None
    # Of what has no host there is nothing to tell.
    url = clicks.label(part.referrer) if host else None
    return OfRequest((host, url), tuple(clicks.label(part.utm.get(name, "")) for name in UTM_PARAMETERS))
