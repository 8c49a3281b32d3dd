"""Filling and draining spools in tests, and what must be true of the tables afterwards."""

import time
from pathlib import Path

import sqlalchemy

from shortener.clicks import segment
from shortener.clicks.drainer import Drainer
from shortener.clicks.segment import Header
from shortener.clicks.spool import Spool
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, Link
from shortener.storage import schema
from shortener.storage.click_tables import click, click_breakdown, click_breakdown_month, click_series, link_total
from shortener.storage.engine import Database
from tests import frames
from tests.clicks import click_on, fold_all


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def id_of(database: Database) -> bytes:
    with database.read() as connection:
        found = schema.database_id(connection)
    assert found is not None
    return found


def put(spool: Spool, link: Link, times: int = 1, **facts: object) -> None:
    for _ in range(times):
        assert spool.append(frames.encode(click_on(link, now_ms(), **facts)))


def drain_all(drainer: Drainer) -> None:
    while drainer.step():
        pass


def count(database: Database, link_id: int = INSTANCE_ID) -> int:
    """The clicks of all classes credited to a link or pseudo-link."""
    query = sqlalchemy.select(sqlalchemy.func.sum(link_total.c.clicks)).where(link_total.c.link_id == link_id)
    with database.read() as connection:
        return int(connection.execute(query).scalar() or 0)


def raw_rows(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(click)).scalar_one())


def agreed(database: Database) -> int:
    """How many clicks on links there are, on which totals, rows, series and breakdowns must agree."""
    fold_all(database)
    total = sqlalchemy.func.sum
    queries = [
        sqlalchemy.select(sqlalchemy.func.count()).select_from(click).where(click.c.link_id > 0),
        *(
            sqlalchemy.select(total(table.c.clicks)).where(which)
            for table in (link_total, click_series)
            for which in (table.c.link_id == INSTANCE_ID, table.c.link_id > 0)
        ),
        # Every click has a code.
        *(
            sqlalchemy.select(total(table.c.clicks)).where(which, table.c.dimension == int(Dimension.CODE))
            for table in (click_breakdown, click_breakdown_month)
            for which in (table.c.link_id == INSTANCE_ID, table.c.link_id > 0)
        ),
    ]
    with database.read() as connection:
        found = [int(connection.execute(query).scalar() or 0) for query in queries]
    assert len(set(found)) == 1, found
    return found[0]


def write_segment(folder: Path, header: Header, content: bytes) -> Path:
    """A segment with `content` behind its header, as a worker that is dead has left it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{header.created_ms:013d}-{header.segment_id.hex()}{segment.SUFFIX}"
    path.write_bytes(header.pack() + content)
    return path
