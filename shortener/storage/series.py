"""Clicks over time: by slots of 15 minutes, and by the days that are folded from raw clicks; and how many in all."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select

from shortener.domain.click import ClickClass
from shortener.domain.filter import Filter
from shortener.domain.period import DAY_MS, SLOT_MS, Period, day_of, month_of_day
from shortener.storage.click_tables import click, click_series
from shortener.storage.filters import conditions, within
from shortener.storage.parts import KEPT, Parts
from shortener.storage.stats import Count, Scope, Slot

_SLOTS_PER_DAY = DAY_MS // SLOT_MS
#: All slots of a day, by number.
WHOLE_DAY = range(_SLOTS_PER_DAY)


def slots(
    connection: Connection,
    scope: Scope,
    period: Period,
    classes: Collection[ClickClass],
    of_day: range = WHOLE_DAY,
) -> list[Slot]:
    """What happened in a scope in a period, in order of time, by slot. One query.

    `of_day` asks only for the slots that have these numbers in their UTC day.
    """
    first, last = month_of_day(day_of(period.start_ms)), month_of_day(day_of(period.end_ms - 1))
    parameters = {
        **scope.parameters,
        # A list and not a range, so that the index finds each month's link at once.
        "months": range(first, last + 1),
        "start": period.start_ms // SLOT_MS,
        "end": period.end_ms // SLOT_MS,
        "kinds": [int(kind) for kind in classes],
        "first_of_day": of_day.start,
        "end_of_day": of_day.stop,
    }
    found = connection.execute(_slots(scope.shape, of_day != WHOLE_DAY), parameters)
    return [Slot(slot * SLOT_MS, int(clicks), int(unique)) for slot, clicks, unique in found]


def days(connection: Connection, parts: Parts) -> list[Slot]:
    """What happened on UTC days, which are the keys of `parts`; in no order. One query."""
    found = connection.execute(_all(parts.query), parts.parameters)
    return [Slot(day * DAY_MS, int(clicks), int(unique)) for day, clicks, unique in found]


def sums(connection: Connection, parts: Parts) -> dict[ClickClass, Count]:
    """What happened in all, by class, which is the key of `parts`. One query."""
    found = connection.execute(_all(parts.query), parts.parameters)
    return {ClickClass(kind): Count(int(clicks), int(unique)) for kind, clicks, unique in found}


def filtered_slots(
    connection: Connection, scope: Scope, period: Period, filters: Collection[Filter]
) -> dict[ClickClass, list[Slot]]:
    """The raw clicks in a scope and period that pass `filters`, by class, and in order of time by slot."""
    # Division of integers is one on both engines only by this operator.
    time, kind = click.c.time_ms.op("/")(literal_column(str(SLOT_MS))).label("slot"), click.c["class"]
    query = select(time, kind, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *conditions(filters)
    )
    found: dict[ClickClass, list[Slot]] = {}
    for slot, each, clicks, unique in connection.execute(query.group_by(time, kind).order_by(time)):
        found.setdefault(ClickClass(each), []).append(Slot(slot * SLOT_MS, int(clicks), int(unique)))
    return found


def filtered_sums(
    connection: Connection, scope: Scope, period: Period, filters: Collection[Filter]
) -> dict[ClickClass, Count]:
    """The same in all, by class. One query."""
    kind = click.c["class"]
    query = select(kind, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *conditions(filters)
    )
    found = connection.execute(query.group_by(kind))
    return {ClickClass(each): Count(int(clicks), int(unique)) for each, clicks, unique in found}


@lru_cache(KEPT)
def _all(query: Any) -> Select[Any]:
    """The rows of parts as they are."""
    return select(query)


@lru_cache(KEPT)
def _slots(scope: Scope, has_part_of_day: bool) -> Select[Any]:
    """Slots by the parameters of `slots`, for all scopes of this shape."""
    table = click_series.c
    time = table.bucket
    where: list[ColumnElement[bool]] = [
        table.month.in_(bindparam("months", expanding=True)),
        scope.credited(table.link_id),
        time >= bindparam("start"),
        time < bindparam("end"),
        table["class"].in_(bindparam("kinds", expanding=True)),
    ]
    if has_part_of_day:
        number = time % _SLOTS_PER_DAY
        where += [number >= bindparam("first_of_day"), number < bindparam("end_of_day")]
    query = select(time, func.sum(table.clicks), func.sum(table.unique)).where(*where)
    return query.group_by(time).order_by(time)
