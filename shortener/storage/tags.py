"""Rows of tag and link_tag."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from shortener.storage.engine import insert_into
from shortener.storage.tables import link_tag, tag


def set_for_link(connection: Connection, link_id: int, names: Sequence[str]) -> None:
    """Makes `names`, in normal form, the tags of a link, creating those that do not exist."""
    connection.execute(delete(link_tag).where(link_tag.c.link_id == link_id))
    if not names:
        return
    connection.execute(insert_into(connection, tag).on_conflict_do_nothing(), [{"name": name} for name in names])
    ids = connection.execute(select(tag.c.id).where(tag.c.name.in_(names))).scalars()
    connection.execute(insert(link_tag), [{"link_id": link_id, "tag_id": tag_id} for tag_id in ids])


def by_link(connection: Connection, link_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The tags of each link that has any, sorted. One query."""
    query = (
        select(link_tag.c.link_id, tag.c.name)
        .join(tag, tag.c.id == link_tag.c.tag_id)
        .where(link_tag.c.link_id.in_(list(link_ids)))
        .order_by(tag.c.name)
    )
    found: dict[int, tuple[str, ...]] = {}
    for link_id, name in connection.execute(query):
        found[link_id] = (*found.get(link_id, ()), name)
    return found
