"""Rows of password_try: which passwords have been tried on a link, when, and by which network.

Those of link 0, which there is not, are wrong keys at the sign-in page (services/sessions).
"""

from sqlalchemy import ColumnElement, Connection, delete, false, func, insert, or_, select, update

from shortener.domain.password_tries import MOST_TRIES, Tries
from shortener.storage.tables import password_try

#: One half of PostgreSQL's advisory locks on links; any number that nothing else locks.
_LOCKS = 0x70777472
#: The other half has 31 bits.
_LOCK_BITS = 0x7FFFFFFF

_id, _link_id, _network = password_try.c.id, password_try.c.link_id, password_try.c.network
_at_ms, _is_open = password_try.c.at_ms, password_try.c.is_open


def lock(connection: Connection, link_id: int) -> None:
    """Keeps others from adding tries on a link until the transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCKS, link_id & _LOCK_BITS)))


def of_network(
    connection: Connection, link_id: int, network: bytes, after_ms: int, *, open_after_ms: int | None = None
) -> Tries:
    """What has been tried on a link after `after_ms`, as one network sees it.

    Those that are being checked count too; with `open_after_ms` only those of them that began before it.
    """
    where = [_link_id == link_id, _at_ms > after_ms]
    if open_after_ms is not None:
        where.append(_is_settled(open_after_ms))
    times = select(_at_ms).where(*where)
    newest = times.order_by(_at_ms.desc())
    return Tries(
        of_network=connection.execute(times.where(_network == network)).scalars().all(),
        last=connection.execute(newest.limit(1)).scalar(),
        limiting=connection.execute(newest.offset(MOST_TRIES - 1).limit(1)).scalar(),
    )


def add(connection: Connection, link_id: int, network: bytes, at_ms: int, *, is_open: bool = True) -> int:
    """Adds a try whose password is being checked, or was wrong if not `is_open`, and returns its id."""
    row = {"link_id": link_id, "network": network, "at_ms": at_ms, "is_open": is_open}
    added: int = connection.execute(insert(password_try).values(**row).returning(_id)).scalar_one()
    return added


def settle(connection: Connection, try_id: int) -> None:
    """Notes that the password of a try was wrong."""
    connection.execute(update(password_try).where(_id == try_id).values(is_open=False))


def remove(connection: Connection, try_id: int) -> None:
    """Removes a try whose password was right."""
    connection.execute(delete(password_try).where(_id == try_id))


def forget(connection: Connection, before_ms: int, at_most: int) -> None:
    """Removes those of the `at_most` oldest tries that are older than that, but for those that others remove."""
    oldest = select(_id, _at_ms).order_by(_id).limit(at_most).with_for_update(skip_locked=True).subquery()
    connection.execute(delete(password_try).where(_id.in_(select(oldest.c.id).where(oldest.c.at_ms < before_ms))))


def _is_settled(open_after_ms: int) -> ColumnElement[bool]:
    """Whether a try is known to be wrong, or nobody is at work on it any more."""
    return or_(_is_open == false(), _at_ms < open_after_ms)
