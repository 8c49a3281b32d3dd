"""A scan: millions of codes that no link has, among them visits to some links, which must not suffer."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench import cpu, load, population, progress, script, servers
from tests.bench.instance import Instance
from tests.bench.load import WRK, Load
from tests.bench.script import InTurn, Scan
from tests.bench.servers import WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, LOST, PER_SECOND, lost_percent
from tests.bench.walk import walk

#: Links that are visited among the unknown codes, and how often: each comes again after a million unknown ones.
LINKS, EVERY = 10_000, 100

TABLE = Table(
    title="Scan",
    method=f"""Requests with a browser's headers, each for another code that no link has, but for every {EVERY}th,
which visits one of {LINKS:,} links in turn. Two workers answer, each on a core of its own, with the load
floating over both; the drainer counts. The CPU is that of the workers; memory is that of the worker that has grown
more, from when it had all links in its cache to the end. *Known links* are visited exactly once each by a single
connection to each worker: for the first time, when they are cached, and when the scan is over. As long as the last
two are alike, the scan has pushed none out. *Clicks lost* compares the visits to links that were answered with the
clicks in the statistics.""",
    columns=(
        Column("requests", "requests"),
        CPU,
        PER_SECOND,
        Column("grown_mib", "RSS grew by MiB", 1),
        Column("first_us", "known links: CPU µs, first time", 1),
        Column("cached_us", "cached", 1),
        Column("after_us", "after the scan", 1),
        LOST,
    ),
)
ROW = Row(
    TABLE,
    "shortener, a scan",
    "Each unknown code is looked up in the database and answered with a page; at most 50 a second are recorded.",
    bars=(Bar("grown_mib", 64), Bar(LOST.key, 0)),
)
#: Which part of the visits to links wrk sees answered at least: when a load ends it forgets those in flight.
_ALL_BUT_THOSE_IN_FLIGHT = 0.98
#: A MiB in MB.
_MIB = 2**20 / 1e6


class LinkNotFound(Exception):
    """Links that exist were answered as if they did not."""


def _measure(plan: Plan) -> list[Sample]:
    with servers.directory() as folder:
        population.make(servers.database_url(folder), LINKS)
        with servers.shortener(folder, plan.cores.server, workers=2) as server, Instance(server.url) as instance:
            workers = cpu.named(server.pid, WORKERS)
            for pid, core in zip(workers, (plan.cores.server, plan.cores.load), strict=True):
                cpu.move(pid, core)
            first, cached = _visit_known(server, workers), _visit_known(server, workers)
            progress.wait_until_still(folder)
            start = instance.counts()
            memory = [cpu.memory(pid).rss for pid in workers]
            figures, known = _scan(server, plan)
            grown = max(cpu.memory(pid).rss - before for pid, before in zip(workers, memory, strict=True))
            progress.wait_until_still(folder)
            end = instance.counts()
            figures |= {"first_us": first, "cached_us": cached, "after_us": _visit_known(server, workers)}
    answered = max(known, end.redirects - start.redirects)
    lost = lost_percent(answered, end.clicks - start.clicks)
    return [Sample(ROW, {**figures, "grown_mib": max(grown, 0.0) / _MIB, LOST.key: lost})]


def _scan(server: Server, plan: Plan) -> tuple[dict[str, float], int]:
    """Its figures, and how many visits to links were answered."""
    before = server.cpu_seconds(WORKERS)
    slices: list[Load] = []
    while (done := sum(each.requests for each in slices)) < plan.scan:
        sent = script.visits(Scan(f"n{len(slices)}-", EVERY, InTurn(LINKS, done // EVERY % LINKS + 1)))
        slices.append(load.put(server.url, core=None, seconds=plan.seconds, script=sent))
    spent = server.cpu_seconds(WORKERS) - before
    known, seconds = done - sum(each.refused for each in slices), sum(each.seconds for each in slices)
    if known < (done // EVERY - len(slices)) * _ALL_BUT_THOSE_IN_FLIGHT:
        raise LinkNotFound(f"{done:,} requests, and only {known:,} redirects")
    return {"requests": done, CPU.key: spent / done * 1e6, PER_SECOND.key: done / seconds}, known


def _visit_known(server: Server, workers: list[int]) -> float:
    """Visits every known link once at each of `workers`; the CPU microseconds that a visit took."""
    paths = [f"/{population.code(number)}" for number in range(1, LINKS + 1)]
    before = server.cpu_seconds(WORKERS)
    for pid in workers:
        with _stopped([other for other in workers if other != pid]):
            walk(server.url, paths)
    return (server.cpu_seconds(WORKERS) - before) / len(paths) / len(workers) * 1e6


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    """These processes do nothing for the moment, and so take no connection."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


SUBJECTS = (Subject("scan", (WRK,), _measure, once=True),)
