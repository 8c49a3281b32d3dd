"""Rows of signin_link: sign-in links that nobody has used yet."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from shortener.storage.signin_tables import signin_link

_digest, _expires_at = signin_link.c.digest, signin_link.c.expires_at


def add(connection: Connection, digest: bytes, expires_at: datetime) -> None:
    """Stores a new link."""
    connection.execute(insert(signin_link).values(digest=digest, expires_at=expires_at))


def is_good(connection: Connection, digest: bytes, now: datetime) -> bool:
    """Whether there is such a link, not used and not expired at `now`."""
    return connection.execute(select(_digest).where(_digest == digest, _expires_at > now)).first() is not None


def take(connection: Connection, digest: bytes, now: datetime) -> bool:
    """Uses up a link; False if there is none that is good at `now`. Of several at once one gets True."""
    return connection.execute(delete(signin_link).where(_digest == digest, _expires_at > now)).rowcount == 1


def forget(connection: Connection, now: datetime, at_most: int) -> None:
    """Removes up to `at_most` of the links that have expired at `now`."""
    expired = select(_digest).where(_expires_at <= now).limit(at_most)
    connection.execute(delete(signin_link).where(_digest.in_(expired)))
