"""Rows of link: finding, listing, making and burying them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, or_, select, update

from shortener.domain import period
from shortener.domain import target as targets
from shortener.domain.click import ClickClass
from shortener.domain.link import Link, LinkDraft
from shortener.storage import tags
from shortener.storage.click_tables import link_total
from shortener.storage.engine import insert_into
from shortener.storage.tables import link, link_tag, tag

_living = link.c.deleted_at.is_(None)
_clicks = func.coalesce(link_total.c.clicks, 0)
_last_clicked = func.coalesce(link_total.c.last_clicked_ms, 0)


class Sort(StrEnum):
    """What a list of links can be sorted by."""

    CREATED = "created"
    CLICKS = "clicks"
    LAST_CLICKED = "last_clicked"


_SORT_KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.CREATED: link.c.created_at,
    Sort.CLICKS: _clicks,
    Sort.LAST_CLICKED: _last_clicked,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """Which links, in which order, from where on."""

    limit: int
    sort: Sort = Sort.CREATED
    descending: bool = True
    #: Part of a code, target, title or note, in any case.
    search: str | None = None
    #: A tag in normal form.
    tag: str | None = None
    #: Value of the sort key and id of the last link of the page before.
    after: tuple[Any, int] | None = None


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit needs of a link's row."""

    id: int
    nonce: int
    target: str
    status: int | None
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    expired_target: str | None


#: Built once: building it for every visit would cost more than asking it.
_visited = select(*(link.c[name] for name in Visited.__slots__)).where(
    link.c.domain == bindparam("domain"), link.c.code == bindparam("code"), _living
)


def visited(connection: Connection, domain: str, code: str) -> Visited | None:
    """The living link that a visit to `code`, in normal form, meets, or None. One query by the unique index."""
    row = connection.execute(_visited, {"domain": domain, "code": code}).one_or_none()
    return Visited(*row) if row else None


def add(connection: Connection, draft: LinkDraft, *, code: str, nonce: int, now: datetime) -> int | None:
    """Makes a link and returns its id, or None if a living link has the code: the unique index decides."""
    row = {
        **_columns(draft),
        "code": code,
        "nonce": nonce,
        "domain": "",
        "created_at": now,
        "updated_at": now,
        "forward_query": False,
        "forward_path": False,
        "track": True,
    }
    query = insert_into(connection, link).values(**row).on_conflict_do_nothing().returning(link.c.id)
    link_id: int | None = connection.execute(query).scalar()
    if link_id is not None:
        tags.set_for_link(connection, link_id, draft.tags)
    return link_id


def change(connection: Connection, link_id: int, draft: LinkDraft, now: datetime) -> None:
    """Gives a link the fields of `draft` (its code stays) and the next version."""
    row = {**_columns(draft), "updated_at": now, "version": link.c.version + 1}
    connection.execute(update(link).where(link.c.id == link_id).values(**row))
    tags.set_for_link(connection, link_id, draft.tags)


def bury(connection: Connection, link_id: int, now: datetime) -> None:
    """Deletes a link: its code is free, its row stays for the statistics and for clicks on their way."""
    connection.execute(update(link).where(link.c.id == link_id).values(deleted_at=now, updated_at=now))


def by_code(connection: Connection, domain: str, code: str) -> Link | None:
    """The living link called `code`, in normal form, or None. Two queries."""
    return _one(connection, _whole().where(link.c.domain == domain, link.c.code == code, _living))


def by_target(connection: Connection, domain: str, target: str) -> Link | None:
    """The oldest living link to `target`, in stored form, or None. Two queries, by the index of hashes."""
    same = and_(link.c.target_hash == targets.fingerprint(target), link.c.target == target)
    query = _whole().where(link.c.domain == domain, same, _living).order_by(link.c.id).limit(1)
    return _one(connection, query)


def page(connection: Connection, listing: Listing) -> Sequence[Link]:
    """The links of a page. Two queries."""
    key = _SORT_KEYS[listing.sort]
    query = _whole().where(_living, *_filters(listing))
    if listing.after is not None:
        value, link_id = listing.after
        beyond, later = (
            (key < value, link.c.id < link_id) if listing.descending else (key > value, link.c.id > link_id)
        )
        query = query.where(or_(beyond, and_(key == value, later)))
    order = (key.desc(), link.c.id.desc()) if listing.descending else (key, link.c.id)
    return _many(connection, query.order_by(*order).limit(listing.limit))


def sort_value(listed: Link, sort: Sort) -> str | int:
    """What `listed` is sorted by, as a cursor holds it."""
    if sort is Sort.CREATED:
        return listed.created_at.isoformat()
    if sort is Sort.CLICKS:
        return listed.clicks
    return period.to_ms(listed.last_clicked_at) if listed.last_clicked_at else 0


def _filters(listing: Listing) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if listing.search:
        columns = (link.c.code, link.c.target, link.c.title, link.c.notes)
        found.append(or_(*(column.icontains(listing.search, autoescape=True) for column in columns)))
    if listing.tag:
        carrying = (
            select(link_tag.c.link_id).join(tag, tag.c.id == link_tag.c.tag_id).where(tag.c.name == listing.tag)
        )
        found.append(link.c.id.in_(carrying))
    return found


def _columns(draft: LinkDraft) -> dict[str, Any]:
    return {
        "target": draft.target,
        "target_hash": targets.fingerprint(draft.target),
        "title": draft.title,
        "notes": draft.notes,
        "status": draft.status,
        "enabled": draft.enabled,
        "valid_from": draft.valid_from,
        "expires_at": draft.expires_at,
        "expired_target": draft.expired_target,
    }


def _whole() -> Select[Any]:
    humans = and_(link_total.c.link_id == link.c.id, link_total.c["class"] == ClickClass.HUMAN)
    counts = (
        _clicks.label("clicks"),
        func.coalesce(link_total.c.unique, 0).label("uniques"),
        _last_clicked.label("last_clicked_ms"),
    )
    return select(link, *counts).join(link_total, humans, isouter=True)


def _one(connection: Connection, query: Select[Any]) -> Link | None:
    found = _many(connection, query)
    return found[0] if found else None


def _many(connection: Connection, query: Select[Any]) -> list[Link]:
    rows = connection.execute(query).all()
    tagged = tags.by_link(connection, [row.id for row in rows]) if rows else {}
    return [_link(row, tagged.get(row.id, ())) for row in rows]


def _link(row: Row[Any], tagged: tuple[str, ...]) -> Link:
    return Link(
        id=row.id,
        nonce=row.nonce,
        domain=row.domain,
        code=row.code,
        target=row.target,
        title=row.title,
        notes=row.notes,
        tags=tagged,
        status=row.status,
        enabled=row.enabled,
        valid_from=row.valid_from,
        expires_at=row.expires_at,
        expired_target=row.expired_target,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        clicks=row.clicks,
        unique=row.uniques,
        last_clicked_at=period.from_ms(row.last_clicked_ms) if row.last_clicked_ms else None,
    )
