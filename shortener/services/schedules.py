"""Scheduled changes: edits of links that are to happen at a moment. Carried out by `due`, whoever calls it first."""

from datetime import UTC, datetime
from typing import Any

import structlog

from shortener import errors
from shortener.domain.link import Link
from shortener.services import drafts, recorded
from shortener.services.drafts import LinkPolicy
from shortener.storage import changes
from shortener.storage import links as links_rows
from shortener.storage import schedules as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.schedules import ScheduledChange

#: Most changes that wait for a link.
MAX_SCHEDULED = 100
#: Carried out in one transaction.
_AT_ONCE = 100

log = structlog.get_logger()


def add(
    database: Database,
    policy: LinkPolicy,
    code: str,
    at: datetime,
    edits: dict[str, Any],
    *,
    actor: str,
    domain: str = "",
) -> ScheduledChange:
    """Notes that the link called `code` is to be given `edits` (fields of LinkDraft) at a moment.

    They are checked now, and again when they happen. Raises LinkNotFound, ScheduleInvalid and what an edit raises.
    """
    at, now = at.astimezone(UTC), datetime.now(UTC)
    if at <= now:
        raise errors.ScheduleInvalid("The moment has passed: PATCH the link instead.", field="at")
    if not edits:
        raise errors.ScheduleInvalid("Nothing is to be changed.", field="changes")
    with database.write() as connection:
        changes.lock(connection)
        link = recorded.find(connection, domain, code)
        if len(rows.of_link(connection, link.id)) >= MAX_SCHEDULED:
            raise errors.ScheduleInvalid(f"At most {MAX_SCHEDULED} changes can wait for a link.", field="changes")
        draft = drafts.edited(drafts.of_link(link), edits, policy)
        kept = {name: getattr(draft, name) for name in edits}
        made = rows.add(connection, link.id, at=at, edits=kept, actor=actor, now=now)
        diff = {"scheduled": [None, {"id": made.id, "at": at, "changes": drafts.recorded(kept)}]}
        recorded.record(connection, "change-scheduled", link, diff, actor, now)
        return made


def waiting(database: Database, code: str, *, domain: str = "") -> list[ScheduledChange]:
    """The changes that wait for the link called `code`, the next first. Raises LinkNotFound."""
    with database.read() as connection:
        return rows.of_link(connection, recorded.find(connection, domain, code).id)


def cancel(database: Database, code: str, schedule_id: int, *, actor: str, domain: str = "") -> None:
    """Takes back a scheduled change. Raises LinkNotFound, ScheduleNotFound."""
    with database.write() as connection:
        changes.lock(connection)
        link = recorded.find(connection, domain, code)
        if not rows.take(connection, schedule_id, link.id):
            raise errors.ScheduleNotFound(f"No change {schedule_id} waits for '{link.code}'.")
        diff = {"scheduled": [{"id": schedule_id}, None]}
        recorded.record(connection, "schedule-cancelled", link, diff, actor, datetime.now(UTC))


def next_moment(connection: Connection) -> datetime | None:
    """When the next change is due; None if none waits."""
    return rows.next_moment(connection)


def due(database: Database, policy: LinkPolicy, now: datetime) -> list[Link]:
    """Carries out the changes that are due at `now`; the links as they are then. One that cannot be is logged."""
    with database.write() as connection:
        changes.lock(connection)
        carried_out = [_carry_out(connection, policy, change) for change in rows.take_due(connection, now, _AT_ONCE)]
    return [link for link in carried_out if link is not None]


def _carry_out(connection: Connection, policy: LinkPolicy, change: ScheduledChange) -> Link | None:
    link = links_rows.by_id(connection, change.link_id)
    if link is None:  # deleted meanwhile
        return None
    try:
        draft = drafts.edited(drafts.of_link(link), drafts.written(change.edits), policy)
        return recorded.change(connection, link, draft, change.actor, "link-scheduled-change")
    except errors.Refused as error:  # its code has been taken meanwhile, or a policy has become stricter
        log.warning("a scheduled change cannot be made", code=link.code, cause=error.detail)
        return None
