"""Writing clicks: marks, raw rows, totals, series, uniques, labels, salts, and folding into breakdowns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)

from shortener.domain import period
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, domain_pseudo_id
from shortener.storage.click_tables import (
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    drain_head,
    fold_mark,
    label,
    link_total,
    spool_mark,
    visitor_day,
)
from shortener.storage.click_tables import (
    salt as salt_table,
)
from shortener.storage.engine import insert_into
from shortener.storage.tables import domain, link

_HEAD = 1
#: Rows of one statement with many values: far below what either database takes (32,766 and 65,535 parameters).
_CHUNK = 500

Counts = Mapping[tuple[int, ...], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Owner:
    """What draining needs to know of the link that a click names; the link may have been deleted since."""

    nonce: int
    created_ms: int
    domain_id: int


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


def advance_mark(connection: Connection, segment_id: bytes, old: int | None, new: int) -> bool:
    """Moves a segment's mark from `old` to `new`; False if it does not stand at `old`, so another was faster."""
    if old is None:
        first = insert_into(connection, spool_mark).values(segment_id=segment_id, offset=new)
        return _is_new(connection, first, spool_mark.c.offset)
    moved = update(spool_mark).where(spool_mark.c.segment_id == segment_id, spool_mark.c.offset == old)
    return connection.execute(moved.values(offset=new)).rowcount == 1


def take_ids(connection: Connection, count: int) -> int:
    """Reserves `count` click ids and returns the first. Locks out other drainers, so commit order is id order."""
    advance = update(drain_head).where(drain_head.c.id == _HEAD).values(click_id=drain_head.c.click_id + count)
    last: int = connection.execute(advance.returning(drain_head.c.click_id)).scalar_one()
    return last - count + 1


def last_id(connection: Connection) -> int:
    """The last click id given out."""
    last: int = connection.execute(select(drain_head.c.click_id).where(drain_head.c.id == _HEAD)).scalar_one()
    return last


def owners(connection: Connection, link_ids: Iterable[int]) -> dict[int, Owner]:
    """What is known of these links, deleted ones included. One query."""
    query = select(link.c.id, link.c.nonce, link.c.created_at, domain.c.id.label("domain_id"))
    query = query.join(domain, domain.c.name == link.c.domain).where(link.c.id.in_(list(link_ids)))
    return {
        row.id: Owner(row.nonce, period.to_ms(row.created_at), row.domain_id) for row in connection.execute(query)
    }


def new_visitors(connection: Connection, keys: Sequence[tuple[int, int, int, int]]) -> set[tuple[int, int, int, int]]:
    """Records distinct `(day, link, class, hash)` keys and returns those that were not there yet."""
    if not keys:
        return set()
    columns = tuple(visitor_day.c)
    query = insert_into(connection, visitor_day).on_conflict_do_nothing().returning(*columns)
    # As a list of parameters, not of values in the statement, which would be compiled anew each time.
    rows = [dict(zip((column.name for column in columns), key, strict=True)) for key in sorted(keys)]
    return {(row.day, row.link_id, row._mapping["class"], row.hash) for row in connection.execute(query, rows)}


def labels(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """The ids of those `texts` that are labels already."""
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(texts)):
        query = select(label.c.text, label.c.id).where(label.c.text.in_(chunk))
        found.update((row.text, row.id) for row in connection.execute(query))
    return found


