"""The change feed: one row per write, in commit order. History for people, invalidation for caches."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from shortener.storage.tables import change, change_head

_HEAD = 1


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
