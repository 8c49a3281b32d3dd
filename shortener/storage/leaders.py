"""Leaders: the links of the instance with most clicks, or its codes, found without adding up those of all.

Each day and month has an index of them by clicks, so their first ones are read without the others. What the last
one read has, none of the others exceeds: so the sums of all have bounds, and those that cannot be among the
first are left out (R. Fagin, A. Lotem, M. Naor: Optimal aggregation algorithms for middleware, Journal of Computer
and System Sciences 66, 2003, section 8.1). With 100,000 links some hundred remain to be added up of 100,000.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, FromClause, Select, Table, TextClause, bindparam, select

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.cover import Cover
from shortener.storage import kept, parts
from shortener.storage.click_tables import OF_CODES, OF_LINKS, TOTAL, click_breakdown, click_breakdown_month
from shortener.storage.part_queries import Key
from shortener.storage.stats import INSTANCE

#: How many of each list are read for each one asked for. With links whose share of the clicks lasts, twice is
#: enough; where eight times is not, many are much alike, and to add them all up is no slower.
_DEPTHS = (2, 8)

_DEPTH = kept.unplanned(bindparam("depth", type_=BigInteger))

#: Keys that are added up, at most: each is a parameter in five places, and SQLite takes 32,766.
_MOST_KEYS = 4_096

#: Links, or labels of codes, by their clicks, most first.
Ranking = Sequence[tuple[int, int]]


class Led(NamedTuple):
    """Rows that are kept in order of their clicks."""

    dimension: int
    key: Key
    #: The column that has the key.
    column: str
    where: TextClause


CODES = Led(int(Dimension.CODE), Key.VALUE, "value_id", OF_CODES)
LINKS = Led(TOTAL, Key.LINK, "link_id", OF_LINKS)


def among(
    connection: Connection, led: Led, cover: Cover, classes: Collection[ClickClass], mark: int, most: int
) -> frozenset[int] | None:
    """The keys among which are the `most` ones with most clicks, and all that have as many as the last.

    None where the first ones of the days and months do not tell, where they are too many, or where there are none.
    """
    for times in _DEPTHS if cover.days or cover.months else ():
        depth = most * times
        found = leaders(list(_rankings(connection, led, cover, classes, mark, depth)), depth, most)
        if found is not None:
            return found if len(found) <= _MOST_KEYS else None
    return None


def leaders(rankings: Sequence[Ranking], depth: int, most: int) -> frozenset[int] | None:
    """The same of rankings, of each of which the first `depth` are there; what they sum up to is the question."""
    lasts = [ranking[-1][1] if len(ranking) == depth else 0 for ranking in rankings]
    at_least: Counter[int] = Counter()
    bounded: Counter[int] = Counter()
    for ranking, last in zip(rankings, lasts, strict=True):
        for key, clicks in ranking:
            at_least[key] += clicks
            # In this list it has what it has, and at most its last in those where it was not met.
            bounded[key] += clicks - last
    bound = sum(lasts)
    firsts = sorted(at_least.values(), reverse=True)[:most]
    needed = firsts[-1] if len(firsts) == most else 0
    if needed <= bound and bound:
        return None
    return frozenset(key for key, more in bounded.items() if more + bound >= needed)


def _rankings(
    connection: Connection, led: Led, cover: Cover, classes: Collection[ClickClass], mark: int, depth: int
) -> Iterator[Ranking]:
    """The first keys of each day, of each month, and of the raw clicks that are in neither."""
    for table, times in ((click_breakdown, cover.days), (click_breakdown_month, cover.months)):
        for time in times:
            for kind in classes:
                parameters = {"time": time, "kind": int(kind), "depth": depth}
                yield _pairs(connection, _of_table(table, led), parameters)
    raw = parts.of_raw(INSTANCE, led.dimension, led.key, cover, classes, mark)
    yield _pairs(connection, _of_raw(raw.query), {**raw.parameters, "depth": depth})


def _pairs(connection: Connection, query: Select[int, int], parameters: dict[str, Any]) -> Ranking:
    return [(key, int(clicks)) for key, clicks in kept.rows(connection, query, parameters)]


@cache
def _of_table(table: Table, led: Led) -> Select[int, int]:
    time = table.c["day" if table is click_breakdown else "month"]
    query = select(table.c[led.column], table.c.clicks).where(
        led.where, time == bindparam("time"), table.c["class"] == bindparam("kind")
    )
    return query.order_by(table.c.clicks.desc()).limit(_DEPTH)


@cache
def _of_raw(raw: FromClause) -> Select[int, int]:
    return select(raw.c.key, raw.c.clicks).order_by(raw.c.clicks.desc()).limit(_DEPTH)
