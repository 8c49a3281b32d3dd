"""What a counted click costs in all, until it stands in every breakdown: the worker, the drainer, whoever else."""

from pathlib import Path

from tests.bench import population, progress, script, servers
from tests.bench.instance import CODE, Counts, Instance
from tests.bench.load import WRK
from tests.bench.script import EVERYBODY, Zipf
from tests.bench.servers import DRAINER, WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import FAILED, LOST, PER_SECOND, RATIO, lost_percent, visit, warm_up

#: The links that the crowd visits.
LINKS = 10_000

TABLE = Table(
    title="Counted clicks",
    method="""The same load with everything running on one core: the worker answers, the drainer moves clicks from the
spool into the tables and folds them into the breakdowns, the supervisor watches. The CPU is taken from the beginning
of the load until every click stands in every breakdown, and divided by the clicks that stand there. *While the load
lasts* is the worker's during the load only: the drainer beside it takes the core and its caches in turn. *To nginx*
divides everything by nginx's CPU for a redirect in the same round, which counts nothing.""",
    columns=(
        Column("all_us", "everything, CPU µs per click", 1),
        RATIO,
        Column("worker_us", "worker", 1),
        Column("drainer_us", "drainer, folding included", 1),
        Column("other_us", "supervisor", 1),
        Column("serving_us", "worker while the load lasts", 1),
        PER_SECOND,
        FAILED,
        LOST,
    ),
    compared="all_us",
)
HOT = Row(TABLE, "one visitor, one link", "The load of the table above.", bars=(Bar("all_us", 60),))
#: Those who are about at the same time.
VISITORS = 1_000
SPREAD = Row(
    TABLE,
    f"{VISITORS:,} visitors, {LINKS:,} links",
    f"Clicks on {LINKS:,} links by Zipf (link k with a probability of nearly 1/k), by {VISITORS:,} visitors from all"
    " over IPv4 with the 400 commonest browsers by their shares. The load stands for a trusted proxy and says in"
    " X-Forwarded-For, a tenth header, who the visitor is.",
    bars=(Bar("all_us", 80),),
)
CROWD = Row(
    TABLE,
    f"a crowd, {LINKS:,} links",
    f"The same, but nearly every click by another visitor ({EVERYBODY:,} of them): nothing about one is at hand, and"
    " all are unique.",
)


class StatisticsDisagree(Exception):
    """Two answers of the statistics that must be equal are not."""


def _measure_hot(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        instance.create_link()
        warm_up(server, plan, f"/{CODE}")
        figures = _until_counted(folder, server, plan, f"/{CODE}")
        # One link: its own statistics and those of all links are two ways to the same number.
        if (of_link := instance.clicks(CODE)) != (of_all := instance.clicks()):
            raise StatisticsDisagree(f"{of_link} clicks on the only link, {of_all} on all links")
    return [Sample(HOT, figures)]


def _measure_spread(plan: Plan) -> list[Sample]:
    return _measure_many(plan, SPREAD, VISITORS)


def _measure_crowd(plan: Plan) -> list[Sample]:
    return _measure_many(plan, CROWD, EVERYBODY)


def _measure_many(plan: Plan, row: Row, visitors: int) -> list[Sample]:
    sent = script.visits(Zipf(LINKS), visitors=visitors)
    with servers.directory() as folder:
        population.make(servers.database_url(folder), LINKS)
        with servers.shortener(folder, plan.cores.server, settings=script.CROWD_SETTINGS) as server:
            warm_up(server, plan, lua=script.visits(Zipf(LINKS), visitors=visitors))
            return [Sample(row, _until_counted(folder, server, plan, lua=sent))]


def _until_counted(folder: Path, server: Server, plan: Plan, path: str = "", *, lua: str = "") -> dict[str, float]:
    start = _counts(folder, server)
    before = _spent(server)
    found = visit(server, plan, path, lua=lua, processes=WORKERS)
    progress.wait_until_still(folder)
    after = _spent(server)
    end = _counts(folder, server)
    clicks = end.clicks - start.clicks
    everything, worker, drainer = ((late - early) / clicks * 1e6 for late, early in zip(after, before, strict=True))
    return {
        "all_us": everything,
        "worker_us": worker,
        "drainer_us": drainer,
        "other_us": max(everything - worker - drainer, 0.0),
        "serving_us": found.cpu_seconds / found.load.requests * 1e6,
        PER_SECOND.key: found.load.per_second,
        FAILED.key: found.figures()[FAILED.key],
        LOST.key: lost_percent(max(end.redirects - start.redirects, found.load.requests), clicks),
    }


def _counts(folder: Path, server: Server) -> Counts:
    progress.wait_until_still(folder)
    with Instance(server.url) as instance:
        return instance.counts()


def _spent(server: Server) -> tuple[float, float, float]:
    return server.cpu_seconds(), server.cpu_seconds(WORKERS), server.cpu_seconds(DRAINER)


SUBJECTS = (
    Subject("counted: one link", (WRK,), _measure_hot),
    Subject("counted: spread", (WRK,), _measure_spread),
    Subject("counted: crowd", (WRK,), _measure_crowd),
)
