"""Writing clicks: marks, raw rows, totals, series, uniques, labels, salts. Breakdowns are folded in folding.py."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from shortener.domain import period
from shortener.storage import bulk, labels
from shortener.storage.click_tables import (
    EVERY_CLASS,
    click,
    click_inbox,
    click_series,
    drain_head,
    erased,
    label,
    link_total,
    spool_mark,
    visitor_day,
)
from shortener.storage.click_tables import (
    salt as salt_table,
)
from shortener.storage.engine import insert_in, insert_into
from shortener.storage.tables import domain, link

_HEAD = 1
#: Rows of one statement with many values: far below what either database takes (32,766 and 65,535 parameters).
_CHUNK = 500

#: What adds up, in every table of counts.
_SUMS = ("clicks", "unique")

#: Salt day, link, class and hash of a visitor.
VisitorKey = tuple[int, int, int, int]

_oldest_in_inbox = select(click_inbox.c.id).order_by(click_inbox.c.id)


class Owner(NamedTuple):
    """What draining needs to know of the link that a click names; the link may have been deleted since."""

    nonce: int
    created_ms: int
    domain_id: int
    #: Clicks that are not younger have been erased.
    erased_ms: int


def salt(connection: Connection, day: int, proposed: bytes) -> bytes:
    """The salt of a day: `proposed` if there was none yet, else the one that another worker made."""
    connection.execute(insert_into(connection, salt_table).on_conflict_do_nothing(), {"day": day, "salt": proposed})
    stored: bytes = connection.execute(select(salt_table.c.salt).where(salt_table.c.day == day)).scalar_one()
    return stored


def forget_visitors(connection: Connection, before_day: int, *, at_most: int) -> int:
    """Destroys the salts of the days before `before_day`, and up to `at_most` visitor hashes; returns how many."""
    connection.execute(delete(salt_table).where(salt_table.c.day < before_day))
    found = connection.execute(select(visitor_day).where(visitor_day.c.day < before_day).limit(at_most)).all()
    key = tuple_(*visitor_day.c)
    for chunk in _chunks([tuple(row) for row in found]):
        connection.execute(delete(visitor_day).where(key.in_(chunk)))
    return len(found)


def mark(connection: Connection, segment_id: bytes) -> int | None:
    """Up to which byte a segment has been drained, or None if nothing of it has."""
    return connection.execute(select(spool_mark.c.offset).where(spool_mark.c.segment_id == segment_id)).scalar()


def marks(connection: Connection, segment_ids: Collection[bytes]) -> dict[bytes, int]:
    """The same of many segments, by their ids; those of which nothing has been drained are left out."""
    found: dict[bytes, int] = {}
    for chunk in _chunks(list(segment_ids)):
        query = select(spool_mark).where(spool_mark.c.segment_id.in_(chunk))
        found.update((bytes(row.segment_id), row.offset) for row in connection.execute(query))
    return found


def advance_mark(connection: Connection, segment_id: bytes, old: int | None, new: int) -> bool:
    """Moves a segment's mark from `old` to `new`; False if it does not stand at `old`, so another was faster."""
    if old is None:
        first = insert_into(connection, spool_mark).values(segment_id=segment_id, offset=new)
        return is_new(connection, first, spool_mark.c.offset)
    moved = update(spool_mark).where(spool_mark.c.segment_id == segment_id, spool_mark.c.offset == old)
    return connection.execute(moved.values(offset=new)).rowcount == 1


def take_ids(connection: Connection, count: int) -> int:
    """Reserves `count` click ids and returns the first. Locks out other drainers, so commit order is id order."""
    advance = update(drain_head).where(drain_head.c.id == _HEAD).values(click_id=drain_head.c.click_id + count)
    last: int = connection.execute(advance.returning(drain_head.c.click_id)).scalar_one()
    return last - count + 1


def lock_head(connection: Connection) -> int:
    """Locks out drainers until the end of the transaction, as `take_ids` does; returns the last id given out."""
    query = select(drain_head.c.click_id).where(drain_head.c.id == _HEAD).with_for_update()
    last: int = connection.execute(query).scalar_one()
    return last


def last_id(connection: Connection) -> int:
    """The last click id given out."""
    last: int = connection.execute(select(drain_head.c.click_id).where(drain_head.c.id == _HEAD)).scalar_one()
    return last


