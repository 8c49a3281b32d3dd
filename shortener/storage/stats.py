"""What statistics are made of: counts, and whose clicks are asked about.

Every function that reads them (series, breakdowns) must run in one snapshot with its neighbours: Database.read
gives one.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, domain_pseudo_id
from shortener.domain.period import SLOT_MS
from shortener.storage import kept
from shortener.storage.click_tables import EVERY_CLASS, click, click_series, drain_head, erased, link_total
from shortener.storage.one_of import OneOf
from shortener.storage.tables import domain, link, link_tag, tag

#: Parameters in the conditions of a scope.
_LINK, _TAG, _DOMAIN = "scope_link", "scope_tag", "scope_domain"


class Count(NamedTuple):
    """Clicks, and those among them that were a visitor's first of the day. Answers have hundreds of these."""

    clicks: int = 0
    unique: int = 0

    def __add__(self, other: "Count") -> "Count":  # type: ignore[override]
        return Count(self.clicks + other.clicks, self.unique + other.unique)

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.clicks - other.clicks, self.unique - other.unique)


class State(NamedTuple):
    """What everything told about a scope's clicks depends on: while this is the same, so is that.

    Clicks are only ever added to a sum, but where some are erased, and then others may take their place: so what has
    been erased is part of it, and while an erasing goes on no two states can be told apart.
    """

    #: In all, of all classes; of a scope that is many, 0.
    clicks: int
    unique: int
    #: The day before which raw clicks are gone.
    pruned_before: int
    #: Whose clicks have been erased, how many times there was something to erase.
    erased: int
    erased_upto: int
    is_erasing: bool


class Slot(NamedTuple):
    """What happened from a moment on: for 15 minutes or a day. There are thousands of these in an answer."""

    start_ms: int
    clicks: int
    unique: int


#: The same as a driver has it: to make ten thousand Slots of them takes ten milliseconds.
PlainSlot = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose clicks are asked about: a link's or pseudo-link's, or those of the links that carry a tag."""

    link_id: int | None = None
    tag_id: int | None = None

    @property
    def is_many(self) -> bool:
        """Whether the clicks of several links are meant that no pseudo-link sums up."""
        return self.link_id is None

    @property
    def is_wide(self) -> bool:
        """Whether it is most of each day's clicks, so that they are better found by their own ids than by link."""
        return self.link_id is not None and (self.link_id == INSTANCE_ID or self.link_id < UNATTRIBUTED_ID)

    @property
    def shape(self) -> "Scope":
        """A scope with the same conditions, in which only `parameters` differ: a statement for one is for all."""
        if self.link_id is None:
            return Scope(tag_id=0)
        if self.link_id == INSTANCE_ID:
            return self
        return Scope(domain_pseudo_id(1)) if self.is_wide else Scope(ORPHANS_ID)

    @property
    def parameters(self) -> dict[str, int | None]:
        """What its conditions compare with, by the names that they have for it."""
        return {_LINK: self.link_id, _TAG: self.tag_id, _DOMAIN: domain_pseudo_id(0) - (self.link_id or 0)}

    def credited(self, link_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Which rows of a rollup are credited to it, by their link's column."""
        if self.link_id is None:
            return OneOf(link_id, self._tagged())
        # An index of breakdowns is of one link's rows alone.
        return link_id == kept.unplanned(self._named(_LINK))

    def clicked(self, link_id: ColumnElement[int] = click.c.link_id) -> ColumnElement[bool]:
        """Which raw rows are, by their link's column."""
        if self.link_id is None:
            return OneOf(link_id, self._tagged())
        if self.link_id == INSTANCE_ID:
            return link_id > literal_column("0")
        if self.link_id < UNATTRIBUTED_ID:
            return and_(click.c.domain_id == self._named(_DOMAIN), link_id > literal_column("0"))
        return link_id == self._named(_LINK)

    def links(self, link_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Which rows of a rollup are those of the single links in it."""
        if self.link_id is None or self.link_id > 0 or self.link_id == ORPHANS_ID:
            return self.credited(link_id)
        if self.link_id == INSTANCE_ID:
            return link_id > literal_column("0")
        named = select(domain.c.name).where(domain.c.id == self._named(_DOMAIN)).scalar_subquery()
        return link_id.in_(select(link.c.id).where(link.c.domain == named, link.c.alias_of.is_(None)))

    def _tagged(self) -> Select[Any]:
        return select(link_tag.c.link_id).where(link_tag.c.tag_id == self._named(_TAG))

    def _named(self, name: str) -> BindParameter[int]:
        return bindparam(name, self.parameters[name], BigInteger)


def is_domain(link_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Which rows of a rollup are those of domains."""
    return link_id < literal_column(str(UNATTRIBUTED_ID))


def domain_of(link_id: ColumnElement[int]) -> ColumnElement[int]:
    """The id of the domain whose rows those are."""
    return literal_column(str(domain_pseudo_id(0)), BigInteger) - link_id


_sums = [func.coalesce(func.sum(link_total.c[name]), 0).label(name) for name in ("clicks", "unique")]
_state = select(
    select(func.coalesce(func.max(click.c.id), 0)).scalar_subquery(),
    *(select(each).where(link_total.c.link_id == bindparam("of_link")).scalar_subquery() for each in _sums),
    select(drain_head.c.pruned_before).scalar_subquery(),
    select(func.count()).select_from(erased).scalar_subquery(),
    select(func.coalesce(func.sum(erased.c.upto_id), 0)).scalar_subquery(),
    select(func.coalesce(func.max(erased.c.pending), 0)).scalar_subquery(),
)

INSTANCE, ORPHANS = Scope(INSTANCE_ID), Scope(ORPHANS_ID)


def state(connection: Connection, scope: Scope) -> tuple[State, int]:
    """The state of a scope, and the id of the last click of all, or 0. One query."""
    found = map(int, kept.rows(connection, _state, {"of_link": scope.link_id})[0])
    last_click, clicks, unique, pruned_before, erased_times, erased_upto, pending = found
    return State(clicks, unique, pruned_before, erased_times, erased_upto, bool(pending)), last_click


def of_domain(connection: Connection, name: str) -> Scope | None:
    """The scope of a domain, in normal form; None if there is none."""
    found = connection.execute(select(domain.c.id).where(domain.c.name == name)).scalar()
    return None if found is None else Scope(domain_pseudo_id(found))


def of_tag(connection: Connection, name: str) -> Scope | None:
    """The scope of a tag, in normal form; None if there is none."""
    found = connection.execute(select(tag.c.id).where(tag.c.name == name)).scalar()
    return None if found is None else Scope(tag_id=found)


def first_slot_ms(connection: Connection, scope: Scope) -> int | None:
    """Where the first click in a scope lies, or None if there is none."""
    slot, credited = click_series.c, scope.credited(click_series.c.link_id)
    month = connection.execute(select(func.min(slot.month)).where(credited)).scalar()
    # Of each class by itself, whose first one the index has at its beginning.
    first = select(func.min(slot.bucket)).where(slot.month == month, credited)
    found = connection.execute(union_all(*(first.where(slot["class"] == kind) for kind in EVERY_CLASS))).scalars()
    return min((bucket * SLOT_MS for bucket in found if bucket is not None), default=None)
