"""Lists of links: filtered, sorted and by pages, each by a cursor or by its number."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shortener.domain import host as hosts
from shortener.domain import listing
from shortener.domain import page as pages
from shortener.domain import tag as tags
from shortener.domain.link import Link
from shortener.domain.listing import LinkFilter, Order, Sort, Total
from shortener.domain.page import Page
from shortener.storage import listing as rows
from shortener.storage.engine import Database
from shortener.storage.listing import Place


@dataclass(frozen=True, slots=True)
class PageChoice:
    """One page of a list: the one behind a cursor, or the one with a number, or else the first."""

    limit: int
    cursor: str | None = None
    #: From 1.
    number: int | None = None
    #: Whether to count the list; numbered pages always do.
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A page of links, and the total of its list if it was counted."""

    page: Page[Link]
    total: Total | None


def list_links(database: Database, wanted: LinkFilter, order: Order, choice: PageChoice) -> LinkPage:
    """The chosen page of the links that `wanted`, as somebody wrote it, finds.

    Raises CursorInvalid, TagInvalid, DomainInvalid, ValidationFailed.
    """
    wanted = _normal_form(wanted)
    question = _question(wanted, order)
    place = _place(question, order.sort, choice)
    now = datetime.now(UTC)
    with database.read() as connection:
        found = rows.page(connection, wanted, order, place, limit=choice.limit + 1, now=now)
        is_counted = choice.is_counted or choice.number is not None
        total = listing.total(rows.count(connection, wanted, now=now)) if is_counted else None
    return LinkPage(_page(found, question, order.sort, choice.limit), total)


def _page(found: Any, question: str, sort: Sort, limit: int) -> Page[Link]:
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], pages.make_cursor(question, [listing.sort_value(last, sort), last.id]))


def _normal_form(wanted: LinkFilter) -> LinkFilter:
    host = wanted.target_host
    return replace(
        wanted,
        tags=tuple(sorted({tags.normal_form(tag, name="tag") for tag in wanted.tags})),
        domain=hosts.normal_form(wanted.domain) if wanted.domain else wanted.domain,
        target_host=hosts.normal_form(host, name="target_host") if host is not None else None,
    )


def _question(wanted: LinkFilter, order: Order) -> str:
    """The name of the list, so that a cursor is good for no other."""
    return pages.question("links", repr(wanted), order.sort, str(order.descending))


def _place(question: str, sort: Sort, choice: PageChoice) -> Place:
    if choice.cursor is not None:
        value, link_id = pages.read_cursor(question, choice.cursor, listing.cursor_shape(sort))
        return Place((pages.read_moment(value) if sort is Sort.CREATED else value, link_id))
    return Place(skipped=((choice.number or 1) - 1) * choice.limit)
