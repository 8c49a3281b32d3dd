"""Rows of link: finding, creating, deleting and undeleting them. Lists are in listing.py, visits in visits.py."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from shortener.domain import period
from shortener.domain import rule as rules
from shortener.domain import target as targets
from shortener.domain.click import ClickClass
from shortener.domain.link import Link, LinkDraft
from shortener.storage import aliases, tags
from shortener.storage.click_tables import link_total
from shortener.storage.engine import insert_into
from shortener.storage.link_columns import columns
from shortener.storage.tables import link

#: Values of one IN: far below what either database takes.
_CHUNK = 500

_living = link.c.deleted_at.is_(None)
#: Of a link that `whole` or `counted` finds: clicks by people, and when the last came, milliseconds; 0 without any.
clicks = func.coalesce(link_total.c.clicks, 0)
last_clicked = func.coalesce(link_total.c.last_clicked_ms, 0)

#: Built once: building them takes longer than asking them.
_humans = and_(link_total.c.link_id == link.c.id, link_total.c["class"] == ClickClass.HUMAN)
#: All that a Link has but its tags and aliases, which `many` adds; and the id alone, for counting.
whole = select(
    *(column for column in link.c if column.name not in ("search_text", "title_key", "target_host")),
    clicks.label("clicks"),
    func.coalesce(link_total.c.unique, 0).label("uniques"),
    last_clicked.label("last_clicked_ms"),
).join(link_total, _humans, isouter=True)
counted = select(link.c.id).join(link_total, _humans, isouter=True)
_named = link.alias("named")
_called = select(func.coalesce(_named.c.alias_of, _named.c.id)).where(
    _named.c.domain == bindparam("domain"), _named.c.code == bindparam("code"), _named.c.deleted_at.is_(None)
)
_is_called = (link.c.id == _called.scalar_subquery(), _living)
_by_code = whole.where(*_is_called)
_identity = select(link.c.id, link.c.created_at).where(*_is_called)


def add(
    connection: Connection, draft: LinkDraft, *, code: str, nonce: int, now: datetime, owner: str | None = None
) -> int | None:
    """Creates a link and returns its id, or None if a living link has the code: the unique index decides."""
    row = {**columns(draft, code), "nonce": nonce, "owner": owner, "created_at": now, "updated_at": now}
    query = insert_into(connection, link).values(**row).on_conflict_do_nothing().returning(link.c.id)
    link_id: int | None = connection.execute(query).scalar()
    if link_id is not None:
        tags.set_for_link(connection, link_id, draft.tags)
    return link_id


def add_many(
    connection: Connection, made: Sequence[tuple[str, int, LinkDraft]], *, owner: str | None, now: datetime
) -> Sequence[int]:
    """Creates links of codes that are free, nonces and drafts, all at once; returns their ids in the same order."""
    ids = take_ids(connection, len(made))
    common = {"owner": owner, "created_at": now, "updated_at": now, "version": 1, "used": 0}
    rows = [
        {**columns(draft, code), **common, "id": link_id, "nonce": nonce}
        for link_id, (code, nonce, draft) in zip(ids, made, strict=True)
    ]
    connection.execute(insert(link), rows)
    tags.set_for_new(connection, {link_id: draft.tags for link_id, (_, _, draft) in zip(ids, made, strict=True)})
    return ids


def take_ids(connection: Connection, count: int) -> Sequence[int]:
    """The ids of the next `count` links. On SQLite nobody else is writing; on PostgreSQL the sequence sees to it."""
    if connection.dialect.name == "postgresql":
        series = func.generate_series(1, count).table_valued("number")
        taken = select(func.nextval(func.pg_get_serial_sequence("link", "id"))).select_from(series)
        return connection.execute(taken).scalars().all()
    last = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'link'")).scalar() or 0
    return range(last + 1, last + 1 + count)


def taken_codes(connection: Connection, domain: str, codes: Iterable[str]) -> set[str]:
    """Those of `codes` that living links on `domain` have, or their aliases."""
    return _found(connection, link.c.code, codes, link.c.domain == domain)


def taken_external_ids(connection: Connection, external_ids: Iterable[str]) -> set[str]:
    """Those of `external_ids` that living links have."""
    return _found(connection, link.c.external_id, external_ids)


def _found(
    connection: Connection, column: Column[Any], wanted: Iterable[str], *where: ColumnElement[bool]
) -> set[str]:
    values = sorted(set(wanted))
    found: set[str] = set()
    for start in range(0, len(values), _CHUNK):
        query = select(column).where(*where, column.in_(values[start : start + _CHUNK]), _living)
        found.update(connection.execute(query).scalars())
    return found


def change(connection: Connection, link_id: int, draft: LinkDraft, now: datetime) -> None:
    """Gives a link the fields of `draft`, its code too, which must be free, and the next version."""
    row = {**columns(draft, draft.code or ""), "updated_at": now, "version": link.c.version + 1}
    connection.execute(update(link).where(link.c.id == link_id).values(**row))
    tags.set_for_link(connection, link_id, draft.tags)


def bury(connection: Connection, link_id: int, now: datetime) -> None:
    """Deletes a link and its aliases: their codes are free, the rows stay for statistics and clicks on their way."""
    names = or_(link.c.id == link_id, link.c.alias_of == link_id)
    connection.execute(update(link).where(names, _living).values(deleted_at=now, updated_at=now))


def by_code(connection: Connection, domain: str, code: str) -> Link | None:
    """The living link called `code`, in normal form, by its own code or an alias, or None. Three queries."""
    return _one(connection, _by_code, domain=domain, code=code)


def identity(connection: Connection, domain: str, code: str) -> tuple[int, datetime] | None:
    """The id of the same and when it was made, or None. One query."""
    found = connection.execute(_identity, {"domain": domain, "code": code}).first()
    return None if found is None else (found.id, found.created_at)


def by_id(connection: Connection, link_id: int) -> Link | None:
    """The living link with this id, or None."""
    return _one(connection, whole.where(link.c.id == link_id, _living, link.c.alias_of.is_(None)))


def deleted_by_id(connection: Connection, link_id: int) -> Link | None:
    """The deleted link with this id, however long ago it was deleted, or None."""
    is_tombstone = (link.c.deleted_at.is_not(None), link.c.alias_of.is_(None))
    return _one(connection, whole.where(link.c.id == link_id, *is_tombstone))


def unbury(connection: Connection, deleted: Link, aliases: Collection[str], now: datetime) -> None:
    """Makes a deleted link a living one with the next version, and those of its aliases. Their codes must be free.

    It is on the domain that it was on, which must be configured.
    """
    living = {"deleted_at": None, "domain": deleted.domain, "former_domain": None, "updated_at": now}
    is_alias = (link.c.alias_of == deleted.id, link.c.deleted_at == deleted.deleted_at, link.c.code.in_(aliases))
    connection.execute(update(link).where(*is_alias).values(**living))
    connection.execute(update(link).where(link.c.id == deleted.id).values(**living, version=link.c.version + 1))


def by_external_id(connection: Connection, external_id: str) -> Link | None:
    """The living link that another system calls so, or None."""
    return _one(connection, whole.where(link.c.external_id == external_id, _living))


def id_of_code(connection: Connection, domain: str, code: str) -> int | None:
    """The id of the living link or alias with exactly this code, or None. By the unique index."""
    query = select(link.c.id).where(link.c.domain == domain, link.c.code == code, _living)
    return connection.execute(query).scalar()


def by_target(connection: Connection, domain: str, target: str) -> Link | None:
    """The oldest living link to `target`, in stored form, or None. Two queries, by the index of hashes."""
    same = and_(link.c.target_hash == targets.fingerprint(target), link.c.target == target)
    query = whole.where(link.c.domain == domain, same, _living).order_by(link.c.id).limit(1)
    return _one(connection, query)


def _one(connection: Connection, query: Select[Any], **values: Any) -> Link | None:
    found = many(connection, query, **values)
    return found[0] if found else None


def many(connection: Connection, query: Select[Any], **values: Any) -> list[Link]:
    """The links that a query made of `whole` finds, in its order. Three queries, one if it finds none."""
    rows = connection.execute(query, values).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    tagged, called = tags.by_link(connection, ids), aliases.by_link(connection, {r.id: r.deleted_at for r in rows})
    return [_link(row, tagged.get(row.id, ()), called.get(row.id, ())) for row in rows]


def _link(row: Row[Any], tagged: tuple[str, ...], called: tuple[str, ...]) -> Link:
    return Link(
        id=row.id,
        nonce=row.nonce,
        domain=row.domain if row.former_domain is None else row.former_domain,
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
        max_clicks=row.max_clicks,
        admit_programs=row.admit_programs,
        password_hash=row.password_hash,
        forward_query=row.forward_query,
        forward_path=row.forward_path,
        track=row.track,
        rules=rules.load(row.rules),
        external_id=row.external_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        clicks=row.clicks,
        unique=row.uniques,
        last_clicked_at=period.from_ms(row.last_clicked_ms) if row.last_clicked_ms else None,
        aliases=called,
        used=row.used,
        deleted_at=row.deleted_at,
        owner=row.owner,
    )
