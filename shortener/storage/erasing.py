"""Erasing: taking the clicks of a link, or all orphans, out of every table.

It is done in steps, each a transaction after which all sums agree: what goes from the link goes from the instance and
the link's domain too. Where raw clicks are there, they say what each step takes, so that clicks that come meanwhile
stay. Of days whose raw clicks are gone, all that is left of them goes at once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, delete, func, literal_column, select, update

from shortener.domain import period
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, domain_pseudo_id
from shortener.storage import bulk, folding, series
from shortener.storage import clicks as rows
from shortener.storage.click_tables import (
    EVERY_CLASS,
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    erased,
    link_total,
    visitor_day,
)
from shortener.storage.engine import Database, insert_into

#: Raw clicks taken out in one transaction. With hundreds of different values it holds the write lock for 26 ms,
#: and with twice as many clicks for 40.
STEP = 250
_SLOTS_PER_DAY = period.DAY_MS // period.SLOT_MS
_SUMS = ("clicks", "unique")

#: Clicks and uniques.
_Sum = tuple[int, int]
#: Those of a slot and class, and those of a dimension, value and class.
_Slots = Mapping[tuple[int, int], _Sum]
_Values = Mapping[tuple[int, int, int], _Sum]


class Erasure(NamedTuple):
    """What is to go, and what is not."""

    #: A link or pseudo-link.
    link_id: int
    #: Frames on their way that are not younger are dropped.
    until_ms: int
    #: Stored clicks with ids up to this one go.
    upto_id: int
    domain_id: int


def forget_visitors(connection: Connection, link_id: int, *, at_most: int) -> int:
    """Destroys up to `at_most` visitor hashes of a link or pseudo-link; returns how many."""
    oldest, newest = connection.execute(select(_first(visitor_day.c.day), _last(visitor_day.c.day))).one()
    if oldest is None:
        return 0
    # A list of days and not a range, so that the index finds each day's link at once.
    where = (visitor_day.c.day.in_(range(oldest, newest + 1)), visitor_day.c.link_id == link_id)
    found = connection.execute(select(visitor_day).where(*where).limit(at_most)).all()
    bulk.remove(connection, visitor_day, [tuple(row) for row in found])
    return len(found)


def begin(connection: Connection, link_id: int, domain_id: int, now_ms: int) -> tuple[Erasure, int]:
    """Writes down that all clicks of a link or pseudo-link go, those on their way too; returns how many are stored.

    From now on none of them is added, and who comes again is counted as new.
    """
    erasure = Erasure(link_id, now_ms, rows.lock_head(connection), domain_id)
    while forget_visitors(connection, link_id, at_most=STEP):
        pass
    given = insert_into(connection, erased).values(**erasure._asdict(), pending=1)
    changes = {name: given.excluded[name] for name in ("until_ms", "upto_id", "domain_id", "pending")}
    connection.execute(given.on_conflict_do_update(index_elements=[erased.c.link_id], set_=changes))
    counted = select(func.sum(link_total.c.clicks)).where(link_total.c.link_id == link_id)
    return erasure, int(connection.execute(counted).scalar() or 0)


def pending(connection: Connection) -> list[Erasure]:
    """What has been begun and not been finished."""
    query = select(*(erased.c[name] for name in Erasure._fields)).where(erased.c.pending == 1)
    return [Erasure(*row) for row in connection.execute(query.order_by(erased.c.link_id))]


def steps(database: Database, erasure: Erasure) -> Iterator[None]:
    """Carries out what `begin` wrote down, a transaction for each item. Others may do the same at the same time."""
    with database.read() as connection:
        days = _days(connection, erasure.link_id)
    for day in days:
        more = True
        while more:
            with database.write() as connection:
                more = _step(connection, erasure, day)
            yield
    with database.write() as connection:
        # Unless it has been begun anew.
        mine = (erased.c.link_id == erasure.link_id, erased.c.upto_id == erasure.upto_id)
        connection.execute(update(erased).where(*mine).values(pending=0))


def _days(connection: Connection, link_id: int) -> Sequence[int]:
    """The UTC days on which a link or pseudo-link has clicks, in order."""
    months = series.months(connection)
    if months is None:
        return []
    day = (click_series.c.bucket // literal_column(str(_SLOTS_PER_DAY))).label("day")
    where = (click_series.c.month.in_(months), click_series.c.link_id == link_id)
    return connection.execute(select(day).where(*where).distinct().order_by(day)).scalars().all()


def _step(connection: Connection, erasure: Erasure, day: int) -> bool:
    """Takes out some of what there is on a day; whether that was not all."""
    rows.lock_head(connection)
    marks = folding.lock_marks(connection)
    of_day = (click.c.day == day, click.c.link_id == erasure.link_id)
    query = _raw.where(*of_day, click.c.id <= erasure.upto_id).order_by(click.c.id).limit(STEP)
    if found := connection.execute(query).all():
        _take(connection, erasure, day, *_counted(found, marks))
        connection.execute(delete(click).where(*of_day, click.c.id <= found[-1].id))
        return True
    # No click that is to stay can lie on a day before.
    if day < period.day_of(erasure.until_ms):
        _take(connection, erasure, day, *_left(connection, erasure.link_id, day))
    return False


_raw = select(click.c.id, click.c.time_ms, click.c["class"], click.c.first, *(click.c[d.label] for d in Dimension))


def _counted(found: Sequence[Row[Any]], marks: Mapping[int, int]) -> tuple[_Slots, _Values]:
    """What these raw clicks of one link and day are in the series, and in breakdowns as far as they are folded."""
    slots: dict[tuple[int, int], _Sum] = defaultdict(lambda: (0, 0))
    values: dict[tuple[int, int, int], _Sum] = defaultdict(lambda: (0, 0))
    for row in found:
        click_id, time_ms, kind, first, *labels = tuple(row)
        _count(slots, (time_ms // period.SLOT_MS, kind), first)
        if click_id <= marks[TOTAL]:
            _count(values, (TOTAL, TOTAL, kind), first)
        for dimension, value in zip(Dimension, labels, strict=True):
            if value is not None and click_id <= marks[dimension]:
                _count(values, (int(dimension), value, kind), first)
    return slots, values


def _count(sums: dict[Any, _Sum], key: tuple[int, ...], first: int) -> None:
    clicks, unique = sums[key]
    sums[key] = (clicks + 1, unique + first)


def _left(connection: Connection, link_id: int, day: int) -> tuple[_Slots, _Values]:
    """What series and breakdowns have of a link on a day."""
    table = click_series.c
    slots = select(table.bucket, table["class"], table.clicks, table.unique).where(
        table.month == period.month_of_day(day),
        table.link_id == link_id,
        table["class"].in_(EVERY_CLASS),
        table.bucket >= day * _SLOTS_PER_DAY,
        table.bucket < (day + 1) * _SLOTS_PER_DAY,
    )
    table = click_breakdown.c
    values = select(table.dimension, table.value_id, table["class"], table.clicks, table.unique)
    # All of them by name, so that the index finds each one's link at once.
    every = table.dimension.in_((TOTAL, *map(int, Dimension)))
    values = values.where(table.day == day, every, table.link_id == link_id)
    return (
        {(bucket, kind): (clicks, unique) for bucket, kind, clicks, unique in connection.execute(slots)},
        {(name, value, kind): (clicks, unique) for name, value, kind, clicks, unique in connection.execute(values)},
    )


def _take(connection: Connection, erasure: Erasure, day: int, slots: _Slots, values: _Values) -> None:
    """Subtracts these sums of a link and day from all that they were added to."""
    month = period.month_of_day(day)
    by_class: dict[int, _Sum] = defaultdict(lambda: (0, 0))
    for (_, kind), (clicks, unique) in slots.items():
        by_class[kind] = (by_class[kind][0] + clicks, by_class[kind][1] + unique)
    link_id = erasure.link_id
    credited = (link_id,) if link_id < 0 else (link_id, INSTANCE_ID, domain_pseudo_id(erasure.domain_id))
    folded = [((name, to, value, kind), n) for to in credited for (name, value, kind), n in values.items()]
    for table, taken in (
        (click_series, [((month, to, slot, kind), n) for to in credited for (slot, kind), n in slots.items()]),
        (link_total, [((to, kind), n) for to in credited for kind, n in by_class.items()]),
        (click_breakdown, [((day, *key), n) for key, n in folded]),
        (click_breakdown_month, [((month, *key), n) for key, n in folded]),
    ):
        _subtract(connection, table, sorted(taken))


def _subtract(connection: Connection, table: Table, taken: Sequence[tuple[tuple[int, ...], _Sum]]) -> None:
    """Subtracts from the rows with these keys; what has no clicks left leaves no trace."""
    if not taken:
        return
    latest = ("last_clicked_ms",) if table is link_total else ()
    less = [(*key, -clicks, -unique, *(0 for _ in latest)) for key, (clicks, unique) in taken]
    bulk.add(connection, table, less, sums=_SUMS, latest=latest)
    connection.exec_driver_sql(_emptying(connection.dialect.name, table), [key for key, _ in taken])


@cache
def _emptying(dialect: str, table: Table) -> str:
    # In the order of its columns, which that of its key need not be.
    key = [column == bindparam(column.name, type_=column.type) for column in table.columns if column.primary_key]
    return bulk.sql(dialect, delete(table).where(*key, table.c.clicks <= literal_column("0")))


def _first(column: Any) -> Any:
    """The smallest of an indexed column; beside another one it would be searched for in all rows."""
    return select(func.min(column)).scalar_subquery()


def _last(column: Any) -> Any:
    return select(func.max(column)).scalar_subquery()
