"""Rows of api_key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from shortener.domain.access import ApiKey, Scope
from shortener.storage.tables import api_key


def add(connection: Connection, key: ApiKey) -> None:
    """Stores a new key."""
    connection.execute(
        insert(api_key).values(
            id=key.id,
            name=key.name,
            digest=key.digest,
            scopes=" ".join(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


def by_id(connection: Connection, key_id: str) -> ApiKey | None:
    """The key with this public id, revoked or not, or None. One query."""
    row = connection.execute(select(api_key).where(api_key.c.id == key_id)).one_or_none()
    return of_row(row) if row else None


def page(connection: Connection, *, limit: int, after: tuple[datetime, str] | None) -> Sequence[ApiKey]:
    """Up to `limit` keys, newest first, starting behind the key with this creation time and id."""
    query = select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.id.desc()).limit(limit)
    if after is not None:
        at, key_id = after
        older = (api_key.c.created_at < at) | ((api_key.c.created_at == at) & (api_key.c.id < key_id))
        query = query.where(older)
    return [of_row(row) for row in connection.execute(query)]


def any_exist(connection: Connection) -> bool:
    """Whether a key was ever made here."""
    return bool(connection.execute(select(exists(select(api_key.c.id)))).scalar())


def revoke(connection: Connection, key_id: str, now: datetime) -> None:
    """Makes a key useless from `now` on."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=now))


def touch(connection: Connection, key_id: str, now: datetime) -> None:
    """Notes that a key was used at `now`."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(last_used_at=now))


def of_row(row: Row[Any]) -> ApiKey:
    """The key whose columns are among those of `row`."""
    value, column = row._mapping, api_key.c
    return ApiKey(
        id=value[column.id],
        name=value[column.name],
        digest=value[column.digest],
        scopes=tuple(Scope(scope) for scope in value[column.scopes].split()),
        created_at=value[column.created_at],
        expires_at=value[column.expires_at],
        revoked_at=value[column.revoked_at],
        last_used_at=value[column.last_used_at],
    )
