"""Kept statements: compiled once, lists written out too, so that the driver gets them with nothing but new numbers.

SQLAlchemy writes the places of a list into a statement whenever it runs. That and its own way to the driver take some
200 µs, and most questions about clicks take SQLite less.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, Select, exc, literal_column

#: Compiled statements: a page of statistics needs eight, some 5 KiB each; lists of another length are another one,
#: so that each statement (storage/part_queries) has some three or four.
_KEPT = 512

#: Names of parameters, and how many values each has; None for one that is no list.
_Sizes = tuple[tuple[str, int | None], ...]


def rows(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """What `statement` finds, as the driver has it. The statement is kept: the same object must be asked for again.

    `parameters` are numbers, and collections of numbers for what it expands.
    """
    sizes = tuple((name, _size(value)) for name, value in parameters.items())
    sql, places, values = _compiled(connection.dialect, statement, sizes)
    given = dict(values)
    for name, size in sizes:
        if size is None:
            given[name] = parameters[name]
        else:
            given.update((f"{name}_{place}", each) for place, each in enumerate(parameters[name], 1))
    found = connection.exec_driver_sql(sql, given if places is None else tuple(map(given.__getitem__, places)))
    # Not by its own `all`, which makes a Row of each: of ten thousand that takes a millisecond, and as much again to
    # take them apart.
    with found, _as_of_sqlalchemy(connection.dialect, sql):
        rows: Sequence[Sequence[Any]] = found.cursor.fetchall()
        return rows


@contextmanager
def _as_of_sqlalchemy(dialect: Dialect, sql: str) -> Iterator[None]:
    """Raises a driver's error as SQLAlchemy does: SQLite reads while rows are fetched, and may fail there."""
    driver_error: type[Exception] = dialect.loaded_dbapi.Error
    try:
        yield
    except driver_error as error:
        raise exc.DBAPIError.instance(sql, None, error, driver_error, dialect=dialect) from error


def unplanned(number: ColumnElement[int]) -> ColumnElement[int]:
    """A parameter that limits rows, or is compared with what an index has a condition on.

    As a sum, since of a plain one SQLite's plan depends: each time it is given one, it would make the whole plan
    anew, and for breakdowns that takes three times as long as to answer (0.5 ms of 0.7). Its
    SQLITE_DBCONFIG_ENABLE_QPSG says the same, but Python's driver cannot set it before 3.12.
    """
    return number + literal_column("0", BigInteger)


def _size(value: Collection[int] | int | None) -> int | None:
    # Not by isinstance of Collection, which takes ten times as long; a page asks it two hundred times.
    return None if value is None or isinstance(value, int) else len(value)


@lru_cache(_KEPT)
def _compiled(
    dialect: Dialect, statement: Select[*tuple[Any, ...]], sizes: _Sizes
) -> tuple[str, Sequence[str] | None, Mapping[str, Any]]:
    """The statement, the names of its places where those are in order, and the values that are always the same."""
    given = {name: 0 if size is None else [0] * size for name, size in sizes}
    state = statement.compile(dialect=dialect).construct_expanded_state(given)
    return state.statement, state.positiontup, state.parameters
