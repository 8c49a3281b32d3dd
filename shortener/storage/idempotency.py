"""Rows of idempotent_answer: which POST with an Idempotency-Key is being carried out, or what it was answered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from shortener.storage.engine import insert_into
from shortener.storage.tables import idempotent_answer


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key."""

    request: bytes
    #: The answer's; before that one of services.idempotency's own.
    status: int
    location: str | None
    body: bytes
    created_at: datetime


def find(connection: Connection, digest: bytes) -> Kept | None:
    """What is known of the key with this digest."""
    columns = (idempotent_answer.c[name] for name in Kept.__slots__)
    row = connection.execute(select(*columns).where(idempotent_answer.c.digest == digest)).one_or_none()
    return Kept(*row) if row else None


def claim(connection: Connection, digest: bytes, request: bytes, status: int, now: datetime) -> bool:
    """Notes that a request is being carried out; False if the key has been used."""
    row = {"digest": digest, "request": request, "status": status, "body": b"", "created_at": now}
    query = insert_into(connection, idempotent_answer).values(**row).on_conflict_do_nothing()
    return connection.execute(query.returning(idempotent_answer.c.status)).first() is not None


def move(connection: Connection, digest: bytes, old: int, new: int) -> bool:
    """Moves a key from one status to another; False if it does not stand there."""
    where = (idempotent_answer.c.digest == digest, idempotent_answer.c.status == old)
    return connection.execute(update(idempotent_answer).where(*where).values(status=new)).rowcount == 1


def keep(connection: Connection, digest: bytes, status: int, location: str | None, body: bytes) -> None:
    """Keeps the answer."""
    answer = {"status": status, "location": location, "body": body}
    connection.execute(update(idempotent_answer).where(idempotent_answer.c.digest == digest).values(**answer))


def release(connection: Connection, digest: bytes, status: int) -> None:
    """Forgets a key that stands at `status`: nothing came of its request."""
    where = (idempotent_answer.c.digest == digest, idempotent_answer.c.status == status)
    connection.execute(delete(idempotent_answer).where(*where))


def forget(connection: Connection, before: datetime, at_most: int) -> None:
    """Forgets up to `at_most` of the keys that were first used before a moment."""
    old = select(idempotent_answer.c.digest).where(idempotent_answer.c.created_at < before).limit(at_most)
    connection.execute(delete(idempotent_answer).where(idempotent_answer.c.digest.in_(old)))
