"""Rows of tag and link_tag."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, literal, select, update

from shortener.domain.click import ClickClass
from shortener.domain.tag import Tag
from shortener.storage.click_tables import link_total
from shortener.storage.engine import insert_into
from shortener.storage.tables import link, link_tag, tag

#: Values of one IN: far below what either database takes.
_CHUNK = 500


def set_for_link(connection: Connection, link_id: int, names: Sequence[str]) -> None:
    """Makes `names`, in normal form, the tags of a link, creating those that do not exist."""
    connection.execute(delete(link_tag).where(link_tag.c.link_id == link_id))
    if not names:
        return
    connection.execute(insert_into(connection, tag).on_conflict_do_nothing(), [{"name": name} for name in names])
    ids = connection.execute(select(tag.c.id).where(tag.c.name.in_(names))).scalars()
    connection.execute(insert(link_tag), [{"link_id": link_id, "tag_id": tag_id} for tag_id in ids])


def set_for_new(connection: Connection, tags: Mapping[int, Sequence[str]]) -> None:
    """The same for many links that have no tags yet, by id."""
    names = {name for of_link in tags.values() for name in of_link}
    if not names:
        return
    connection.execute(
        insert_into(connection, tag).on_conflict_do_nothing(), [{"name": name} for name in sorted(names)]
    )
    ids: dict[str, int] = {}
    for chunk in _chunks(sorted(names)):
        query = select(tag.c.name, tag.c.id).where(tag.c.name.in_(chunk))
        ids.update((row.name, row.id) for row in connection.execute(query))
    rows = [{"link_id": link_id, "tag_id": ids[name]} for link_id, of_link in tags.items() for name in of_link]
    connection.execute(insert(link_tag), rows)


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


def by_name(connection: Connection, name: str) -> Tag | None:
    """The tag with this name, in normal form, or None. One query."""
    row = connection.execute(_counted(select(tag).where(tag.c.name == name))).one_or_none()
    return _tag(row) if row else None


def page(connection: Connection, *, limit: int, search: str = "", after: str = "") -> Sequence[Tag]:
    """Up to `limit` tags whose names contain `search`, by name, starting behind `after`. One query.

    `search` is in lower case, as names are.
    """
    chosen = select(tag).where(tag.c.name > after).order_by(tag.c.name).limit(limit)
    if search:
        chosen = chosen.where(tag.c.name.contains(search, autoescape=True))
    return [_tag(row) for row in connection.execute(_counted(chosen))]


def add(connection: Connection, name: str, color: str | None) -> bool:
    """Makes a tag; False if there is one of this name: the unique constraint decides."""
    query = insert_into(connection, tag).values(name=name, color=color).on_conflict_do_nothing()
    return connection.execute(query.returning(tag.c.id)).scalar() is not None


def change(connection: Connection, name: str, *, new_name: str, color: str | None) -> None:
    """Gives a tag another name, which must be free, and another colour. Its links keep it."""
    connection.execute(update(tag).where(tag.c.name == name).values(name=new_name, color=color))


def merge(connection: Connection, name: str, into: str) -> None:
    """Gives the links of one tag the other, where they have not got it yet, and deletes the first."""
    first, second = (select(tag.c.id).where(tag.c.name == called).scalar_subquery() for called in (name, into))
    moved = select(link_tag.c.link_id, second).where(link_tag.c.tag_id == first)
    query = insert_into(connection, link_tag).from_select(["link_id", "tag_id"], moved)
    connection.execute(query.on_conflict_do_nothing())
    remove(connection, name)


def remove(connection: Connection, name: str) -> None:
    """Deletes a tag and takes it off all links, those that are tombstones too."""
    its_id = select(tag.c.id).where(tag.c.name == name).scalar_subquery()
    connection.execute(delete(link_tag).where(link_tag.c.tag_id == its_id))
    connection.execute(delete(tag).where(tag.c.name == name))


def _counted(chosen: Select[Any]) -> Select[Any]:
    """`chosen` tags, by name, with what their living links have: only those tags' links are looked at."""
    page = chosen.subquery()
    living = and_(link.c.id == link_tag.c.link_id, link.c.deleted_at.is_(None))
    humans = and_(link_total.c.link_id == link.c.id, link_total.c["class"] == ClickClass.HUMAN)
    sums = (
        func.coalesce(func.sum(link_total.c.clicks), literal(0)).label("clicks"),
        func.coalesce(func.sum(link_total.c.unique), literal(0)).label("uniques"),
    )
    return (
        select(page.c.name, page.c.color, func.count(link.c.id).label("links"), *sums)
        .select_from(page)
        .join(link_tag, link_tag.c.tag_id == page.c.id, isouter=True)
        .join(link, living, isouter=True)
        .join(link_total, humans, isouter=True)
        .group_by(page.c.id, page.c.name, page.c.color)
        .order_by(page.c.name)
    )


def _tag(row: Row[Any]) -> Tag:
    # PostgreSQL adds up big integers to decimals.
    return Tag(row.name, row.color, row.links, int(row.clicks), int(row.uniques))


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK))
