"""Copies: what a build made, once more in the time before it. That is how a hundred million clicks are made.

A copy is moved back by whole weeks, so that days of the week stay what they are. All that is stored of a click is
copied as it stands (raw rows, series, days); months are added up anew from days. What is read afterwards is as large,
and as scattered, as if it had been drained; only the drainer was not asked to do it five times.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, func, insert, literal, select, text, update

from shortener.domain import period
from shortener.domain.period import DAY_MS, SLOT_MS
from shortener.storage import clicks as rows
from shortener.storage.click_tables import (
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    drain_head,
    fold_mark,
    link_total,
)
from shortener.storage.engine import Connection, Database
from shortener.storage.tables import instance, link
from tests.bench.clickstream.build import CannotGoOn, Journal, journal
from tests.bench.clickstream.estate import unhurried

#: Rows copied in one transaction: some hundred megabytes of log.
_STEP = 500_000
_WEEK_DAYS = 7
_SLOTS_PER_DAY = DAY_MS // SLOT_MS


def copy(url: str, folder: Path, times: int, progress: Callable[[int], None] = lambda _clicks: None) -> Journal:
    """Has the clicks of a complete build in its database `times` times, each in a time of its own.

    No server may run on it meanwhile. `progress` is told how many clicks there are. If it is stopped, the database is
    not usable, and the journal knows that. Raises CannotGoOn.
    """
    kept = journal(folder)
    if kept is None or not kept.is_complete or kept.times not in (1, times):
        raise CannotGoOn(f"{folder} has no complete build, or copying was stopped: remove it and build again")
    if kept.times == times:
        return kept
    replace(kept, times=0).save(folder)
    database = Database(url)
    try:
        _Copying(database).run(times, progress)
    finally:
        database.close()
    return replace(kept, times=times).save(folder)


class _Copying:
    """One run of copying."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as connection:
            unhurried(connection)
            self._clicks = rows.last_id(connection)
            first, last = connection.execute(select(func.min(click.c.day), func.max(click.c.day))).one()
        self._days = range(first, last + 1)
        #: How far back a copy goes: longer than the clicks reach, so that no two meet on a day.
        self._shift = -(-len(self._days) // _WEEK_DAYS) * _WEEK_DAYS

    def run(self, times: int, progress: Callable[[int], None]) -> None:
        for number in range(1, times):
            self._copy_rows(number, progress)
            back = number * self._shift
            for days in self._groups(back):
                self._write(partial(_copy_days, days=days, back=back))
        first = self._days.start - (times - 1) * self._shift
        for month, days in _by_month(range(first, self._days.stop)):
            self._write(partial(_sum_up, month=month, days=days))
        self._write(partial(self._finish, times=times))

    def _copy_rows(self, number: int, progress: Callable[[int], None]) -> None:
        back = number * self._shift
        for start in range(0, self._clicks, _STEP):
            end = min(start + _STEP, self._clicks)
            moved = {"id": number * self._clicks, "day": -back, "time_ms": -back * DAY_MS}
            where = (click.c.id > start, click.c.id <= end)
            self._write(partial(_insert, table=click, moved=moved, where=where))
            progress(number * self._clicks + end)

    def _finish(self, connection: Connection, times: int) -> None:
        total = link_total.c
        connection.execute(update(link_total).values(clicks=total.clicks * times, unique=total.unique * times))
        head = self._clicks * times
        connection.execute(update(drain_head).values(click_id=head))
        connection.execute(update(fold_mark).values(click_id=head))
        then = period.from_ms((self._days.start - (times - 1) * self._shift) * DAY_MS)
        connection.execute(update(link).values(created_at=then))
        connection.execute(update(instance).values(created_at=then))
        if connection.dialect.name == "postgresql":
            # PostgreSQL does so by itself, in its own time; SQLite never does.
            connection.execute(text("ANALYZE"))

    def _groups(self, back: int) -> Iterable[Sequence[int]]:
        """The days, together as long as they and those that lie `back` days before are in one month."""
        months = groupby(self._days, lambda day: (period.month_of_day(day), period.month_of_day(day - back)))
        return (list(days) for _, days in months)

    def _write(self, work: Callable[[Connection], None]) -> None:
        with self._database.write() as connection:
            unhurried(connection)
            work(connection)


def _copy_days(connection: Connection, days: Sequence[int], back: int) -> None:
    """Copies series and breakdowns of days of one month, to days of one month that lie `back` days before."""
    month, target = (period.month_of_day(days[0] - each) for each in (0, back))
    slot = click_series.c.bucket
    slots = (slot >= days[0] * _SLOTS_PER_DAY, slot < (days[-1] + 1) * _SLOTS_PER_DAY)
    moved = {"month": target - month, "bucket": -back * _SLOTS_PER_DAY}
    _insert(connection, click_series, moved, (click_series.c.month == month, *slots))
    _insert(connection, click_breakdown, {"day": -back}, (click_breakdown.c.day.in_(days),))


def _insert(connection: Connection, table: Table, moved: dict[str, int], where: Sequence[Any]) -> None:
    """Adds to `table` what it has `where`, with some columns `moved`."""
    columns = [column + literal(moved[column.name]) if column.name in moved else column for column in table.c]
    connection.execute(insert(table).from_select(list(table.c), select(*columns).where(*where)))


def _sum_up(connection: Connection, month: int, days: Sequence[int]) -> None:
    """Makes the rows of a month from those of its days."""
    connection.execute(delete(click_breakdown_month).where(click_breakdown_month.c.month == month))
    table = click_breakdown.c
    key = (table.dimension, table.link_id, table.value_id, table["class"])
    query = select(literal(month), *key, func.sum(table.clicks), func.sum(table.unique))
    target = click_breakdown_month.c
    names = [target.month, target.dimension, target.link_id, target.value_id, target["class"]]
    source = query.where(table.day.in_(days)).group_by(*key)
    connection.execute(insert(click_breakdown_month).from_select([*names, target.clicks, target.unique], source))


def _by_month(days: range) -> Iterable[tuple[int, Sequence[int]]]:
    return ((month, list(group)) for month, group in groupby(days, period.month_of_day))
