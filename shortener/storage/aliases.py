"""Rows of link that are aliases: other codes of a link, each a row of its own with `alias_of` and no target."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from shortener.storage.engine import insert_into
from shortener.storage.tables import link

_living = link.c.deleted_at.is_(None)


def add(connection: Connection, link_id: int, *, domain: str, code: str, nonce: int, now: datetime) -> bool:
    """Makes `code` an alias of a link; False if a living link or alias has the code: the unique index decides."""
    row = {
        "alias_of": link_id,
        "domain": domain,
        "code": code,
        "nonce": nonce,
        "created_at": now,
        "updated_at": now,
        "enabled": True,
        "forward_query": False,
        "forward_path": False,
        "track": True,
    }
    query = insert_into(connection, link).values(**row).on_conflict_do_nothing().returning(link.c.id)
    return connection.execute(query).scalar() is not None


def bury(connection: Connection, link_id: int, code: str, now: datetime) -> bool:
    """Takes an alias from a link; False if it has none of this name. What it counted stays with the link."""
    alias = (link.c.alias_of == link_id, link.c.code == code, _living)
    return connection.execute(update(link).where(*alias).values(deleted_at=now, updated_at=now)).rowcount == 1


def by_link(connection: Connection, deletions: Mapping[int, datetime | None]) -> dict[int, tuple[str, ...]]:
    """The aliases of each link that has any, in the order in which they were made. One query.

    `deletions` has when each link was deleted, None for a living one; the aliases of a deleted link are those that
    were deleted with it.
    """
    dates = {date for date in deletions.values() if date is not None}
    query = select(link.c.alias_of, link.c.code, link.c.deleted_at).where(
        link.c.alias_of.in_(list(deletions)), or_(_living, link.c.deleted_at.in_(dates)) if dates else _living
    )
    found: dict[int, tuple[str, ...]] = {}
    for link_id, code, deleted_at in connection.execute(query.order_by(link.c.id)):
        if deleted_at == deletions[link_id]:
            found[link_id] = (*found.get(link_id, ()), code)
    return found
