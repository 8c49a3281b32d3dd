"""Pruning: raw clicks that are older than they are to be kept. What was summed up from them stays.

A day goes as a whole before the next, and never anything that has not been folded yet: it is in no breakdown so far.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, func, select, update

from shortener.domain import period
from shortener.storage import clicks as rows
from shortener.storage import folding
from shortener.storage.click_tables import click, drain_head, erased

#: Values of one IN: far below what either database takes.
_CHUNK = 500


class Due(NamedTuple):
    """Raw clicks of one UTC day that may go, in the order of their ids."""

    day: int
    ids: Sequence[int]


def pruned_before(connection: Connection) -> int:
    """The UTC day before which raw clicks are gone, all or some; 0 where nothing is."""
    found: int = connection.execute(select(drain_head.c.pruned_before)).scalar_one()
    return found


def due(connection: Connection, before_day: int, at_most: int) -> Due | None:
    """The first of the clicks of the oldest day there is before `before_day`; None if none may go now.

    In the order of ids, because a step then touches few pages of the table: in that of the index, which is by link,
    nearly each row lies on a page of its own.
    """
    day = connection.execute(select(func.min(click.c.day))).scalar()
    if day is None or day >= _end(connection, before_day):
        return None
    folded = min(folding.marks(connection).values())
    query = select(click.c.id).where(click.c.day == day, click.c.id <= folded).order_by(click.c.id).limit(at_most)
    ids = connection.execute(query).scalars().all()
    return Due(day, ids) if ids else None


def prune(connection: Connection, day: int, ids: Sequence[int]) -> int:
    """Deletes these raw clicks of a day, of which readers are told; returns how many were still there."""
    rows.lock_head(connection)
    old = drain_head.c.pruned_before
    connection.execute(update(drain_head).values(pruned_before=case((old > day, old), else_=day + 1)))
    gone = 0
    for start in range(0, len(ids), _CHUNK):
        gone += connection.execute(delete(click).where(click.c.id.in_(ids[start : start + _CHUNK]))).rowcount
    return gone


def _end(connection: Connection, before_day: int) -> int:
    """`before_day`, or an earlier day from which on raw clicks are needed to go on with an erasing."""
    until_ms = connection.execute(select(func.min(erased.c.until_ms)).where(erased.c.pending == 1)).scalar()
    return before_day if until_ms is None else min(before_day, period.day_of(until_ms))
