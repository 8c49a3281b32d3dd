"""How much memory the processes of a server keep, empty and with a full cache."""

from tests.bench import population, script, servers
from tests.bench.counting import VISITORS
from tests.bench.load import WRK
from tests.bench.script import Zipf
from tests.bench.servers import DRAINER, WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import visit
from tests.bench.walk import walk

TABLE = Table(
    title="Memory",
    method="""Of each process of `shortener serve` with one worker, in MB of 10^6 bytes: *RSS* with the pages that it
shares with the others, *PSS* with its part of them.""",
    columns=(
        Column("rss_mb", "RSS MB", 1),
        Column("pss_mb", "PSS MB", 1),
    ),
)
EMPTY = Row(TABLE, "worker, empty", "After its first redirect.")
FULL = Row(
    TABLE,
    "worker, 100,000 links cached",
    "After each of them was visited once, and then by 1,000 visitors for the seconds of a load.",
    bars=(Bar("rss_mb", 110),),
)
DRAINING = Row(TABLE, "drainer, beside it", "While it drains and folds these clicks.")
SUPERVISING = Row(TABLE, "supervisor", "It only waits.")


def _measure(plan: Plan) -> list[Sample]:
    with servers.directory() as folder:
        population.make(servers.database_url(folder), plan.cached)
        paths = [f"/{population.code(number)}" for number in range(1, plan.cached + 1)]
        settings = {**script.CROWD_SETTINGS, servers.CACHED_LINKS: str(plan.cached)}
        with servers.shortener(folder, plan.cores.server, first=paths[0], settings=settings) as server:
            empty = _sample(EMPTY, server, WORKERS)
            walk(server.url, paths)
            visit(server, plan, lua=script.visits(Zipf(plan.cached), visitors=VISITORS))
            return [
                empty,
                _sample(FULL, server, WORKERS),
                _sample(DRAINING, server, DRAINER),
                _sample(SUPERVISING, server, "shortener"),
            ]


def _sample(row: Row, server: Server, processes: str) -> Sample:
    used = server.memory(processes)
    return Sample(row, {"rss_mb": used.rss, "pss_mb": used.pss})


SUBJECTS = (Subject("memory", (WRK,), _measure, once=True),)
