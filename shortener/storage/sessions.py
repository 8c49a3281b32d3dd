"""Rows of session: browsers that are signed in."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, insert, select, update

from shortener.domain.access import ApiKey
from shortener.domain.session import Session
from shortener.storage import keys
from shortener.storage.signin_tables import session
from shortener.storage.tables import api_key

_columns = [session.c[name] for name in Session.__slots__]


class SignedIn(NamedTuple):
    """A session, and the key that it was signed in with; None for the preset key."""

    session: Session
    key: ApiKey | None


def add(connection: Connection, added: Session) -> None:
    """Stores a new session."""
    connection.execute(insert(session).values(**asdict(added)))


def find(connection: Connection, digest: bytes) -> SignedIn | None:
    """The session whose id has this digest, ended or not, or None. One query."""
    both = session.outerjoin(api_key, api_key.c.id == session.c.key_id)
    query: Select[Any] = select(*_columns, api_key).select_from(both).where(session.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    found = Session(*row[: len(_columns)])
    return SignedIn(found, None if found.key_id is None else keys.of_row(row))


def lengthen(connection: Connection, digest: bytes, expires_at: datetime) -> None:
    """Has a session end later."""
    connection.execute(update(session).where(session.c.digest == digest).values(expires_at=expires_at))


def remove(connection: Connection, digest: bytes) -> None:
    """Removes a session, if it is there."""
    connection.execute(delete(session).where(session.c.digest == digest))


def forget(connection: Connection, now: datetime, at_most: int) -> None:
    """Removes up to `at_most` of the sessions that have ended at `now`."""
    ended = select(session.c.digest).where(session.c.expires_at <= now).limit(at_most)
    connection.execute(delete(session).where(session.c.digest.in_(ended)))
