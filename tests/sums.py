"""What must be true of all tables of clicks at every moment, worked out in plain Python from every row there is."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Table, select

from shortener.domain import period
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, domain_pseudo_id
from shortener.storage import folding, pruning
from shortener.storage.click_tables import (
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    link_total,
)
from shortener.storage.engine import Connection, Database

#: Clicks and uniques by link, class, and whatever else they are counted by; last which of the two it is.
Sums = Counter[tuple[Any, ...]]
#: The default domain, which all links of the tests are on.
DOMAIN = domain_pseudo_id(1)


def hold(database: Database) -> None:
    """Totals, series and breakdowns say the same of every link, and so do raw rows of days that have not been pruned;
    instance and domain have what their links have; nothing is left of what has no clicks.
    """
    with database.read() as connection:
        totals = _sums(connection, link_total)
        series = _sums(connection, click_series, "bucket")
        days = _sums(connection, click_breakdown, "dimension", "value_id", "day")
        months = _sums(connection, click_breakdown_month, "dimension", "value_id", "month")
        raw = connection.execute(select(click).order_by(click.c.id)).mappings().all()
        marks = folding.marks(connection)
        pruned = pruning.pruned_before(connection)
    assert _by(series, lambda key: key[:2]) == totals
    assert _by(days, lambda key: (*key[:4], period.month_of_day(key[4]))) == months
    for sums in (totals, series, days, months):
        of_links = _by(Counter({key: n for key, n in sums.items() if key[0] > 0}), lambda key: key[1:])
        for pseudo in (INSTANCE_ID, DOMAIN):
            assert {key[1:]: n for key, n in sums.items() if key[0] == pseudo} == dict(of_links), pseudo
    # Whatever has no value is in no row.
    of_dimensions = _by(days, lambda key: key[:3])
    assert all(count <= totals[key[0], key[1], key[3]] for key, count in of_dimensions.items())
    _check_raw(raw, marks, series, days, pruned)


def _sums(connection: Connection, table: Table, *names: str) -> Sums:
    found: Sums = Counter()
    for row in connection.execute(select(table)).mappings():
        assert 0 <= row["unique"] <= row["clicks"] > 0, f"{table.name}: {dict(row)}"
        key = (row["link_id"], row["class"], *(row[name] for name in names))
        found[(*key, "clicks")] += row["clicks"]
        if row["unique"]:
            found[(*key, "unique")] += row["unique"]
    return found


def _by(sums: Sums, key: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Sums:
    """The same by less: `key` makes the new key of an old one, without which of the sums it is."""
    found: Sums = Counter()
    for (*old, name), count in sums.items():
        found[(*key(tuple(old)), name)] += count
    return found


def _check_raw(raw: Any, marks: Mapping[int, int], series: Sums, days: Sums, pruned_before: int) -> None:
    in_series: Sums = Counter()
    in_days: Sums = Counter()
    for row in raw:
        for name in ["clicks", "unique"] if row["first"] else ["clicks"]:
            in_series[row["link_id"], row["class"], row["time_ms"] // period.SLOT_MS, name] += 1
            values = {TOTAL: TOTAL, **{int(dimension): row[dimension.label] for dimension in Dimension}}
            for number, value in values.items():
                if value is not None and row["id"] <= marks[number]:
                    in_days[row["link_id"], row["class"], number, value, row["day"], name] += 1
    for found, sums, day_of in (
        (in_series, series, lambda key: key[2] * period.SLOT_MS // period.DAY_MS),
        (in_days, days, lambda key: key[4]),
    ):
        assert all(count <= sums[key] for key, count in found.items())
        assert _since(found, pruned_before, day_of) == _since(sums, pruned_before, day_of)


def _since(sums: Sums, first_day: int, day_of: Callable[[tuple[Any, ...]], int]) -> dict[tuple[Any, ...], int]:
    """What raw rows must say too: those of links, orphans and the unattributed, from a day on."""
    with_rows = {ORPHANS_ID, UNATTRIBUTED_ID}
    return {key: n for key, n in sums.items() if (key[0] > 0 or key[0] in with_rows) and day_of(key) >= first_day}
