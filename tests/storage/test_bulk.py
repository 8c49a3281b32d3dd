"""Bulk writing on both databases: every row once, in whatever pieces it is written."""

import pytest
from sqlalchemy import select

from shortener.storage import bulk
from shortener.storage.click_tables import link_total, visitor_day
from shortener.storage.engine import Database

SUMS = ("clicks", "unique")


def stored(database: Database) -> list[tuple[int, ...]]:
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(link_total)))


def test_sums_are_added_and_the_latest_stays(database: Database) -> None:
    for rows in (
        [(1, 1, 5, 2, 1000), (2, 1, 1, 0, 3000)],
        [(1, 1, 4, 0, 900)],
        [(1, 2, 7, 7, 7), (2, 1, 1, 1, 3001)],
    ):
        with database.write() as connection:
            bulk.add(connection, link_total, rows, sums=SUMS, latest=("last_clicked_ms",))
    assert stored(database) == [(1, 1, 9, 2, 1000), (1, 2, 7, 7, 7), (2, 1, 2, 1, 3001)]


def test_the_same_key_twice_in_one_go(database: Database) -> None:
    with database.write() as connection:
        bulk.add(connection, link_total, [(1, 1, 1, 1, 5)] * 3, sums=SUMS, latest=("last_clicked_ms",))
    assert stored(database) == [(1, 1, 3, 3, 5)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 511, 512, 513, 1000, 1024])
def test_new_rows_are_told_from_old_ones(database: Database, count: int) -> None:
    rows = [(20_779, number, 1, number * 7) for number in range(count)]
    with database.write() as connection:
        assert list(bulk.add_new(connection, visitor_day, rows[::3])) == rows[::3]
    with database.write() as connection:
        assert sorted(bulk.add_new(connection, visitor_day, rows)) == sorted(set(rows) - set(rows[::3]))
    with database.write() as connection:
        assert list(bulk.add_new(connection, visitor_day, rows)) == []
    with database.read() as connection:
        assert sorted(tuple(row) for row in connection.execute(select(visitor_day))) == rows