def add_labels(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """Makes labels of `texts`, sorted, and returns their ids; one that exists keeps its own."""
    wanted = sorted(set(texts))
    if wanted:
        connection.execute(
            insert_into(connection, label).on_conflict_do_nothing(), [{"text": text} for text in wanted]
        )
    return labels(connection, wanted)


def add_clicks(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Stores raw clicks; every row names every column."""
    connection.execute(insert(click), rows)


def add_series(connection: Connection, counts: Counts) -> None:
    """Adds `(clicks, unique)` by `(month, link, bucket, class)`."""
    _add_counts(connection, click_series, ("month", "link_id", "bucket", "class"), counts)


def add_totals(connection: Connection, counts: Counts, last_clicked_ms: Mapping[tuple[int, ...], int]) -> None:
    """Adds `(clicks, unique)` by `(link, class)`, and notes the last click of each."""
    query = insert_into(connection, link_total)
    later = case(
        (link_total.c.last_clicked_ms > query.excluded.last_clicked_ms, link_total.c.last_clicked_ms),
        else_=query.excluded.last_clicked_ms,
    )
    query = query.on_conflict_do_update(
        index_elements=["link_id", "class"], set_={**_sums(link_total, query), "last_clicked_ms": later}
    )
    rows = [
        {
            "link_id": key[0],
            "class": key[1],
            "clicks": clicks,
            "unique": unique,
            "last_clicked_ms": last_clicked_ms[key],
        }
        for key, (clicks, unique) in sorted(counts.items())
    ]
    connection.execute(query, rows)


def fold_marks(connection: Connection) -> dict[Dimension, int]:
    """Up to which click each dimension is folded; 0 where it has not begun."""
    stored = {row.dimension: row.click_id for row in connection.execute(select(fold_mark))}
    return {dimension: stored.get(dimension, 0) for dimension in Dimension}


def fold(connection: Connection, dimension: Dimension, *, mark: int, upto: int) -> bool:
    """Adds the clicks with `mark` < id ≤ `upto` to a dimension's breakdowns and moves its mark from `mark` to `upto`.

    False, and nothing done, if the mark does not stand at `mark`.
    """
    if not _advance_fold(connection, dimension, mark, upto):
        return False
    folded = (click.c.id > mark, click.c.id <= upto, click.c[dimension.label].is_not(None))
    days = connection.execute(select(click.c.day).where(click.c.id > mark, click.c.id <= upto).distinct()).scalars()
    months = {day: period.month_of_day(day) for day in days}
    if months:
        _fold_into(connection, click_breakdown, "day", click.c.day, dimension, folded)
        month = case(months, value=click.c.day)
        _fold_into(connection, click_breakdown_month, "month", month, dimension, folded)
    return True


def _advance_fold(connection: Connection, dimension: Dimension, mark: int, upto: int) -> bool:
    if mark == 0:
        first = insert_into(connection, fold_mark).values(dimension=int(dimension), click_id=upto)
        return _is_new(connection, first, fold_mark.c.click_id)
    moved = update(fold_mark).where(fold_mark.c.dimension == dimension, fold_mark.c.click_id == mark)
    return connection.execute(moved.values(click_id=upto)).rowcount == 1


def _is_new(connection: Connection, first: Any, column: ColumnElement[Any]) -> bool:
    """Whether the row of an INSERT was not there yet. By RETURNING: an INSERT's row count is not always known."""
    return connection.execute(first.on_conflict_do_nothing().returning(column)).first() is not None


def _fold_into(
    connection: Connection,
    table: Table,
    time_column: str,
    time: ColumnElement[Any],
    dimension: Dimension,
    folded: Sequence[ColumnElement[bool]],
) -> None:
    """Groups the `folded` clicks by link, domain and instance into `table`, in the order of its key."""
    value, kind = click.c[dimension.label], click.c["class"]
    of_a_link = (click.c.link_id > 0,)
    # Constants, not parameters: PostgreSQL would take each occurrence of a parameter for another expression.
    on_domain: ColumnElement[int] = literal_column(str(domain_pseudo_id(0))) - click.c.domain_id
    scopes: list[tuple[ColumnElement[Any], Sequence[ColumnElement[Any]], Sequence[ColumnElement[bool]]]] = [
        (click.c.link_id, (click.c.link_id,), ()),
        (on_domain, (on_domain,), of_a_link),
        (literal_column(str(INSTANCE_ID)), (), of_a_link),
    ]
    parts: list[Select[Any]] = [
        select(
            time.label(time_column),
            link_id.label("link_id"),
            literal_column(str(int(dimension))).label("dimension"),
            value.label("value_id"),
            kind.label("class"),
            func.count().label("clicks"),
            func.sum(click.c.first).label("unique"),
        )
        .where(*folded, *only)
        .group_by(time, *grouping, value, kind)
        for link_id, grouping, only in scopes
    ]
    names = [time_column, "link_id", "dimension", "value_id", "class", "clicks", "unique"]
    grouped = union_all(*parts).subquery()
    # SQLite needs the WHERE to tell ON CONFLICT from a join's ON (sqlite.org/lang_upsert.html, "Parsing Ambiguity").
    source = select(*(grouped.c[name] for name in names)).where(literal(value=True))
    key = [column.name for column in table.primary_key]
    query = insert_into(connection, table).from_select(names, source.order_by(*(grouped.c[name] for name in key)))
    connection.execute(query.on_conflict_do_update(index_elements=key, set_=_sums(table, query)))


def _add_counts(connection: Connection, table: Table, key: Sequence[str], counts: Counts) -> None:
    query = insert_into(connection, table)
    query = query.on_conflict_do_update(index_elements=list(key), set_=_sums(table, query))
    rows = [
        {**dict(zip(key, values, strict=True)), "clicks": clicks, "unique": unique}
        for values, (clicks, unique) in sorted(counts.items())
    ]
    connection.execute(query, rows)


def _sums(table: Table, query: Any) -> dict[str, ColumnElement[Any]]:
    return {name: table.c[name] + query.excluded[name] for name in ("clicks", "unique")}


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
