"""What the clicks are on: links on two domains, some with aliases, some in tags, all as old as the first click.

The rank of a link says how popular it is. Its number, which is its id, has nothing to do with that.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, insert, select, text, update

from shortener.clicks import frame
from shortener.domain import period
from shortener.storage import domains, opening, tags
from shortener.storage.engine import Connection
from shortener.storage.tables import instance, link
from tests.bench import population
from tests.bench.clickstream.shape import Plan

#: The domain of one link in so many; the others are on the default one.
OTHER_DOMAIN = "links.example"
_OTHER_DOMAIN_EVERY = 4
#: Which ranks have an alias, by which three in ten come, and which have a split that sends three in ten elsewhere.
_ALIAS_EVERY, _SPLIT_EVERY = 10, 8
_ALIAS_PREFIX = "a"
_MAIN, _SECOND = 7, 3
#: The tag that large benchmarks ask for, and how many links it has.
TAG, TAGGED = "thousand", 1_000
#: Rows of one statement.
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Named:
    """A link as the API knows it."""

    code: str
    #: Empty for the default one.
    domain: str


class EstateExists(Exception):
    """The database has links already."""


class Estate:
    """The links of a plan, by rank from 1 on."""

    def __init__(self, plan: Plan) -> None:
        self._links = plan.links
        self._numbers = list(range(1, plan.links + 1))
        random.Random(plan.seed).shuffle(self._numbers)

    def named(self, rank: int) -> Named:
        """The link of this rank."""
        number = self._numbers[rank - 1]
        return Named(population.code(number), OTHER_DOMAIN if _is_on_other_domain(number) else "")

    def parts(self) -> list[tuple[bytes, ...]]:
        """The link parts that clicks of each rank carry, each as often as it comes; nothing is of rank 0."""
        return [(), *(self._parts(rank) for rank in range(1, self._links + 1))]

    def tagged(self) -> dict[str, Sequence[int]]:
        """The ids of the links of each tag: popular ones and others."""
        sizes = {TAG: TAGGED, "ten": 10, "hundred": 100, "half": self._links // 2}
        return {name: self._sample(min(size, self._links)) for name, size in sizes.items() if size}

    def ids(self, first: int, end: int) -> Sequence[int]:
        """The ids of the ranks from `first` up to but not including `end`."""
        return self._numbers[first - 1 : end - 1]

    def aliased(self) -> Sequence[int]:
        """The ids of the links that have an alias."""
        return [self._numbers[rank - 1] for rank in range(1, self._links + 1) if rank % _ALIAS_EVERY == 0]

    def _sample(self, size: int) -> Sequence[int]:
        """As many ids from all ranks, evenly spread."""
        step = self._links // size
        return self._numbers[step // 2 :: step][:size]

    def _parts(self, rank: int) -> tuple[bytes, ...]:
        number = self._numbers[rank - 1]
        nonce, code = population.nonce(number), population.code(number)
        if rank % _ALIAS_EVERY == 0:
            main, second = (frame.pack_link(number, nonce, each) for each in (code, _ALIAS_PREFIX + code))
        elif rank % _SPLIT_EVERY == 0:
            main, second = (frame.pack_link(number, nonce, code, variant) for variant in ("a", "b"))
        else:
            return (frame.pack_link(number, nonce, code),)
        return (main,) * _MAIN + (second,) * _SECOND


def make(url: str, plan: Plan) -> None:
    """Makes the links of `plan` in a database at `url`, which may be missing or empty. Raises EstateExists."""
    estate = Estate(plan)
    database = opening.ready(url)
    try:
        with database.read() as connection:
            if connection.execute(select(func.count()).select_from(link)).scalar():
                raise EstateExists(f"{database} has links already: give a database that is empty")
        population.make(url, plan.links)
        with database.write() as connection:
            _furnish(connection, estate, period.from_ms(plan.start_ms))
    finally:
        database.close()


def _furnish(connection: Connection, estate: Estate, then: datetime) -> None:
    unhurried(connection)
    domains.add(connection, OTHER_DOMAIN, {}, then)
    elsewhere = case((link.c.id % _OTHER_DOMAIN_EVERY == 0, OTHER_DOMAIN), else_="")
    connection.execute(update(link).values(created_at=then, updated_at=then, domain=elsewhere))
    connection.execute(update(instance).values(created_at=then))
    of_link: dict[int, list[str]] = {}
    for name, ids in estate.tagged().items():
        for link_id in ids:
            of_link.setdefault(link_id, []).append(name)
    for chunk in _chunks(sorted(of_link)):
        tags.set_for_new(connection, {link_id: of_link[link_id] for link_id in chunk})
    for chunk in _chunks(estate.aliased()):
        _add_aliases(connection, chunk)
    if connection.dialect.name == "postgresql":
        # PostgreSQL does so by itself, in its own time. SQLite never does, and would take it that no clicks come.
        connection.execute(text("ANALYZE"))


def _add_aliases(connection: Connection, ids: Sequence[int]) -> None:
    columns = ("nonce", "domain", "created_at", "updated_at")
    code = (_ALIAS_PREFIX + link.c.code).label("code")
    query = select(code, link.c.id, *(link.c[name] for name in columns)).where(link.c.id.in_(ids))
    connection.execute(insert(link).from_select(["code", "alias_of", *columns], query))


def unhurried(connection: Connection) -> None:
    """Lets the statements of this transaction take longer than a server may wait for one."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def _is_on_other_domain(number: int) -> bool:
    return number % _OTHER_DOMAIN_EVERY == 0


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
