"""The tables after a trial: which numbered clicks stand in them, and whether every sum agrees with them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select, text

from shortener.clicks import frame, segment
from shortener.domain.click import OTHER_LABEL, Dimension
from shortener.domain.link import INSTANCE_ID, domain_pseudo_id
from shortener.storage import folding
from shortener.storage.click_tables import (
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    label,
    link_total,
    spool_mark,
)
from shortener.storage.engine import Database
from shortener.storage.tables import link

#: Clicks and uniques, by whatever they are counted by.
Counts = dict[tuple[Any, ...], tuple[int, int]]


class Row(NamedTuple):
    """A raw click. A label that is missing is None."""

    link_id: int
    code: str | None
    source: str | None
    medium: str | None


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """A snapshot, with all the time that it takes to count a million rows."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection


def size(connection: Connection) -> int:
    """How many raw clicks there are."""
    return int(connection.execute(select(func.count()).select_from(click)).scalar_one())


def lacks_segments(connection: Connection, spool: Path) -> bool:
    """Whether segments that were drained are gone from a spool: they are the first to go when it is full."""
    there = {path.stem.rpartition("-")[2] for path in spool.glob(f"*{segment.SUFFIX}")}
    return any(
        drained.hex() not in there for drained in connection.execute(select(spool_mark.c.segment_id)).scalars()
    )


def last_id(connection: Connection) -> int:
    """The id of the last raw click; 0 if there is none."""
    return connection.execute(select(func.max(click.c.id))).scalar() or 0


def is_folded(connection: Connection) -> bool:
    """Whether every raw click stands in every breakdown."""
    return min(folding.marks(connection).values()) == last_id(connection)


def rows(connection: Connection) -> Iterator[Row]:
    """All raw clicks with their labels as texts."""
    texts: dict[int | None, str] = {each.id: each.text for each in connection.execute(select(label))}
    dimensions = (Dimension.CODE, Dimension.UTM_SOURCE, Dimension.UTM_MEDIUM)
    for link_id, *labels in connection.execute(
        select(click.c.link_id, *(click.c[each.label] for each in dimensions))
    ):
        yield Row(link_id, *(texts.get(each) for each in labels))


def links(connection: Connection) -> dict[str, tuple[int, str]]:
    """Id and target of all links, by code."""
    return {each.code: (each.id, each.target) for each in connection.execute(select(link))}


def disagreements(connection: Connection) -> list[str]:
    """Every sum that differs from the raw clicks it stands for, in words: totals, series and breakdowns of every
    link, of every domain and of the instance."""
    everywhere = [
        ("totals", _by_scope(_raw(connection)), _sums(connection, link_total)),
        ("the series", _by_scope(_raw(connection)), _sums(connection, click_series)),
    ]
    for dimension in Dimension:
        expected = _by_scope(_raw(connection, click.c[dimension.label]))
        for table in (click_breakdown, click_breakdown_month):
            found = _sums(connection, table, table.c.value_id, only=table.c.dimension == int(dimension))
            everywhere.append((f"{table.name} by {dimension.label}", expected, found))
    return [_difference(*each) for each in everywhere if each[1] != each[2]] + _cut(connection)


def damage(connection: Connection) -> list[str]:
    """What the database says is wrong with its file. PostgreSQL is not asked: it has no such question."""
    if connection.dialect.name != "sqlite":
        return []
    said = connection.execute(text("PRAGMA integrity_check")).scalars().all()
    return [] if said == ["ok"] else [f"the database is damaged: {said}"]


def frames(spool: Path) -> int:
    """How many clicks stand in the segments of a spool, drained or not: a drained one is kept for a day."""
    return sum(_frames(path) for path in spool.glob(f"*{segment.SUFFIX}"))


def _frames(path: Path) -> int:
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # one that never got a click is removed
        return 0
    header = segment.unpack_header(data[: segment.HEADER_SIZE])
    assert header is not None, path
    return len(frame.read_all(data[segment.HEADER_SIZE :], header.seed, len(data))[0])


def _raw(connection: Connection, *value: Column[Any]) -> Counts:
    """Raw clicks by link, domain and `value`, without those that have no value."""
    key = (click.c.link_id, click.c.domain_id, *value)
    query = select(*key, func.count(), func.sum(click.c.first)).group_by(*key)
    for each in value:
        query = query.where(each.is_not(None))
    return _counts(connection.execute(query))


def _by_scope(raw: Counts) -> Counts:
    """What has to be counted for each link, for its domain and for the instance."""
    sums: Counts = {}
    for (link_id, domain_id, *value), (clicks, unique) in raw.items():
        # Orphans and the unattributed are on no domain and not the instance's.
        for scope in (link_id, INSTANCE_ID, domain_pseudo_id(domain_id)) if link_id > 0 else (link_id,):
            before = sums.get((scope, *value), (0, 0))
            sums[scope, *value] = (before[0] + clicks, before[1] + unique)
    return sums


def _sums(
    connection: Connection, table: Table, *value: Column[Any], only: ColumnElement[bool] | None = None
) -> Counts:
    key = (table.c.link_id, *value)
    query = select(*key, func.sum(table.c.clicks), func.sum(table.c.unique)).group_by(*key)
    return _counts(connection.execute(query if only is None else query.where(only)))


def _counts(found: Any) -> Counts:
    return {tuple(key): (int(clicks), int(unique)) for *key, clicks, unique in found}


def _difference(what: str, expected: Counts, found: Counts) -> str:
    keys: Sequence[Any] = [key for key in expected | found if expected.get(key) != found.get(key)]
    first = keys[0]
    return f"{what}: {len(keys)} differ, such as {first}: {found.get(first)} instead of {expected.get(first)}"


def _cut(connection: Connection) -> list[str]:
    """Whether labels were cut at their daily bound, so that numbers are missing and nothing can be concluded."""
    found = connection.execute(select(label.c.id).where(label.c.text == OTHER_LABEL)).scalar()
    used = Counter(
        dimension.label
        for dimension in Dimension
        if found and connection.execute(select(click.c.id).where(click.c[dimension.label] == found).limit(1)).first()
    )
    return [f"too many labels for one day, so numbers are missing: {sorted(used)}"] if used else []
