"""What a redirect costs whoever answers: nginx, the shortener's worker, its routes, the tutorial's app."""

import httpx2

from tests.bench import servers
from tests.bench.instance import CODE, HeldDrainer, Instance
from tests.bench.load import CONNECTIONS, WRK
from tests.bench.servers import NGINX, TARGET, WORKERS
from tests.bench.subject import Bar, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, FAILED, LATENCIES, LOST, PER_SECOND, RATIO, lost_percent, visit, warm_up

TABLE = Table(
    title="Redirects",
    method=f"""One visitor with a browser's nine headers follows one link over {CONNECTIONS} kept-open connections,
each as fast as it is answered. The CPU is that of the process that answers. *To nginx* divides it by that of nginx in
the same round. *Clicks lost* compares the clicks in the statistics with the redirects that were answered.""",
    columns=(CPU, RATIO, PER_SECOND, *LATENCIES, FAILED, LOST),
    compared=CPU.key,
)

STATIC = Row(TABLE, "nginx, static", "`return 302` from the configuration, no log: counts nothing.", yardstick=True)
WORKER = Row(
    TABLE,
    "shortener, worker",
    "`worker-1` of `shortener serve`, durability `process`: link found, click written to the spool, answered by the"
    " edge. The drainer is kept waiting; what it does is in the next table.",
    bars=(Bar(RATIO.key, 2.2),),
)
SPREAD = Row(
    TABLE,
    "shortener, worker, many",
    "The same worker, visited by the 1,000 visitors of the next table, each asking for any of many links.",
)
ROUTE = Row(
    TABLE,
    "shortener, FastAPI route",
    "The same application without the edge, under `uvicorn --factory shortener.app:create_app`: the same link, the"
    " same click in the spool, by routing, middleware and `RedirectResponse`.",
)
TUTORIAL = Row(
    TABLE,
    "tutorial app",
    "FastAPI and SQLModel as introductions have it (`tests/bench/tutorial.py`): a counter read, raised and"
    " written back in the request, SQLite's defaults.",
)
UNKNOWN = Row(
    TABLE,
    "shortener, unknown code",
    "The worker: one code that no link has, again and again; status 404 with a page for people. At most 50 of these"
    " a second are recorded.",
)


def _measure_static(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, servers.nginx(folder, plan.cores.server) as server:
        warm_up(server, plan, f"/{CODE}")
        return [Sample(STATIC, visit(server, plan, f"/{CODE}").figures())]


def _measure_worker(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        HeldDrainer(folder),
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        instance.create_link()
        warm_up(server, plan, f"/{CODE}")
        found = visit(server, plan, f"/{CODE}", processes=WORKERS)
        warm_up(server, plan, "/unknown")
        unknown = visit(server, plan, "/unknown", processes=WORKERS)
    as_found = unknown.load.requests - unknown.load.refused
    return [Sample(WORKER, found.figures()), Sample(UNKNOWN, unknown.figures(refused=as_found))]


def _measure_route(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, HeldDrainer(folder):
        with servers.shortener(folder, plan.cores.server) as server, Instance(server.url) as instance:
            instance.create_link()
        with servers.routes(folder, plan.cores.server) as server:
            warm_up(server, plan, f"/{CODE}")
            return [Sample(ROUTE, visit(server, plan, f"/{CODE}").figures())]


def _measure_tutorial(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.tutorial(folder, plan.cores.server) as server,
        httpx2.Client(base_url=server.url, trust_env=False) as client,
    ):
        code = client.post("/links", json={"target": TARGET}).raise_for_status().json()["code"]
        warm_up(server, plan, f"/{code}")
        before = client.get(f"/links/{code}").json()["clicks"]
        found = visit(server, plan, f"/{code}")
        counted = client.get(f"/links/{code}").json()["clicks"] - before
    lost = lost_percent(found.load.requests - found.load.refused, counted)
    return [Sample(TUTORIAL, {**found.figures(), LOST.key: lost})]


SUBJECTS = (
    Subject("redirect: nginx", (WRK, NGINX), _measure_static),
    Subject("redirect: shortener, worker", (WRK,), _measure_worker),
    Subject("redirect: shortener, route", (WRK,), _measure_route),
    Subject("redirect: tutorial app", (WRK,), _measure_tutorial),
)
