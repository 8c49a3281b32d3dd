"""How fast the drainer works: a backlog of clicks, until they are in the tables and in the breakdowns."""

from tests.bench import population, progress, redirects, script, servers
from tests.bench.counting import LINKS, VISITORS
from tests.bench.instance import HeldDrainer, Instance
from tests.bench.load import WRK
from tests.bench.script import Zipf
from tests.bench.servers import DRAINER, WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import Visited, visit

TABLE = Table(
    title="Drain",
    method="""At least 200,000 clicks wait in the spool; then the drainer is let in, alone on its core. *Clicks/s* are
those that are drained, enriched and folded per second of the clock, waiting for the disk included, until all are
drained and less than a step of folding is left. The CPU is the drainer's until everything is folded.""",
    columns=(
        Column("per_second", "clicks/s"),
        Column("cpu_us", "CPU µs per click", 1),
    ),
)
ROW = Row(
    TABLE,
    f"SQLite, {VISITORS:,} visitors, {LINKS:,} links",
    "The clicks are those of the table above.",
    bars=(Bar("per_second", 15_000, at_least=True),),
)


def _measure(plan: Plan) -> list[Sample]:
    with servers.directory() as folder:
        population.make(servers.database_url(folder), LINKS)
        with (
            HeldDrainer(folder) as held,
            servers.shortener(folder, plan.cores.server, settings=script.CROWD_SETTINGS) as server,
        ):
            spooled = _spool(server, plan)
            before = server.cpu_seconds(DRAINER)
            held.release()
            per_second = progress.rate(folder, sum(each.load.requests for each in spooled))
            progress.wait_until_still(folder)
            spent = server.cpu_seconds(DRAINER) - before
            with Instance(server.url) as instance:
                clicks = instance.clicks()
    return [
        *(Sample(redirects.SPREAD, each.figures()) for each in spooled),
        Sample(ROW, {"per_second": per_second, "cpu_us": spent / clicks * 1e6}),
    ]


def _spool(server: Server, plan: Plan) -> list[Visited]:
    """Puts clicks into the spool, as many loads of them as it takes."""
    found: list[Visited] = []
    while sum(each.load.requests for each in found) < plan.backlog:
        found.append(visit(server, plan, lua=script.visits(Zipf(LINKS), visitors=VISITORS), processes=WORKERS))
    return found


SUBJECTS = (Subject("drain", (WRK,), _measure),)