def clicks_of_day(connection: Connection, link_id: int, day: int) -> int:
    """The clicks of all classes that a link or pseudo-link has had on a UTC day."""
    slots = period.DAY_MS // period.SLOT_MS
    where = (
        click_series.c.month == period.month_of_day(day),
        click_series.c.link_id == link_id,
        click_series.c["class"].in_(EVERY_CLASS),
        click_series.c.bucket >= day * slots,
        click_series.c.bucket < (day + 1) * slots,
    )
    return int(connection.execute(select(func.sum(click_series.c.clicks)).where(*where)).scalar() or 0)


def owners(connection: Connection, link_ids: Iterable[int]) -> dict[int, Owner]:
    """What is known of these links, deleted ones included. One query."""
    query = select(link.c.id, link.c.nonce, link.c.created_at, domain.c.id, func.coalesce(erased.c.until_ms, -1))
    query = query.join(domain, domain.c.name == link.c.domain).join(
        erased, erased.c.link_id == link.c.id, isouter=True
    )
    return {
        link_id: Owner(nonce, period.to_ms(created_at), domain_id, erased_ms)
        for link_id, nonce, created_at, domain_id, erased_ms in connection.execute(
            query.where(link.c.id.in_(list(link_ids)))
        )
    }


def erased_ms(connection: Connection, link_id: int) -> int:
    """Up to which time the clicks of a link or pseudo-link have been erased; -1 if they never were."""
    found = connection.execute(select(erased.c.until_ms).where(erased.c.link_id == link_id)).scalar()
    return -1 if found is None else int(found)


def new_visitors(connection: Connection, keys: Collection[VisitorKey]) -> set[VisitorKey]:
    """Records distinct visitors and returns those that were not there yet."""
    return cast(set[VisitorKey], set(bulk.add_new(connection, visitor_day, sorted(keys))))


def add_labels(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """Makes labels of `texts`, sorted, and returns their ids; one that exists keeps its own."""
    wanted = sorted(set(texts))
    if wanted:
        connection.execute(
            insert_into(connection, label).on_conflict_do_nothing(), [{"text": text} for text in wanted]
        )
    return labels.ids(connection, wanted)


def has_inbox(connection: Connection) -> bool:
    """Whether anything is in the inbox. By its primary key."""
    return connection.execute(_oldest_in_inbox.limit(1)).first() is not None


def take_from_inbox(connection: Connection, at_most: int) -> dict[int, bytes]:
    """The oldest frames in the inbox, by id.

    On PostgreSQL they are locked, and those that another drainer has taken are passed over.
    """
    query = _oldest_in_inbox.add_columns(click_inbox.c.frame).limit(at_most).with_for_update(skip_locked=True)
    return {row.id: bytes(row.frame) for row in connection.execute(query)}


def remove_from_inbox(connection: Connection, ids: Iterable[int]) -> None:
    """Removes frames from the inbox."""
    for chunk in _chunks(list(ids)):
        connection.execute(delete(click_inbox).where(click_inbox.c.id.in_(chunk)))


def add_clicks(connection: Connection, rows: Sequence[bulk.Row]) -> None:
    """Stores raw clicks; a label id of 0 is an absent value."""
    connection.exec_driver_sql(_adding_clicks(connection.dialect.name), list(rows))


@cache
def _adding_clicks(dialect: str) -> str:
    """Absent values come as numbers, since SQLite's driver spends 0.6 µs on each None: that made half of a click."""
    absent: ColumnElement[int] = literal_column("0")
    values = {
        column.name: func.nullif(given, absent) if column.nullable else given
        for column, given in ((column, bindparam(column.name, type_=column.type)) for column in click.c)
    }
    return bulk.sql(dialect, insert_in(dialect, click).values(values))


def add_series(connection: Connection, rows: Sequence[bulk.Row]) -> None:
    """Adds the clicks and uniques of each month, link, slot and class, in this order."""
    bulk.add(connection, click_series, rows, sums=_SUMS)


def add_totals(connection: Connection, rows: Sequence[bulk.Row]) -> None:
    """Adds the clicks and uniques of each link and class, in this order, and notes the last click."""
    bulk.add(connection, link_total, rows, sums=_SUMS, latest=("last_clicked_ms",))


def is_new(connection: Connection, first: Any, column: ColumnElement[Any]) -> bool:
    """Whether the row of an INSERT was not there yet. By RETURNING: an INSERT's row count is not always known."""
    return connection.execute(first.on_conflict_do_nothing().returning(column)).first() is not None


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
