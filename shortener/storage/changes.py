"""The change feed: one row per write, in commit order. History for people, invalidation for caches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, union, update

from shortener.storage.tables import change, change_head, instance, link

_HEAD = 1


@dataclass(frozen=True, slots=True)
class Head:
    """How far the feed of which database goes."""

    seq: int
    database_id: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What a cache needs to know of a change: one for each code that the link has, or had before."""

    seq: int
    kind: str
    domain: str
    code: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as history shows it."""

    seq: int
    at: datetime
    actor: str
    kind: str
    code: str
    #: Of the link, after the change.
    version: int | None
    #: Field → value before and after, as JSON has them.
    diff: dict[str, list[Any]]


#: Built once: they are asked several times a second.
_head = (
    select(change_head.c.seq, instance.c.database_id)
    .join(instance, instance.c.id == change_head.c.id)  # both have one row, with the same id
    .where(change_head.c.id == _HEAD)
)
_next = (
    select(change.c.seq, change.c.kind, change.c.domain, change.c.code, change.c.link_id)
    .where(change.c.seq > bindparam("seq"))
    .order_by(change.c.seq)
    .limit(bindparam("at_most"))
)
_listed = _next.subquery()
_since = union(
    select(_listed.c.seq, _listed.c.kind, _listed.c.domain, _listed.c.code),
    # A renamed link by its new code, and one with aliases by each of them.
    *(
        select(_listed.c.seq, _listed.c.kind, link.c.domain, link.c.code).join(link, owner == _listed.c.link_id)
        for owner in (link.c.id, link.c.alias_of)
    ),
).order_by("seq")


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
    version: int | None = None,
) -> int:
    """Records one change and returns its seq.

    `diff` maps each field to its value before and after, `version` is the link's after the change. The cache is
    told of every code that the link has, whichever `code` is named here.
    """
    row = {"at": at, "actor": actor, "kind": kind, "domain": domain, "code": code, "link_id": link_id}
    return append_many(connection, [{**row, "version": version, "diff": diff}])


def append_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Records changes, each with what `append` takes, and returns the last seq."""
    advance = update(change_head).where(change_head.c.id == _HEAD).values(seq=change_head.c.seq + len(rows))
    last: int = connection.execute(advance.returning(change_head.c.seq)).scalar_one()
    first = last - len(rows) + 1
    connection.execute(
        insert(change),
        [
            {**row, "seq": seq, "diff": orjson.dumps(row["diff"], option=orjson.OPT_UTC_Z).decode()}
            for seq, row in enumerate(rows, first)
        ],
    )
    return last


def head(connection: Connection) -> Head:
    """How far the feed goes. One query, two rows by primary key."""
    return Head(*connection.execute(_head).one())


def since(connection: Connection, seq: int, *, at_most: int) -> Sequence[Change]:
    """The next `at_most` changes after `seq`, in order."""
    return [Change(*row) for row in connection.execute(_since, {"seq": seq, "at_most": at_most})]


def of_link(connection: Connection, link_id: int, *, before: int | None, at_most: int) -> list[Entry]:
    """The changes of a link with a seq below `before`, the last first."""
    query = _entries.where(change.c.link_id == link_id)
    if before is not None:
        query = query.where(change.c.seq < before)
    return [_entry(row) for row in connection.execute(query.order_by(change.c.seq.desc()).limit(at_most))]


def after_version(connection: Connection, link_id: int, version: int) -> list[Entry]:
    """The changes that a link has had since it was at `version`, the last first."""
    query = _entries.where(change.c.link_id == link_id, change.c.version > version)
    return [_entry(row) for row in connection.execute(query.order_by(change.c.seq.desc()))]


_entries = select(*(change.c[name] for name in Entry.__slots__))


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, row.actor, row.kind, row.code, row.version, orjson.loads(row.diff))
