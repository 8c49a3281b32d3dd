"""Queries for the parts that answers about clicks are added up from (storage/parts): one of each shape.

To build a statement of this size takes longer than to run it, so it is built once and kept.
"""

from collections.abc import Callable
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from shortener.domain.click import Dimension
from shortener.storage.click_tables import (
    EVERY_CLASS,
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    link_total,
)
from shortener.storage.filters import unfolded, unfolded_outside
from shortener.storage.stats import INSTANCE, Scope, domain_of, is_domain

#: Statements kept: four kinds of scopes have 24 of them each, links and codes some more. Each takes some 50 KiB, once
#: it has been asked for; with fewer, who asks for everything has all of them built again and again.
KEPT = 128
#: Edges of a period, at most; see Cover.
EDGES = range(2)


class Key(Enum):
    """What the rows are told apart by."""

    VALUE = auto()
    LINK = auto()
    #: Ids of domains, of all links or of a domain.
    DOMAIN = auto()
    #: Of all classes, whichever are asked for.
    CLASS = auto()
    #: UTC days, of those that are whole.
    DAY = auto()


#: Where raw clicks have them.
COLUMNS = {Key.LINK: "link_id", Key.DOMAIN: "domain_id", Key.CLASS: "class", Key.DAY: "day"}


def mark_name(dimension: int) -> str:
    """What the parameter is called that says how far a dimension is folded: a statement may ask for several."""
    return f"mark_{dimension}"


@lru_cache(KEPT)
def folded(scope: Scope, dimension: int, key: Key, *, has_among: bool = False) -> Subquery:
    """A row of key, clicks and unique for each key, by those parameters, for all scopes of this shape."""
    parts = _every(scope, dimension, key)
    if has_among:
        # By what the parts call their keys, which stands for the column in each.
        parts = [part.where(part.selected_columns[0].element.in_(_AMONG)) for part in parts]
    return grouped(*parts)


@lru_cache(KEPT)
def by_link(scope: Scope) -> Subquery:
    """The same by link, but a link comes as often as there are days and months that have it."""
    return union_all(*_every(scope, TOTAL, Key.LINK)).subquery()


def _every(scope: Scope, dimension: int, key: Key) -> list[Select[Any]]:
    parts = [_days(scope, dimension, key), _unfolded(scope, dimension, key)]
    if key is not Key.DAY:
        parts += [_months(scope, dimension, key), *_edges(scope, dimension, key)]
    return parts


@lru_cache(KEPT)
def rest_by_link(scope: Scope) -> Subquery:
    """All that each link has had, and less than nothing for what lies outside of a period."""
    total, of = link_total.c, (TOTAL, Key.LINK)
    had = select(total.link_id.label("key"), total.clicks, total.unique)
    had = had.where(scope.links(total.link_id), total["class"].in_(_KINDS))
    outside = [_days(scope, *of), _months(scope, *of), _unfolded(scope, *of, unfolded_outside), *_edges(scope, *of)]
    less = (select(part.key, -part.clicks, -part.unique) for part in (each.subquery().c for each in outside))
    return union_all(had, *less).subquery()


@lru_cache(KEPT)
def with_clicks(query: Subquery) -> Subquery:
    """One row for each key that has clicks."""
    summed = grouped(select(query))
    return select(summed).where(summed.c.clicks > literal_column("0")).subquery()


@lru_cache(KEPT)
def only_raw(scope: Scope, dimension: int, key: Key) -> Subquery:
    """What `folded` finds among raw clicks."""
    return grouped(_unfolded(scope, dimension, key), *_edges(scope, dimension, key))


def _days(scope: Scope, dimension: int, key: Key) -> Select[Any]:
    wanted = click_breakdown.c.day.in_(bindparam("days", expanding=True))
    return _of_table(click_breakdown, scope, dimension, key).where(wanted)


def _months(scope: Scope, dimension: int, key: Key) -> Select[Any]:
    wanted = click_breakdown_month.c.month.in_(bindparam("months", expanding=True))
    return _of_table(click_breakdown_month, scope, dimension, key).where(wanted)


def _of_table(table: FromClause, scope: Scope, dimension: int, key: Key) -> Select[Any]:
    link_id, names = table.c.link_id, {Key.VALUE: "value_id", Key.CLASS: "class", Key.DAY: "day"}
    column: ColumnElement[int] = link_id if key not in names else table.c[names[key]]
    whose = scope.links(link_id) if key is Key.LINK else scope.credited(link_id)
    if key is Key.DOMAIN:
        column, whose = domain_of(link_id), is_domain(link_id) if scope == INSTANCE else scope.credited(link_id)
    query = select(column.label("key"), table.c.clicks, table.c.unique)
    query = query.where(table.c.dimension == literal_column(str(dimension)), whose)
    return query if key is Key.CLASS else query.where(table.c["class"].in_(_KINDS))


def _unfolded(scope: Scope, dimension: int, key: Key, which: Callable[..., Any] = unfolded) -> Select[Any]:
    # By a sum, as `unfolded` does with days: where SQLite knows how many days there are (ANALYZE), it looks for the
    # link in each of them.
    link_id = click.c.link_id + literal_column("0", BigInteger)
    query = _clicks(scope, dimension, key, link_id)
    return query.where(*which(_number(mark_name(dimension)), _number("first_day"), _number("end_day")))


def _edges(scope: Scope, dimension: int, key: Key) -> list[Select[Any]]:
    return [_edge(scope, dimension, key, number) for number in EDGES]


def _edge(scope: Scope, dimension: int, key: Key, number: int) -> Select[Any]:
    if key is Key.CLASS:
        return _slots(scope, number)
    return _clicks(scope, dimension, key).where(
        click.c.day == _number(f"day_{number}"),
        click.c.time_ms >= _number(f"from_{number}"),
        click.c.time_ms < _number(f"to_{number}"),
    )


def _slots(scope: Scope, number: int) -> Select[Any]:
    """Clicks at an edge by class: by slots, which are there when raw clicks are pruned."""
    slot = click_series.c
    return select(slot["class"].label("key"), slot.clicks, slot.unique).where(
        slot.month == _number(f"month_{number}"),
        scope.credited(slot.link_id),
        slot["class"].in_(EVERY_CLASS),
        slot.bucket >= _number(f"from_slot_{number}"),
        slot.bucket < _number(f"to_slot_{number}"),
    )


def _clicks(scope: Scope, dimension: int, key: Key, link_id: ColumnElement[int] = click.c.link_id) -> Select[Any]:
    """Raw clicks, by what stands for their link's column."""
    name = Dimension(dimension).label if key is Key.VALUE else COLUMNS[key]
    column: ColumnElement[Any] = link_id if key is Key.LINK else click.c[name]
    query = raw(column).where(scope.clicked(link_id))
    if key is Key.VALUE:
        query = query.where(column.is_not(None))
    return query if key is Key.CLASS else query.where(click.c["class"].in_(_KINDS))


_KINDS: BindParameter[list[int]] = bindparam("kinds", expanding=True)
_AMONG: BindParameter[list[int]] = bindparam("among", expanding=True)


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=click.c.time_ms.type)


def raw(key: ColumnElement[int]) -> Select[Any]:
    """Raw clicks by key."""
    return select(key.label("key"), literal_column("1", Integer).label("clicks"), click.c.first.label("unique"))


def grouped(*parts: Select[Any]) -> Subquery:
    """One row for each key."""
    every = union_all(*parts).subquery()
    sums = (func.sum(every.c[name]).label(name) for name in ("clicks", "unique"))
    return select(every.c.key, *sums).group_by(every.c.key).subquery()
