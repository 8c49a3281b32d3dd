"""The change feed: one row per write, in commit order. History for people, invalidation for caches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from shortener.storage.tables import change, change_head, instance

_HEAD = 1


@dataclass(frozen=True, slots=True)
class Head:
    """How far the feed of which database goes."""

    seq: int
    database_id: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What a cache needs to know of a change."""

    seq: int
    domain: str
    code: str


#: Built once: they are asked several times a second.
_head = (
    select(change_head.c.seq, instance.c.database_id)
    .join(instance, instance.c.id == change_head.c.id)  # both have one row, with the same id
    .where(change_head.c.id == _HEAD)
)
_since = (
    select(change.c.seq, change.c.domain, change.c.code)
    .where(change.c.seq > bindparam("seq"))
    .order_by(change.c.seq)
    .limit(bindparam("at_most"))
)


def lock(connection: Connection) -> None:
    """Makes this transaction the only one that writes changes; call it first in every one that will.

    With the lock taken first, commit order is seq order and writers cannot deadlock. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(change_head.c.seq).where(change_head.c.id == _HEAD).with_for_update())


def append(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    kind: str,
    code: str,
    domain: str = "",
    link_id: int | None = None,
    diff: dict[str, list[Any]],
) -> int:
    """Records one change and returns its seq. `diff` maps each field to its value before and after."""
    advance = update(change_head).where(change_head.c.id == _HEAD).values(seq=change_head.c.seq + 1)
    seq: int = connection.execute(advance.returning(change_head.c.seq)).scalar_one()
    row = {"seq": seq, "at": at, "actor": actor, "kind": kind, "domain": domain, "code": code, "link_id": link_id}
    text = orjson.dumps(diff, option=orjson.OPT_UTC_Z).decode()
    connection.execute(insert(change).values(**row, diff=text))
    return seq


def head(connection: Connection) -> Head:
    """How far the feed goes. One query, two rows by primary key."""
    return Head(*connection.execute(_head).one())


def since(connection: Connection, seq: int, *, at_most: int) -> Sequence[Change]:
    """The changes after `seq`, in order."""
    return [Change(*row) for row in connection.execute(_since, {"seq": seq, "at_most": at_most})]
