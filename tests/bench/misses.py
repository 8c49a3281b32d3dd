"""What a redirect costs that the cache does not have, in a large database of each kind."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path

from cachebox import LRUCache

from tests.bench import cpu, population, script, servers
from tests.bench.instance import HeldDrainer
from tests.bench.load import WRK
from tests.bench.script import InTurn, Zipf
from tests.bench.servers import WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, FAILED, LATENCIES, PER_SECOND, RATIO, visit, warm_up
from tests.bench.walk import walk
from tests.postgres import Postgres

TABLE = Table(
    title="Misses",
    method="""A database with 1,000,000 links of random codes, and a worker whose cache of 100,000 holds the most
popular ones (on PostgreSQL a fifth of that at the beginning); visits by one browser to all of them. *Missed* is the
share of visits for which the database was asked, reckoned by sending as many of the same visits through a cache like
the worker's. The CPU is that of the worker, clicks in the spool and the drainer kept waiting; PostgreSQL, which has
the load's core, stands apart.""",
    columns=(
        CPU,
        RATIO,
        Column("missed_percent", "missed", 0, " %"),
        Column("database_us", "PostgreSQL, CPU µs per request", 1),
        PER_SECOND,
        *LATENCIES,
        FAILED,
    ),
    compared=CPU.key,
)
#: How much of the cache is filled before: a worker on PostgreSQL would take a minute for all of it.
_FILLED = {"sqlite": 1.0, "postgresql": 0.2}
_ZIPF = "Links drawn by Zipf (link k with a probability of nearly 1/k): hits and misses mix as in life."
_EVERY = "One unpopular link after the other, none of them twice: there is nothing that a cache could do."
ROWS = {
    ("sqlite", "zipf"): Row(TABLE, "SQLite, by Zipf", _ZIPF, bars=(Bar(CPU.key, 80),)),
    ("sqlite", "in turn"): Row(TABLE, "SQLite, misses only", _EVERY, bars=(Bar(CPU.key, 80),)),
    ("postgresql", "zipf"): Row(TABLE, "PostgreSQL, by Zipf", _ZIPF),
    ("postgresql", "in turn"): Row(TABLE, "PostgreSQL, misses only", _EVERY),
}


class _Model:
    """The worker's cache as it must be: what is asked of the worker is asked of it too."""

    def __init__(self, links: int, size: int) -> None:
        self.links = links
        self._entries: LRUCache[int, bool] = LRUCache(size)
        #: How many visits have been made in turn.
        self._turned = 0

    def fill(self, numbers: range) -> None:
        for number in numbers:
            self._entries.insert(number, True)

    def missed(self, way: str, visits: int) -> float:
        """The share of `visits` that misses, in percent."""
        draws = self._in_turn() if way == "in turn" else self._by_zipf()
        misses = 0
        for number in islice(draws, visits):
            if self._entries.get(number) is None:
                misses += 1
                self._entries.insert(number, True)
        self._turned += visits if way == "in turn" else 0
        return misses / visits * 100

    def next_in_turn(self) -> int:
        """Its number. From the less popular half on, of which hardly a link has been visited by Zipf."""
        return (self.links // 2 + self._turned) % self.links + 1

    def _in_turn(self) -> Iterator[int]:
        return ((number - 1) % self.links + 1 for number in count(self.next_in_turn()))

    def _by_zipf(self) -> Iterator[int]:
        while True:
            yield int(math.exp(random.random() * math.log(self.links + 1)))


def _measure(plan: Plan, engine: str) -> list[Sample]:
    samples: list[Sample] = []
    with servers.directory() as folder, _database(engine, folder, plan) as (url, database_pid):
        population.make(url, plan.links)
        settings = {"SHORTENER_DATABASE_URL": url, servers.CACHED_LINKS: str(plan.cached)}
        with HeldDrainer(folder), servers.shortener(folder, plan.cores.server, settings=settings) as server:
            model = _Model(plan.links, plan.cached)
            # The most popular one last, as it would be.
            filling = range(int(plan.cached * _FILLED[engine]), 0, -1)
            walk(server.url, [f"/{population.code(number)}" for number in filling])
            model.fill(filling)
            for way in ("zipf", "in turn"):
                _warm_up(server, plan, model, way)
                samples += [_sample(server, plan, model, (engine, way), database_pid) for _ in range(plan.samples)]
    return samples


def _warm_up(server: Server, plan: Plan, model: _Model, way: str) -> None:
    if found := warm_up(server, plan, lua=_visits(model, way)):
        model.missed(way, found.requests)


def _sample(server: Server, plan: Plan, model: _Model, key: tuple[str, str], database_pid: int | None) -> Sample:
    _, way = key
    before = _tree_seconds(database_pid)
    found = visit(server, plan, lua=_visits(model, way), processes=WORKERS)
    figures = {**found.figures(), "missed_percent": model.missed(way, found.load.requests)}
    if database_pid is not None:
        figures["database_us"] = (_tree_seconds(database_pid) - before) / found.load.requests * 1e6
    return Sample(ROWS[key], figures)


def _visits(model: _Model, way: str) -> str:
    return script.visits(InTurn(model.links, model.next_in_turn()) if way == "in turn" else Zipf(model.links))


def _tree_seconds(pid: int | None) -> float:
    return sum(map(cpu.cpu_seconds, cpu.process_tree(pid))) if pid is not None else 0.0


@contextmanager
def _database(engine: str, folder: Path, plan: Plan) -> Iterator[tuple[str, int | None]]:
    """The address of an empty database, and the process of its server, if it has one."""
    if engine == "sqlite":
        yield servers.database_url(folder), None
        return
    with cpu.pinned(plan.cores.load):
        postgres = Postgres()
    try:
        pid = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield postgres.url(postgres.create()), pid
    finally:
        postgres.stop()


SUBJECTS = (
    Subject("miss: SQLite", (WRK,), partial(_measure, engine="sqlite"), once=True),
    Subject("miss: PostgreSQL", (WRK,), partial(_measure, engine="postgresql"), once=True),
)
