"""Accounts: every table that counts clicks must say the same as the others."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Table, case, func, select

from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID
from shortener.storage.click_tables import (
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    link_total,
)
from shortener.storage.engine import Connection, Database
from tests.bench.clickstream.estate import unhurried

#: Clicks and uniques.
Sums = tuple[int, int]


class DoNotBalance(Exception):
    """Two tables disagree; the message has both."""


def audit(database: Database) -> Sums:
    """Clicks on links and uniques among them, on which totals, series, breakdowns and raw rows agree.

    Everything must be folded, and no raw rows pruned. Reads every table whole. Raises DoNotBalance.
    """
    with database.read() as connection:
        unhurried(connection)
        rows, by_dimension = _raw(connection)
        for table in (link_total, click_series):
            for whose in _WHOSE:
                _compare(f"{table.name}, {whose}", _sums(connection, table, whose), rows)
        for table in (click_breakdown, click_breakdown_month):
            for whose in _WHOSE:
                _compare(f"{table.name}, {whose}", _dimensions(connection, table, whose), by_dimension)
    return rows


_WHOSE: dict[str, Callable[[Table], ColumnElement[bool]]] = {
    "the instance": lambda table: table.c.link_id == INSTANCE_ID,
    "all links": lambda table: table.c.link_id > INSTANCE_ID,
}


def _compare(name: str, found: object, expected: object) -> None:
    if found != expected:
        raise DoNotBalance(f"{name}: {found}; the rows: {expected}")


def _raw(connection: Connection) -> tuple[Sums, dict[int, Sums]]:
    """Sums of the rows of links: of all, and of those with a value of each dimension, as in breakdowns."""
    values = [click.c[dimension.label] for dimension in Dimension]
    firsts = [func.sum(case((value.is_not(None), click.c.first), else_=0)) for value in values]
    counts = [func.count(value) for value in values]
    query = select(func.count(), func.sum(click.c.first), *counts, *firsts).where(click.c.link_id > INSTANCE_ID)
    clicks, unique, *each = (int(value or 0) for value in connection.execute(query).one())
    half = len(values)
    pairs = zip(Dimension, each[:half], each[half:], strict=True)
    by_dimension = {int(dimension): (all_, first) for dimension, all_, first in pairs if all_}
    return (clicks, unique), {TOTAL: (clicks, unique), **by_dimension}


def _sums(connection: Connection, table: Table, whose: str) -> Sums:
    query = select(func.sum(table.c.clicks), func.sum(table.c.unique)).where(_WHOSE[whose](table))
    clicks, unique = connection.execute(query).one()
    return int(clicks or 0), int(unique or 0)


def _dimensions(connection: Connection, table: Table, whose: str) -> dict[int, Sums]:
    query = select(table.c.dimension, func.sum(table.c.clicks), func.sum(table.c.unique))
    found = connection.execute(query.where(_WHOSE[whose](table)).group_by(table.c.dimension))
    return {number: (int(clicks), int(unique)) for number, clicks, unique in found}
