"""Rows of password_try: how many passwords have been tried on a link in a minute, by one network and by all."""

from sqlalchemy import ColumnElement, Connection, and_, delete, select, tuple_, update

from shortener.storage.engine import insert_into
from shortener.storage.tables import password_try

_KEY = (password_try.c.minute, password_try.c.link_id, password_try.c.network)


def take(connection: Connection, minute: int, link_id: int, network: bytes, most: int) -> int | None:
    """Adds a try to a bucket and returns how many it holds now; None if there are `most` in it already.

    Minutes are counted since 1970. Whoever adds to several buckets adds to all of them or rolls back.
    """
    row = {"minute": minute, "link_id": link_id, "network": network, "tries": 1}
    query = insert_into(connection, password_try).values(**row)
    query = query.on_conflict_do_update(
        index_elements=list(_KEY), set_={"tries": password_try.c.tries + 1}, where=password_try.c.tries < most
    )
    tries: int | None = connection.execute(query.returning(password_try.c.tries)).scalar()
    return tries


def give_back(connection: Connection, minute: int, link_id: int, network: bytes) -> None:
    """Takes one try out of a bucket."""
    where = and_(_is(minute, link_id, network), password_try.c.tries > 0)
    connection.execute(update(password_try).where(where).values(tries=password_try.c.tries - 1))


def forget(connection: Connection, before: int, at_most: int) -> None:
    """Forgets up to `at_most` buckets of the minutes before that one, but for those that others are forgetting."""
    old = select(*_KEY).where(password_try.c.minute < before).limit(at_most).with_for_update(skip_locked=True)
    connection.execute(delete(password_try).where(tuple_(*_KEY).in_(old)))


def _is(minute: int, link_id: int, network: bytes) -> ColumnElement[bool]:
    values = (minute, link_id, network)
    return and_(*(column == value for column, value in zip(_KEY, values, strict=True)))
