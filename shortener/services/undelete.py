"""Undeleting: bringing a deleted link back, with its statistics and history, for some days after its deletion."""

from datetime import UTC, datetime
from typing import Any

from shortener import errors
from shortener.domain import link as links
from shortener.domain.link import UNDELETE_DAYS, Link
from shortener.services import recorded
from shortener.services.recorded import IfMatch
from shortener.storage import changes, domains
from shortener.storage import links as rows
from shortener.storage.engine import Connection, Database


def undelete(
    database: Database, link_id: int, *, actor: str, if_match: IfMatch = None
) -> tuple[Link, tuple[str, ...]]:
    """Makes a deleted link what it was, as a new version; returns it and those of its aliases that are taken by now.

    It is not judged again: a policy that has become stricter does not end living links either. Raises LinkNotFound,
    LinkNotDeleted, UndeleteTooLate, VersionMismatch, DomainNotFound, CodeTaken, ExternalIdTaken.
    """
    now = datetime.now(UTC)
    with database.write() as connection:
        changes.lock(connection)
        before = _find(connection, link_id, now)
        recorded.match(before, if_match)
        _check_domain(connection, before)
        _check_code(connection, before)
        _check_external_id(connection, before)
        free = tuple(a for a in before.aliases if rows.id_of_code(connection, before.domain, a) is None)
        rows.unbury(connection, before, free, now)
        after = recorded.find(connection, before.domain, before.code)
        # Without the fields: going back to a version reads them off the deletion.
        diff: dict[str, list[Any]] = {"deleted_at": [before.deleted_at, None]}
        if free != before.aliases:
            diff["aliases"] = [list(before.aliases), list(free)]
        recorded.record(connection, recorded.UNDELETED, after, diff, actor, now)
    return after, tuple(alias for alias in before.aliases if alias not in free)


def _find(connection: Connection, link_id: int, now: datetime) -> Link:
    found = rows.deleted_by_id(connection, link_id)
    if found is None:
        living = rows.by_id(connection, link_id)
        if living is not None:
            raise errors.LinkNotDeleted(f"The link '{living.code}' (id {link_id}) is not deleted.")
        raise errors.LinkNotFound(f"There is no link with the id {link_id}.")
    if found.deleted_at is not None and found.deleted_at < links.undelete_begin(now):
        day = found.deleted_at.strftime("%Y-%m-%d")
        raise errors.UndeleteTooLate(
            f"The link '{found.code}' (id {link_id}) was deleted on {day}, more than {UNDELETE_DAYS} days ago: "
            "it cannot be brought back. Create it again."
        )
    return found


def _check_domain(connection: Connection, deleted: Link) -> None:
    if deleted.domain and domains.by_name(connection, deleted.domain) is None:
        detail = f"The domain '{deleted.domain}', which the link was on, is not configured any more: "
        raise errors.DomainNotFound(detail + "configure it again first.")


def _check_external_id(connection: Connection, deleted: Link) -> None:
    other = None if deleted.external_id is None else rows.by_external_id(connection, deleted.external_id)
    if other is not None:
        detail = f"The link '{other.code}' has the external id '{deleted.external_id}' by now: "
        raise errors.ExternalIdTaken(detail + "give that one another, or delete it, first.")


def _check_code(connection: Connection, deleted: Link) -> None:
    """Raises CodeTaken if another link has the code by now, by itself or as an alias."""
    other = rows.by_code(connection, deleted.domain, deleted.code)
    if other is None:
        return
    if other.code == deleted.code:
        detail = f"Another link is called '{deleted.code}' by now: rename or delete that one first."
    else:
        detail = f"'{deleted.code}' is an alias of '{other.code}' by now: remove that alias first."
    raise errors.CodeTaken(detail)
