"""Lists of links: pages of those that a filter finds, in any order, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from shortener.domain import listing as listings
from shortener.domain import period, search
from shortener.domain.link import Link, State, undelete_begin
from shortener.domain.listing import LinkFilter, Order, Sort, TagMatch
from shortener.storage import links
from shortener.storage.tables import link, link_tag, tag

#: The domain that a deleted link was on.
_domain_before = func.coalesce(link.c.former_domain, link.c.domain)
_SORT_KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.CREATED: link.c.created_at,
    Sort.CLICKS: links.clicks,
    Sort.LAST_CLICKED: links.last_clicked,
    Sort.TITLE: link.c.title_key,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins in its list: behind a link, or after so many links."""

    #: The sort value and the id of the last link before the page.
    after: tuple[Any, int] | None = None
    skipped: int = 0


def page(
    connection: Connection, wanted: LinkFilter, order: Order, place: Place, *, limit: int, now: datetime
) -> Sequence[Link]:
    """At most `limit` of the links that `wanted` finds at `now`, in `order`, from `place` on. Three queries."""
    key = _SORT_KEYS[order.sort]
    query = links.whole.where(*_conditions(wanted, now))
    if place.after is not None:
        value, link_id = place.after
        beyond, later = (key < value, link.c.id < link_id) if order.descending else (key > value, link.c.id > link_id)
        query = query.where(or_(beyond, and_(key == value, later)))
    by = (key.desc(), link.c.id.desc()) if order.descending else (key, link.c.id)
    return links.many(connection, query.order_by(*by).limit(limit).offset(place.skipped or None))


def count(connection: Connection, wanted: LinkFilter, *, now: datetime) -> int:
    """How many links `wanted` finds at `now`, at most one more than `domain.listing.MAX_COUNT`."""
    found = links.counted.where(*_conditions(wanted, now)).limit(listings.MAX_COUNT + 1).subquery()
    number: int = connection.execute(select(func.count()).select_from(found)).scalar_one()
    return number


def _conditions(wanted: LinkFilter, now: datetime) -> list[ColumnElement[bool]]:
    found = [link.c.alias_of.is_(None), *_in_state(wanted.state, now)]
    if wanted.domain is not None:
        found.append((_domain_before if wanted.state is State.DELETED else link.c.domain) == wanted.domain)
    if wanted.search:
        terms = search.terms(wanted.search)
        found.append(or_(*(link.c.search_text.contains(term, autoescape=True) for term in terms)))
    if wanted.tags:
        found.append(_tagged(wanted.tags, wanted.tag_match))
    if wanted.target_host is not None:
        found.append(link.c.target_host == wanted.target_host)
    if wanted.owner is not None:
        found.append(link.c.owner == wanted.owner)
    created, clicked = wanted.created, wanted.clicked
    clicked_ms = (bound and period.to_ms(bound) for bound in (clicked.start, clicked.end))
    found += _within(link.c.created_at, created.start, created.end)
    return found + _within(links.last_clicked, *clicked_ms)


def _in_state(state: State | None, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """As `domain.link.state` decides, whose order of reasons this follows."""
    living = link.c.deleted_at.is_(None)
    began = or_(link.c.valid_from.is_(None), link.c.valid_from <= now)
    ended = and_(link.c.expires_at.is_not(None), link.c.expires_at <= now)
    used_up = and_(link.c.max_clicks.is_not(None), link.c.used >= link.c.max_clicks)
    match state:
        case None:
            return (living,)
        case State.DELETED:
            return (link.c.deleted_at >= undelete_begin(now),)
        case State.DISABLED:
            return (living, ~link.c.enabled)
        case State.SCHEDULED:
            return (living, link.c.enabled, ~began)
        case State.EXPIRED:
            return (living, link.c.enabled, began, ended)
        case State.EXHAUSTED:
            return (living, link.c.enabled, began, ~ended, used_up)
        case State.LIVE:
            return (living, link.c.enabled, began, ~ended, ~used_up)


def _tagged(names: Sequence[str], match: TagMatch) -> ColumnElement[bool]:
    carrying = select(link_tag.c.link_id).join(tag, tag.c.id == link_tag.c.tag_id).where(tag.c.name.in_(names))
    if match is TagMatch.NONE:
        return link.c.id.not_in(carrying)
    if match is TagMatch.ALL and len(names) > 1:
        carrying = carrying.group_by(link_tag.c.link_id).having(func.count() == len(names))
    return link.c.id.in_(carrying)


def _within(value: ColumnElement[Any], start: Any, end: Any) -> list[ColumnElement[bool]]:
    """That `value` is at least `start` and less than `end`, as far as they are given."""
    found = [] if start is None else [value >= start]
    return found if end is None else [*found, value < end]
