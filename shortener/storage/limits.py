"""Granting clicks on links with a limit: the slot is taken and the click is put into the inbox, or neither."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from shortener.domain import link as links
from shortener.domain.link import State
from shortener.storage import changes
from shortener.storage.click_tables import click_inbox
from shortener.storage.tables import link

_FIELDS = ("id", "enabled", "valid_from", "expires_at", "max_clicks", "used", "version")
#: In the order of their ids, so that no two who grant wait for each other; and locked without keeping anybody from
#: referring to them.
_living = (
    select(*(link.c[name] for name in _FIELDS))
    .where(link.c.id.in_(bindparam("ids", expanding=True)), link.c.deleted_at.is_(None))
    .order_by(link.c.id)
    .with_for_update(key_share=True)
)
_use = update(link).where(link.c.id == bindparam("link_id")).values(used=link.c.used + bindparam("granted"))
_put = insert(click_inbox)
_named = select(link.c.id, link.c.domain, link.c.code, link.c.version).where(
    link.c.id.in_(bindparam("ids", expanding=True)), link.c.deleted_at.is_(None)
)
#: Who makes the change that a limit is reached, as history names it.
_ACTOR = "click limit"


class Wanted(NamedTuple):
    """A visit to a link with a limit."""

    link_id: int
    #: What is to be counted if it is granted: version and payload of a frame; None for nothing.
    click: bytes | None


class Verdict(NamedTuple):
    """What a visit gets."""

    #: LIVE: granted. Of a link that is deleted PENDING: as if it did not exist.
    state: State
    #: Of the link that this was decided by; 0 where there is none.
    version: int
    #: Whether it took the last slot.
    is_last: bool = False


_DELETED = Verdict(State.SCHEDULED, 0)


def grant(connection: Connection, wanted: Sequence[Wanted], now: datetime) -> list[Verdict]:
    """Decides on each of `wanted` in its order. Three statements, however many there are."""
    found = {row.id: row for row in connection.execute(_living, {"ids": list({each.link_id for each in wanted})})}
    granted: dict[int, int] = {}
    verdicts = [_decide(found.get(each.link_id), granted, now) for each in wanted]
    uses = [{"link_id": link_id, "granted": count} for link_id, count in sorted(granted.items())]
    if uses:
        connection.execute(_use, uses)
    if clicks := list(_clicks(wanted, verdicts)):
        connection.execute(_put, clicks)
    return verdicts


def _decide(row: Any, granted: dict[int, int], now: datetime) -> Verdict:
    """The verdict on a visit to the link of `row`; a slot that it takes is added to `granted`."""
    if row is None:
        return _DELETED
    state = links.state(enabled=row.enabled, valid_from=row.valid_from, expires_at=row.expires_at, now=now)
    if state is State.LIVE and row.max_clicks is not None:
        taken = granted.get(row.id, 0)
        if row.used + taken >= row.max_clicks:
            return Verdict(State.EXHAUSTED, row.version)
        granted[row.id] = taken + 1
        return Verdict(state, row.version, is_last=row.used + taken + 1 == row.max_clicks)
    return Verdict(state, row.version)


def _clicks(wanted: Iterable[Wanted], verdicts: Iterable[Verdict]) -> Iterable[dict[str, bytes]]:
    for each, verdict in zip(wanted, verdicts, strict=True):
        if verdict.state is State.LIVE and each.click is not None:
            yield {"frame": each.click}


def note_exhausted(connection: Connection, link_ids: Collection[int], now: datetime) -> None:
    """Records that the limits of links are reached, so that every cache and their history say so.

    In a transaction of its own: whoever grants has locked links, and changes are locked before links.
    """
    changes.lock(connection)
    found = connection.execute(_named, {"ids": sorted(link_ids)}).all()
    rows = [
        {
            "at": now,
            "actor": _ACTOR,
            "kind": "link-exhausted",
            "domain": row.domain,
            "code": row.code,
            "link_id": row.id,
            "version": row.version,
            "diff": {},
        }
        for row in found
    ]
    if rows:
        changes.append_many(connection, rows)
