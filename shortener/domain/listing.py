"""Lists of links: what they can be filtered and sorted by, and how many links they count."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from shortener.domain import period, search
from shortener.domain.link import Link, State

#: Links that a list counts at most, and up to which it has numbered pages. Counting on would read all that are left.
MAX_COUNT: Final = 10_000
#: Characters of a title that links are sorted by.
_SORTED_TITLE: Final = 100
#: Sorts behind every title: the last code point, which no text may contain.
_UNTITLED: Final = "\U0010ffff"


class Sort(StrEnum):
    """A field that links are sorted by."""

    CREATED = "created"
    CLICKS = "clicks"
    LAST_CLICKED = "last_clicked"
    TITLE = "title"


class TagMatch(StrEnum):
    """How many of the tags in a filter a link must carry."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Range:
    """Dates and times from `start`, inclusive, to `end`, exclusive; None is no bound."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """The links of a list: those for which all that is given here holds."""

    #: Part of a code, target, title or note, in any case.
    search: str | None = None
    #: Tags in normal form, of which a link carries as many as `tag_match` says.
    tags: tuple[str, ...] = ()
    tag_match: TagMatch = TagMatch.ALL
    #: In normal form; empty is the default domain.
    domain: str | None = None
    #: The state that a visitor meets, or DELETED for links that can be undeleted; None is every living link.
    state: State | None = None
    created: Range = Range()
    #: When the last person clicked.
    clicked: Range = Range()
    #: Host of the target, in ASCII form.
    target_host: str | None = None
    #: Id of the API key that created the link.
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list. Links that are equal in it follow each other by id."""

    sort: Sort = Sort.CREATED
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Total:
    """The number of links that a filter finds."""

    count: int
    #: False where there are more than `count`.
    is_exact: bool


def total(found: int) -> Total:
    """The total of a list of which `found` links have been counted, at most one more than MAX_COUNT."""
    return Total(min(found, MAX_COUNT), found <= MAX_COUNT)


def title_key(title: str | None) -> str:
    """The text by which a link with `title` is sorted: without case, untitled links last."""
    return search.fold(title)[:_SORTED_TITLE] if title else _UNTITLED


def sort_value(link: Link, sort: Sort) -> str | int:
    """The value by which `link` is sorted, as a cursor holds it."""
    match sort:
        case Sort.CREATED:
            return link.created_at.isoformat()
        case Sort.CLICKS:
            return link.clicks
        case Sort.LAST_CLICKED:
            return period.to_ms(link.last_clicked_at) if link.last_clicked_at else 0
        case Sort.TITLE:
            return title_key(link.title)


def cursor_shape(sort: Sort) -> tuple[type[Any], type[Any]]:
    """The types of the two values in a cursor: what `sort_value` returns, and the link's id."""
    return (str if sort in (Sort.CREATED, Sort.TITLE) else int), int
