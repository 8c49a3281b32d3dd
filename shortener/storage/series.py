"""Clicks over time: by slots of 15 minutes, and by the days that are folded from raw clicks; and how many in all."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
)

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.clock import HOURS_OF_WEEK
from shortener.domain.period import DAY_MS, SLOT_MS, Period, day_of, month_of_day
from shortener.storage import kept
from shortener.storage.click_tables import click, click_series
from shortener.storage.filters import Conditions, within
from shortener.storage.part_queries import KEPT
from shortener.storage.parts import Parts
from shortener.storage.stats import Count, PlainSlot, Scope, Slot

#: Widths of what is wider than a slot.
SLOTS_PER_HOUR, SLOTS_PER_DAY = 4, DAY_MS // SLOT_MS
#: Precedence of multiplication in SQLAlchemy's operators.
_AS_TIMES = 8
#: What 1970 began with, in days after a Monday.
_THURSDAY = 3
#: All slots of a day, by number.
WHOLE_DAY = range(SLOTS_PER_DAY)
_AHEAD: BindParameter[int] = bindparam("ahead", type_=BigInteger)


def slots(
    connection: Connection,
    scope: Scope,
    period: Period,
    classes: Collection[ClickClass],
    of_day: range = WHOLE_DAY,
) -> Sequence[PlainSlot]:
    """What happened in a scope in a period, in order of time, by slot. One query.

    `of_day` asks only for the slots that have these numbers in their UTC day.
    """
    parameters = {
        **_parameters(scope, period, classes),
        "first_of_day": of_day.start,
        "end_of_day": of_day.stop,
    }
    found: Sequence[Any] = kept.rows(connection, _slots(scope.shape, of_day != WHOLE_DAY), parameters)
    return found


def pieces(
    connection: Connection, scope: Scope, period: Period, classes: Collection[ClickClass], ahead: int, width: int
) -> Sequence[PlainSlot]:
    """The same by full hours or days, which are `width` slots, of clocks that are `ahead` slots of UTC; in no order.

    One query.
    """
    parameters = {**_parameters(scope, period, classes), "ahead": ahead, "width": width}
    found: Sequence[Any] = kept.rows(connection, _pieces(scope.shape), parameters)
    if (period.start_ms // SLOT_MS + ahead) % width == 0:
        return found
    # The first one has begun before.
    return [(max(start_ms, period.start_ms), clicks, unique) for start_ms, clicks, unique in found]


def hours_of_week(
    connection: Connection, scope: Scope, period: Period, classes: Collection[ClickClass], ahead: int
) -> list[tuple[int, Count]]:
    """The same by the hours of a week, from 0, which is Monday's first, of such clocks; in no order. One query."""
    parameters = {**_parameters(scope, period, classes), "ahead": ahead + _THURSDAY * SLOTS_PER_DAY}
    found = kept.rows(connection, _hours_of_week(scope.shape), parameters)
    return [(hour, Count(clicks, unique)) for hour, clicks, unique in found]


def days(connection: Connection, parts: Parts) -> list[Slot]:
    """What happened on UTC days, which are the keys of `parts`; in no order. One query."""
    found = kept.rows(connection, _all(parts.query), parts.parameters)
    return [Slot(day * DAY_MS, int(clicks), int(unique)) for day, clicks, unique in found]


def sums(connection: Connection, parts: Parts) -> dict[ClickClass, Count]:
    """What happened in all, by class, which is the key of `parts`. One query."""
    found = kept.rows(connection, _all(parts.query), parts.parameters)
    return {ClickClass(kind): Count(int(clicks), int(unique)) for kind, clicks, unique in found}


def months(connection: Connection) -> range | None:
    """The UTC months in which there are clicks, and those between; None if there are none. One query."""
    first, last = kept.rows(connection, _months, {})[0]
    return None if first is None else range(first, last + 1)


def filtered_slots(
    connection: Connection, scope: Scope, period: Period, passing: Conditions
) -> dict[ClickClass, list[Slot]]:
    """The raw clicks in a scope and period that fulfil the conditions `passing`, by class and in order by slot."""
    # Division of integers is one on both engines only by this operator.
    time, kind = click.c.time_ms.op("/")(literal_column(str(SLOT_MS))).label("slot"), click.c["class"]
    query = select(time, kind, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *passing
    )
    found: dict[ClickClass, list[Slot]] = {}
    for slot, each, clicks, unique in connection.execute(query.group_by(time, kind).order_by(time)):
        found.setdefault(ClickClass(each), []).append(Slot(slot * SLOT_MS, int(clicks), int(unique)))
    return found


