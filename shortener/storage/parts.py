"""Parts: what answers about clicks are added up from, rows of key, clicks and unique.

They come from folded days and months, from the raw rows that are not folded yet, and from the raw rows at the edges
of the period (sums from their slots); or, where filters ask about several dimensions at once, from raw rows alone.

To build a statement of this size takes longer than to run it, so one of each shape is built and kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
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

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.cover import Cover
from shortener.domain.period import DAY_MS, SLOT_MS, Period, month_of_day
from shortener.storage.click_tables import (
    EVERY_CLASS,
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
)
from shortener.storage.filters import Conditions, unfolded, within
from shortener.storage.stats import INSTANCE, Scope, domain_of, is_domain

#: Statements kept: four kinds of scopes have 24 of them each, links and codes some more. Each takes some 50 KiB, once
#: it has been asked for; with fewer, who asks for everything has all of them built again and again.
KEPT = 128
#: Edges of a period, at most; see Cover.
_EDGES = range(2)
_NO_EDGE = (-DAY_MS, -DAY_MS)


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
_COLUMNS = {Key.LINK: "link_id", Key.DOMAIN: "domain_id", Key.CLASS: "class", Key.DAY: "day"}


@dataclass(frozen=True, slots=True)
class Parts:
    """A query for rows of key, clicks and unique."""

    query: FromClause
    parameters: Mapping[str, Any]
    #: Whether the query will be asked again with other parameters.
    is_kept: bool = True


def of_values(
    scope: Scope,
    dimension: Dimension,
    cover: Cover,
    classes: Collection[ClickClass],
    mark: int,
    among: Collection[int] | None = None,
) -> Parts:
    """Clicks by the values of a dimension that is folded up to `mark`; those without a value are in none.

    `among` names the label ids of those that are asked for, if not all.
    """
    return _of(scope, int(dimension), Key.VALUE, _parameters(scope, int(dimension), cover, classes, mark), among)


def of_total(
    scope: Scope,
    key: Key,
    cover: Cover,
    classes: Collection[ClickClass],
    mark: int,
    among: Collection[int] | None = None,
) -> Parts:
    """Clicks by link, domain, class or day, where daily totals are folded up to `mark`.

    `among` names the keys that are asked for, if not all.
    """
    return _of(scope, TOTAL, key, _parameters(scope, TOTAL, cover, classes, mark), among)


def of_links(scope: Scope, cover: Cover, classes: Collection[ClickClass], mark: int) -> Parts:
    """The same by link, but not added up: a link comes as often as there are days and months that have it."""
    return Parts(_by_link(scope.shape), _parameters(scope, TOTAL, cover, classes, mark))


def of_raw(scope: Scope, dimension: int, key: Key, cover: Cover, classes: Collection[ClickClass], mark: int) -> Parts:
    """The same of those clicks alone that are not folded, or in no whole day."""
    return Parts(_only_raw(scope.shape, dimension, key), _parameters(scope, dimension, cover, classes, mark))


def filtered(scope: Scope, key: Key, period: Period, classes: Collection[ClickClass], passing: Conditions) -> Parts:
    """The raw clicks that fulfil the conditions `passing`, by link or by domain."""
    column = click.c[_COLUMNS[key]]
    kinds = [int(kind) for kind in classes]
    where = (*within(period), scope.clicked(), click.c["class"].in_(kinds), *passing)
    return Parts(_grouped(_raw(column).where(*where)), {}, is_kept=False)


def _of(
    scope: Scope, dimension: int, key: Key, parameters: Mapping[str, Any], among: Collection[int] | None
) -> Parts:
    if among is None:
        return Parts(_folded(scope.shape, dimension, key), parameters)
    given = {**parameters, "among": _padded(among)}
    return Parts(_folded(scope.shape, dimension, key, has_among=True), given)


def _parameters(
    scope: Scope, dimension: int, cover: Cover, classes: Collection[ClickClass], mark: int
) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        **scope.parameters,
        "kinds": [int(kind) for kind in classes],
        "days": cover.days,
        "months": cover.months,
        _mark(dimension): mark,
        "first_day": cover.whole[0],
        "end_day": cover.whole[1],
    }
    for number, (start_ms, end_ms) in zip(_EDGES, (*cover.edges, _NO_EDGE, _NO_EDGE), strict=False):
        day = start_ms // DAY_MS
        parameters |= {f"day_{number}": day, f"from_{number}": start_ms, f"to_{number}": end_ms}
        slots = {f"from_slot_{number}": start_ms // SLOT_MS, f"to_slot_{number}": end_ms // SLOT_MS}
        parameters |= {f"month_{number}": month_of_day(day), **slots}
    return parameters


def _mark(dimension: int) -> str:
    """What the parameter is called that says how far a dimension is folded: a statement may ask for several."""
    return f"mark_{dimension}"


def _padded(ids: Collection[int]) -> list[int]:
    """The ids, some of them again, so that there are few lengths of lists that statements are kept for."""
    wanted = sorted(ids) or [0]
    return wanted + wanted[-1:] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))


@lru_cache(KEPT)
def _folded(scope: Scope, dimension: int, key: Key, *, has_among: bool = False) -> Subquery:
    """A row of key, clicks and unique for each key, by those parameters, for all scopes of this shape."""
    parts = _every(scope, dimension, key)
    if has_among:
        # By what the parts call their keys, which stands for the column in each.
        parts = [part.where(part.selected_columns[0].element.in_(_AMONG)) for part in parts]
    return _grouped(*parts)


@lru_cache(KEPT)
def _by_link(scope: Scope) -> Subquery:
    return union_all(*_every(scope, TOTAL, Key.LINK)).subquery()


def _every(scope: Scope, dimension: int, key: Key) -> list[Select[Any]]:
    parts = [_days(scope, dimension, key), _unfolded(scope, dimension, key)]
    if key is not Key.DAY:
        parts += [_months(scope, dimension, key), *_edges(scope, dimension, key)]
    return parts


@lru_cache(KEPT)
def _only_raw(scope: Scope, dimension: int, key: Key) -> Subquery:
    return _grouped(_unfolded(scope, dimension, key), *_edges(scope, dimension, key))


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


def _unfolded(scope: Scope, dimension: int, key: Key) -> Select[Any]:
    # By a sum, as `unfolded` does with days: where SQLite knows how many days there are (ANALYZE), it looks for the
    # link in each of them.
    link_id = click.c.link_id + literal_column("0", BigInteger)
    query = _clicks(scope, dimension, key, link_id)
    return query.where(*unfolded(_number(_mark(dimension)), _number("first_day"), _number("end_day")))


def _edges(scope: Scope, dimension: int, key: Key) -> list[Select[Any]]:
    return [_edge(scope, dimension, key, number) for number in _EDGES]


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
    name = Dimension(dimension).label if key is Key.VALUE else _COLUMNS[key]
    column: ColumnElement[Any] = link_id if key is Key.LINK else click.c[name]
    query = _raw(column).where(scope.clicked(link_id))
    if key is Key.VALUE:
        query = query.where(column.is_not(None))
    return query if key is Key.CLASS else query.where(click.c["class"].in_(_KINDS))


_KINDS: BindParameter[list[int]] = bindparam("kinds", expanding=True)
_AMONG: BindParameter[list[int]] = bindparam("among", expanding=True)


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=click.c.time_ms.type)


def _raw(key: ColumnElement[int]) -> Select[Any]:
    return select(key.label("key"), literal_column("1", Integer).label("clicks"), click.c.first.label("unique"))


def _grouped(*parts: Select[Any]) -> Subquery:
    """One row for each key."""
    every = union_all(*parts).subquery()
    sums = (func.sum(every.c[name]).label(name) for name in ("clicks", "unique"))
    return select(every.c.key, *sums).group_by(every.c.key).subquery()
