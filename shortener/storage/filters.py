"""Filters as conditions on raw clicks."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, and_, literal_column, or_

from shortener.domain.filter import Filter
from shortener.domain.period import DAY_MS, Period
from shortener.storage import labels
from shortener.storage.click_tables import click

#: Days that are listed: each is a parameter of the query, of which SQLite takes 32,766.
_MOST_DAYS = 1_000
#: Of what is not folded, as a sum, which is in no index: those few clicks are to be found by primary key, not among
#: all of their days.
_DAY = click.c.day + literal_column("0")

#: On rows of `click`; all of them must be fulfilled.
Conditions = Sequence[ColumnElement[bool]]


def conditions(connection: Connection, filters: Collection[Filter]) -> Conditions:
    """A condition on rows of `click` for each filter. One query if there are any.

    The ids of labels are looked up for them, and not joined: so PostgreSQL knows how many rows they let pass.
    """
    texts = {value for each in filters for value in each.values if value is not None}
    ids = labels.ids(connection, texts)
    return [_condition(each, ids) for each in filters]


def within(period: Period) -> tuple[ColumnElement[bool], ...]:
    """Which rows of `click` are of a period: by day, so that the index finds them, and by time."""
    days = range(period.start_ms // DAY_MS, -(-period.end_ms // DAY_MS))
    time = click.c.time_ms
    inside = (time >= period.start_ms, time < period.end_ms)
    if len(days) > _MOST_DAYS:
        return (click.c.day >= days.start, click.c.day < days.stop, *inside)
    # As a list, so that the index finds each day's link at once.
    return (click.c.day.in_(days), *inside)


def unfolded(
    mark: ColumnElement[int], first_day: ColumnElement[int], end_day: ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    """Which rows of `click` are above a fold mark and of UTC days from the first up to but not including the end."""
    return (click.c.id > mark, first_day <= _DAY, end_day > _DAY)


def unfolded_outside(
    mark: ColumnElement[int], first_day: ColumnElement[int], end_day: ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    """Which rows of `click` are above a fold mark and of other UTC days than those."""
    return (click.c.id > mark, or_(first_day > _DAY, end_day <= _DAY))


def _condition(wanted: Filter, ids: Mapping[str, int]) -> ColumnElement[bool]:
    column = click.c[wanted.dimension.label]
    # A text that is no label is no click's.
    numbers = sorted(ids[value] for value in wanted.values if value is not None and value in ids)
    absent = None in wanted.values
    if wanted.excluded:
        # What has no value is not one of them either; SQL would say of it that it does not know.
        others = or_(column.is_(None), column.not_in(numbers))
        return and_(column.is_not(None), others) if absent else others
    return or_(column.is_(None), column.in_(numbers)) if absent else column.in_(numbers)
