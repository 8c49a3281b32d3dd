"""Two columns of a table, read by the one for many values: what is called how, and the other way round."""

from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import Column, Connection, select

#: Values of one IN: far below what either database takes.
_CHUNK = 500

Key = TypeVar("Key", int, str)
Value = TypeVar("Value", int, str)


def read(connection: Connection, key: Column[Key], value: Column[Value], wanted: Iterable[Key]) -> dict[Key, Value]:
    """`value` by `key`, of those `wanted` that there are. A query for each 500."""
    keys = sorted(wanted)
    found: dict[Key, Value] = {}
    for start in range(0, len(keys), _CHUNK):
        rows = connection.execute(select(key, value).where(key.in_(keys[start : start + _CHUNK])))
        found.update((row[0], row[1]) for row in rows)
    return found
