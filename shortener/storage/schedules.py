"""Rows of scheduled_change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select

from shortener.domain import rule as rules
from shortener.storage.tables import scheduled_change

_MOMENTS = frozenset({"valid_from", "expires_at"})


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """An edit that is to happen."""

    id: int
    link_id: int
    at: datetime
    actor: str
    created_at: datetime
    #: Fields of LinkDraft in normal form.
    edits: dict[str, Any]


def add(
    connection: Connection, link_id: int, *, at: datetime, edits: dict[str, Any], actor: str, now: datetime
) -> ScheduledChange:
    """Notes an edit."""
    row = {"link_id": link_id, "at": at, "actor": actor, "created_at": now, "edits": _text(edits)}
    made: int = connection.execute(
        insert(scheduled_change).values(**row).returning(scheduled_change.c.id)
    ).scalar_one()
    return ScheduledChange(made, link_id, at, actor, now, edits)


def of_link(connection: Connection, link_id: int) -> list[ScheduledChange]:
    """The edits that wait for a link, the next first."""
    query = select(scheduled_change).where(scheduled_change.c.link_id == link_id)
    return [_change(row) for row in connection.execute(query.order_by(scheduled_change.c.at, scheduled_change.c.id))]


def next_moment(connection: Connection) -> datetime | None:
    """When the next edit is due. One row by index."""
    moment: datetime | None = connection.execute(select(func.min(scheduled_change.c.at))).scalar()
    return moment


def take(connection: Connection, schedule_id: int, link_id: int) -> bool:
    """Removes an edit of a link; False if there is none."""
    where = (scheduled_change.c.id == schedule_id, scheduled_change.c.link_id == link_id)
    return connection.execute(delete(scheduled_change).where(*where)).rowcount == 1


def take_due(connection: Connection, now: datetime, at_most: int) -> list[ScheduledChange]:
    """Removes the edits that are due, and returns them in their order."""
    due = select(scheduled_change).where(scheduled_change.c.at <= now)
    rows = connection.execute(due.order_by(scheduled_change.c.at, scheduled_change.c.id).limit(at_most)).all()
    if rows:
        connection.execute(delete(scheduled_change).where(scheduled_change.c.id.in_([row.id for row in rows])))
    return [_change(row) for row in rows]


def _text(edits: dict[str, Any]) -> str:
    plain = {name: rules.dump(value) if name == "rules" else value for name, value in edits.items()}
    return orjson.dumps(plain, option=orjson.OPT_UTC_Z).decode()


def _change(row: Row[Any]) -> ScheduledChange:
    edits = {name: _value(name, value) for name, value in orjson.loads(row.edits).items()}
    return ScheduledChange(row.id, row.link_id, row.at, row.actor, row.created_at, edits)


def _value(name: str, kept: Any) -> Any:
    if name == "rules":
        return rules.load(kept)
    if name == "tags":
        return tuple(kept)
    return datetime.fromisoformat(kept) if name in _MOMENTS and kept is not None else kept
