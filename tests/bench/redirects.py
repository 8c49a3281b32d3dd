"""What a redirect costs: nginx, the shortener in parts and as a whole, an unknown code, and the tutorial's app."""

import httpx2

from tests.bench import crowd, load, servers
from tests.bench.instance import CODE, HeldDrainer, Instance
from tests.bench.load import CONNECTIONS, WRK, Load
from tests.bench.servers import NGINX, TARGET, Server
from tests.bench.subject import Column, Plan, Row, Sample, Subject, Table

TABLE = Table(
    title="Redirects",
    method=f"""One visitor with a browser's nine headers follows one link over {CONNECTIONS} kept-open connections,
each as fast as it is answered. *To nginx* divides the CPU by that of nginx in the same round. *Clicks lost* compares
the clicks in the statistics with the redirects that were answered.""",
    columns=(
        Column("cpu_us", "CPU µs per request", 1),
        Column("ratio", "to nginx", 1, "×"),
        Column("per_second", "requests/s"),
        Column("p50_ms", "p50 ms", 1),
        Column("p99_ms", "p99 ms", 1),
        Column("failed_percent", "failed", 1, " %"),
        Column("lost_percent", "clicks lost", 1, " %"),
    ),
    compared="cpu_us",
)

STATIC = Row(TABLE, "nginx, static", "`return 302` from the configuration, no log: counts nothing.", yardstick=True)
SPOOLED = Row(
    TABLE,
    "shortener, click in the spool",
    "The request alone: link found, click written to the spool, answered. The drainer is kept waiting.",
)
DRAINED = Row(
    TABLE,
    "shortener, drain and fold",
    "What is done afterwards, per click: from the spool into the tables, and into every breakdown.",
)
SERVING = Row(
    TABLE,
    "shortener, as it runs",
    "The drainer works beside the requests. It is a thread of the same process now, so its CPU during the load is"
    " in the figure, and it takes requests per second from the visitors.",
)
ALL_IN = Row(
    TABLE,
    "shortener, all in",
    "The same run until every click is in every statistic: everything that a counted redirect costs.",
)
CROWD_SERVING = Row(
    TABLE,
    "shortener, a crowd, as it runs",
    f"Each request from another address, with one of the 400 commonest browsers, to one of {crowd.LINKS} links; the"
    " load stands for a trusted proxy and sends X-Forwarded-For as a tenth header.",
)
CROWD_ALL_IN = Row(
    TABLE, "shortener, a crowd, all in", "The same run until every click is in every statistic: all are unique."
)
UNKNOWN = Row(
    TABLE,
    "shortener, unknown code",
    "Status 404 with a page for people, as a scanner gets it; at most 50 of these a second are recorded.",
)
TUTORIAL = Row(
    TABLE,
    "tutorial app",
    "FastAPI and SQLModel as introductions have it (`tests/bench/tutorial.py`): a counter read, raised and"
    " written back in the request, SQLite's defaults.",
)


class StatisticsDisagree(Exception):
    """Two answers of the statistics that must be equal are not."""


def _figures(found: Load, cpu_seconds: float, *, failed: int | None = None) -> dict[str, float]:
    """The figures of a load; `failed` are the answers that should have been others, by default all from 400 on."""
    failed = (found.refused if failed is None else failed) + found.broken
    return {
        "cpu_us": cpu_seconds / found.requests * 1e6,
        "per_second": found.per_second,
        "p50_ms": found.p50_ms,
        "p99_ms": found.p99_ms,
        "failed_percent": failed / found.requests * 100,
    }


def _visit(server: Server, path: str, plan: Plan, script: str = "") -> tuple[Load, float]:
    """A load on `path`, and the CPU seconds that the server spent on it."""
    before = server.cpu_seconds()
    found = load.put(server.url + path, core=plan.cores.load, seconds=plan.seconds, script=script)
    return found, server.cpu_seconds() - before


def _warm_up(server: Server, path: str, plan: Plan, script: str = "") -> None:
    if plan.warm_up:
        load.put(server.url + path, core=plan.cores.load, seconds=plan.warm_up, script=script)


