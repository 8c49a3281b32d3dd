"""Bulk writing: one statement for many rows, which are tuples in the order of the table's columns.

They go to the driver as they are: SQLAlchemy's own way makes a dictionary of parameters of each, and that costs more
than the row does. The statements are its all the same, compiled once for each kind of database.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, Table, bindparam, case, delete
from sqlalchemy.dialects import sqlite

from shortener import lazy
from shortener.storage.engine import insert_in

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import psycopg
else:
    psycopg = lazy.module("sqlalchemy.dialects.postgresql.psycopg")

#: Rows of one statement with many values: far below what either database takes (32,766 and 65,535 parameters).
_MOST_ROWS = 512
_VALUES = re.compile(r"(?<=VALUES )(\([^)]*\))")

#: One value for each column of a table.
Row = tuple[int | None, ...]


def add(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    sums: tuple[str, ...] = (),
    latest: tuple[str, ...] = (),
) -> None:
    """Inserts `rows`, which are not empty and hold plain numbers.

    Where a row with the same key is there already, `sums` are added to its own and `latest` replace smaller ones.
    """
    statement = _statement(connection.dialect.name, table, sums, latest)
    connection.exec_driver_sql(statement, list(rows))


def add_new(connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[Row]:
    """Inserts those of the distinct `rows` that are not there yet, and returns them.

    In pieces of 512, 256, 128 … rows, so that there are few statements, which the drivers keep prepared.
    """
    dialect, start = connection.dialect.name, 0
    while start < len(rows):
        size = min(_MOST_ROWS, 1 << (len(rows) - start).bit_length() - 1)
        values = tuple(chain.from_iterable(rows[start : start + size]))
        yield from map(tuple, connection.exec_driver_sql(_new_rows_statement(dialect, table, size), values))
        start += size


def remove(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Deletes `rows` of a table all of whose columns are its key."""
    if rows:
        connection.exec_driver_sql(_removal(connection.dialect.name, table), list(rows))


@cache
def _removal(dialect: str, table: Table) -> str:
    return sql(dialect, delete(table).where(*(column == bindparam(column.name) for column in table.columns)))


@cache
def _statement(dialect: str, table: Table, sums: tuple[str, ...], latest: tuple[str, ...]) -> str:
    query = insert_in(dialect, table)
    changes: dict[str, Any] = {name: table.c[name] + query.excluded[name] for name in sums}
    for name in latest:
        old, new = table.c[name], query.excluded[name]
        changes[name] = case((old > new, old), else_=new)
    if changes:
        query = query.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)
    return sql(dialect, query)


@cache
def _new_rows_statement(dialect: str, table: Table, size: int) -> str:
    query = insert_in(dialect, table).on_conflict_do_nothing().returning(*table.columns)
    # SQLAlchemy numbers every value of such a statement, which takes it as long as the database takes for them.
    before, values, after = _VALUES.split(sql(dialect, query))
    return before + ", ".join([values] * size) + after


def sql(dialect: str, statement: Any) -> str:
    """The text of `statement` with its parameters by position; those of a bare INSERT are its table's columns."""
    return str(statement.compile(dialect=_by_position(dialect)))


@cache
def _by_position(dialect: str) -> Dialect:
    """What the engine's own dialect is, but for its parameters, which PostgreSQL's has by name."""
    if dialect == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    return psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
