"""Folding: raw clicks grouped into breakdowns by SQL, one dimension and one step at a time, each exactly once.

The clicks of a step are read once, into a table that lasts as long as the transaction; days and months are made from
that. Whatever does not depend on the step is compiled once, since that takes as long as folding a thousand clicks.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.schema import CreateTable

from shortener.domain import period
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, domain_pseudo_id
from shortener.storage import bulk, kept
from shortener.storage.click_tables import TOTAL, click, click_breakdown, click_breakdown_month, fold_mark
from shortener.storage.engine import insert_in, insert_into

_COUNTS = ("clicks", "unique")
#: Statements kept, 2 KB each: two tables and fourteen dimensions on a few days.
_STATEMENTS_KEPT = 128

#: The clicks of a step by day, link, value, class and domain.
_group = Table(
    "click_group",
    MetaData(),
    *(Column(name, BigInteger) for name in ("day", "link_id", "value_id", "class", "domain_id", *_COUNTS)),
    prefixes=["TEMPORARY"],
)
#: How it is emptied at once: PostgreSQL never clears up a temporary table by itself.
_EMPTIED = {"sqlite": "", "postgresql": " ON COMMIT DELETE ROWS"}

_marks = select(fold_mark.c.dimension, fold_mark.c.click_id)

Months = tuple[tuple[int, int], ...]


def marks(connection: Connection) -> dict[int, int]:
    """Up to which click each dimension, TOTAL among them, is folded; 0 where it has not begun."""
    stored: dict[int, int] = {row[0]: row[1] for row in kept.rows(connection, _marks, {})}
    return {dimension: stored.get(dimension, 0) for dimension in (TOTAL, *map(int, Dimension))}


def lock_marks(connection: Connection) -> dict[int, int]:
    """The same, which nobody moves until the end of the transaction."""
    if connection.dialect.name == "postgresql":  # the table, since a dimension that has not begun has no row to lock
        connection.exec_driver_sql("LOCK TABLE fold_mark IN SHARE ROW EXCLUSIVE MODE")
    return marks(connection)


def fold(connection: Connection, dimension: int, *, mark: int, upto: int) -> bool:
    """Adds the clicks with `mark` < id ≤ `upto` to a dimension's breakdowns and moves its mark from `mark` to `upto`.

    False, and nothing done, if the mark does not stand at `mark`.
    """
    if not _advance(connection, dimension, mark, upto):
        return False
    dialect = connection.dialect.name
    for statement in _preparing(dialect):
        connection.exec_driver_sql(statement)
    connection.execute(_grouping(dimension), {"mark": mark, "upto": upto})
    days = connection.exec_driver_sql(_days(dialect)).scalars()
    if months := tuple((day, period.month_of_day(day)) for day in sorted(days)):
        connection.exec_driver_sql(_adding(dialect, click_breakdown, dimension, ()))
        connection.exec_driver_sql(_adding(dialect, click_breakdown_month, dimension, months))
    return True


def _advance(connection: Connection, dimension: int, mark: int, upto: int) -> bool:
    if mark == 0:
        first = insert_into(connection, fold_mark).values(dimension=int(dimension), click_id=upto)
        first = first.on_conflict_do_nothing().returning(fold_mark.c.click_id)
        return connection.execute(first).first() is not None
    moved = update(fold_mark).where(fold_mark.c.dimension == dimension, fold_mark.c.click_id == mark)
    return connection.execute(moved.values(click_id=upto)).rowcount == 1


@cache
def _preparing(dialect: str) -> tuple[str, ...]:
    """What makes the table of groups and empties it: SQLite's lasts as long as the connection."""
    creation = bulk.sql(dialect, CreateTable(_group, if_not_exists=True)) + _EMPTIED[dialect]
    return creation, bulk.sql(dialect, delete(_group))


@cache
def _grouping(dimension: int) -> Any:
    step = [click.c.id > bindparam("mark"), click.c.id <= bindparam("upto")]
    value: ColumnElement[int] = literal_column(str(TOTAL))
    link: tuple[ColumnElement[int], ...] = (click.c.day, click.c.link_id, click.c["class"], click.c.domain_id)
    key = link
    if dimension != TOTAL:
        value = click.c[Dimension(dimension).label]
        step.append(value.is_not(None))
        key = (*link, value)
    query = select(*link[:2], value, *link[2:], func.count(), func.sum(click.c.first)).group_by(*key)
    return insert(_group).from_select(list(_group.c), query.where(*step))


@cache
def _days(dialect: str) -> str:
    return bulk.sql(dialect, select(_group.c.day).distinct())


@lru_cache(_STATEMENTS_KEPT)
def _adding(dialect: str, table: Table, dimension: int, months: Months) -> str:
    """The statement that adds the groups to `table`: for each link, for its domain, for the instance.

    By month where `months` says which one each day is in, else by day.
    """
    groups = _group.c
    # Constants, not parameters: PostgreSQL would take each occurrence of a parameter for another expression.
    number: ColumnElement[int] = literal_column(str(int(dimension)))
    instance: ColumnElement[int] = literal_column(str(INSTANCE_ID))
    on_domain: ColumnElement[int] = literal_column(str(domain_pseudo_id(0))) - groups.domain_id
    # Orphans and the unattributed, which are below it, are on no domain and not the instance's.
    of_links = (groups.link_id > instance,)
    scopes: list[tuple[ColumnElement[int], Sequence[ColumnElement[int]], Sequence[ColumnElement[bool]]]] = [
        (groups.link_id, (groups.link_id,), ()),
        (on_domain, (on_domain,), of_links),
        (instance, (), of_links),
    ]
    every = (_time(months).label("time"), groups.value_id, groups["class"])
    sums = [func.sum(groups[name]).label(name) for name in _COUNTS]
    parts = [
        select(*every, link_id.label("link_id"), number.label("dimension"), *sums)
        .where(*only)
        .group_by(*grouping, *every)
        for link_id, grouping, only in scopes
    ]
    names = ["month" if months else "day", "value_id", "class", "link_id", "dimension", *_COUNTS]
    insertion = insert_in(dialect, table)
    # SQLite needs a WHERE to tell ON CONFLICT from a join's ON (sqlite.org/lang_upsert.html, "Parsing Ambiguity").
    source = select(union_all(*parts).subquery()).where(literal_column("1") == literal_column("1"))
    changes = {name: table.c[name] + insertion.excluded[name] for name in _COUNTS}
    upsert = insertion.from_select(names, source)
    return bulk.sql(dialect, upsert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes))


def _time(months: Months) -> ColumnElement[int]:
    """The month of a group where `months` says it, else its day."""
    if not months:
        return _group.c.day
    return case(*((_group.c.day == literal_column(str(day)), literal_column(str(month))) for day, month in months))