def _measure_static(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, servers.nginx(folder, plan.cores.server) as server:
        _warm_up(server, f"/{CODE}", plan)
        return [Sample(STATIC, _figures(*_visit(server, f"/{CODE}", plan)))]


def _measure_serving(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        instance.create_link()
        _warm_up(server, f"/{CODE}", plan)
        samples = _until_counted(server, instance, plan, SERVING, ALL_IN)
        # One link: its own statistics and those of all links are two ways to the same number.
        if (of_link := instance.clicks(CODE)) != (of_all := instance.clicks()):
            raise StatisticsDisagree(f"{of_link} clicks on the only link, {of_all} on all links")
    return samples


def _measure_crowd(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.shortener(folder, plan.cores.server, settings=crowd.SETTINGS) as server,
        Instance(server.url) as instance,
    ):
        for code in crowd.codes():
            instance.create_link(code)
        _warm_up(server, "", plan, crowd.requests_in_lua())
        return _until_counted(server, instance, plan, CROWD_SERVING, CROWD_ALL_IN, crowd.requests_in_lua())


def _until_counted(
    server: Server, instance: Instance, plan: Plan, serving_row: Row, all_in_row: Row, script: str = ""
) -> list[Sample]:
    """Samples of the two rows: what the load cost while it lasted, and until all of it was in the statistics."""
    start = instance.settle()
    before = server.cpu_seconds()
    found, serving = _visit(server, "" if script else f"/{CODE}", plan, script)
    end = instance.settle()
    everything = server.cpu_seconds() - before
    clicks = end.clicks - start.clicks
    lost = _lost_percent(max(end.redirects - start.redirects, found.requests), clicks)
    return [
        Sample(serving_row, {**_figures(found, serving), "lost_percent": lost}),
        Sample(all_in_row, {"cpu_us": everything / clicks * 1e6, "lost_percent": lost}),
    ]


def _measure_spooled(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        HeldDrainer(folder) as held,
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        instance.create_link()
        _warm_up(server, f"/{CODE}", plan)
        found, serving = _visit(server, f"/{CODE}", plan)
        before = server.cpu_seconds()
        held.release()
        end = instance.settle()
        draining = server.cpu_seconds() - before
    return [
        Sample(SPOOLED, _figures(found, serving)),
        Sample(DRAINED, {"cpu_us": draining / end.clicks * 1e6}),
    ]


def _measure_unknown(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, servers.shortener(folder, plan.cores.server) as server:
        _warm_up(server, "/unknown", plan)
        found, spent = _visit(server, "/unknown", plan)
    return [Sample(UNKNOWN, _figures(found, spent, failed=found.requests - found.refused))]


def _measure_tutorial(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.tutorial(folder, plan.cores.server) as server,
        httpx2.Client(base_url=server.url, trust_env=False) as client,
    ):
        code = client.post("/links", json={"target": TARGET}).raise_for_status().json()["code"]
        _warm_up(server, f"/{code}", plan)
        before = client.get(f"/links/{code}").json()["clicks"]
        found, spent = _visit(server, f"/{code}", plan)
        counted = client.get(f"/links/{code}").json()["clicks"] - before
    redirects = found.requests - found.refused
    return [Sample(TUTORIAL, {**_figures(found, spent), "lost_percent": _lost_percent(redirects, counted)})]


def _lost_percent(redirects: int, clicks: int) -> float:
    """Which part of the redirects is no click. More clicks than redirects: wrk forgets those in flight at its end."""
    return max(redirects - clicks, 0) / redirects * 100


SUBJECTS = (
    Subject("redirect: nginx", (WRK, NGINX), _measure_static),
    Subject("redirect: shortener, spool only", (WRK,), _measure_spooled),
    Subject("redirect: shortener", (WRK,), _measure_serving),
    Subject("redirect: shortener, crowd", (WRK,), _measure_crowd),
    Subject("redirect: unknown code", (WRK,), _measure_unknown),
    Subject("redirect: tutorial app", (WRK,), _measure_tutorial),
)
