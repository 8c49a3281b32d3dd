"""Rows of link that are aliases: other codes of a link, each a row of its own with `alias_of` and no target."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

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


def by_link(connection: Connection, link_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The aliases of each link that has any, in the order in which they were made. One query."""
    query = select(link.c.alias_of, link.c.code).where(link.c.alias_of.in_(link_ids), _living).order_by(link.c.id)
    found: dict[int, tuple[str, ...]] = {}
    for link_id, code in connection.execute(query):
        found[link_id] = (*found.get(link_id, ()), code)
    return found