def filtered_values(
    connection: Connection, scope: Scope, period: Period, dimension: Dimension | None, passing: Conditions
) -> dict[ClickClass, dict[int | None, Count]]:
    """The same in all, by class and by the label ids of a dimension's values, or without one all under None."""
    kind = click.c["class"]
    value = null() if dimension is None else click.c[dimension.label]
    query = select(kind, value, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *passing
    )
    found: dict[ClickClass, dict[int | None, Count]] = {}
    for each, label_id, clicks, unique in connection.execute(
        query.group_by(kind, *([] if dimension is None else [value]))
    ):
        found.setdefault(ClickClass(each), {})[label_id] = Count(int(clicks), int(unique))
    return found


@lru_cache(KEPT)
def _all(query: Any) -> Select[Any]:
    """The rows of parts as they are."""
    return select(query)


def _parameters(scope: Scope, period: Period, classes: Collection[ClickClass]) -> dict[str, Any]:
    first, last = month_of_day(day_of(period.start_ms)), month_of_day(day_of(period.end_ms - 1))
    return {
        **scope.parameters,
        # A list and not a range, so that the index finds each month's link at once.
        "months": range(first, last + 1),
        "start": period.start_ms // SLOT_MS,
        "end": period.end_ms // SLOT_MS,
        "kinds": [int(kind) for kind in classes],
    }


# Each by itself: both at once would be searched for in all rows.
_months = select(*(select(end(click_series.c.month)).scalar_subquery() for end in (func.min, func.max)))


@lru_cache(KEPT)
def _slots(scope: Scope, has_part_of_day: bool) -> Select[int, Any, Any]:
    """Slots by the parameters of `slots`, for all scopes of this shape."""
    bucket = click_series.c.bucket
    query = _by(bucket, scope)
    if has_part_of_day:
        number = bucket % SLOTS_PER_DAY
        query = query.where(number >= bindparam("first_of_day"), number < bindparam("end_of_day"))
    slot = query.subquery().c
    return select(_start_ms(slot.number).label("start_ms"), slot.clicks, slot.unique).order_by("start_ms")


@lru_cache(KEPT)
def _pieces(scope: Scope) -> Select[int, Any, Any]:
    """Hours or days by the parameters of `pieces`, for all scopes of this shape."""
    width = bindparam("width", type_=BigInteger)
    piece = _by(_divided(click_series.c.bucket + _AHEAD, width), scope).subquery().c
    return select(_start_ms(piece.number * width - _AHEAD), piece.clicks, piece.unique)


@lru_cache(KEPT)
def _hours_of_week(scope: Scope) -> Select[int, Any, Any]:
    """Hours by the parameters of `hours_of_week`, for all scopes of this shape."""
    hour = _divided(click_series.c.bucket + _AHEAD, literal_column(str(SLOTS_PER_HOUR)))
    return _by(hour % literal_column(str(HOURS_OF_WEEK)), scope)


def _divided(number: ColumnElement[int], by: ColumnElement[int]) -> ColumnElement[int]:
    # Division of integers is one on both engines only by this operator.
    return number.op("/", precedence=_AS_TIMES, return_type=BigInteger())(by)


def _start_ms(slot: ColumnElement[int]) -> ColumnElement[int]:
    """Where a slot begins."""
    return cast(slot, BigInteger) * literal_column(str(SLOT_MS))


def _by(number: ColumnElement[int], scope: Scope) -> Select[int, Any, Any]:
    table, named = click_series.c, number.label("number")
    # Of larger integers PostgreSQL makes a sum with decimals, which takes twice as long; a slot has not that many.
    clicks, unique = (func.sum(cast(table[name], Integer)).label(name) for name in ("clicks", "unique"))
    query = select(named, clicks, unique).where(
        table.month.in_(bindparam("months", expanding=True)),
        scope.credited(table.link_id),
        table.bucket >= bindparam("start"),
        table.bucket < bindparam("end"),
        table["class"].in_(bindparam("kinds", expanding=True)),
    )
    return query.group_by(named)
