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
    return _key(row) if row else None


def page(connection: Connection, *, limit: int, after: tuple[datetime, str] | None) -> Sequence[ApiKey]:
    """Up to `limit` keys, newest first, starting behind the key with this creation time and id."""
    query = select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.id.desc()).limit(limit)
    if after is not None:
        at, key_id = after
        older = (api_key.c.created_at < at) | ((api_key.c.created_at == at) & (api_key.c.id < key_id))
        query = query.where(older)
    return [_key(row) for row in connection.execute(query)]


def any_exist(connection: Connection) -> bool:
    """Whether a key was ever made here."""
    return bool(connection.execute(select(exists(select(api_key.c.id)))).scalar())


def revoke(connection: Connection, key_id: str, now: datetime) -> None:
    """Makes a key useless from `now` on."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=now))


def touch(connection: Connection, key_id: str, now: datetime) -> None:
    """Notes that a key was used at `now`."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(last_used_at=now))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        digest=row.digest,
        scopes=tuple(Scope(scope) for scope in row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
