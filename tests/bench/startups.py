"""How long a server takes to start, and what it needs while nobody asks it for anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx2

from tests.bench import servers
from tests.bench.instance import CODE, Instance
from tests.bench.servers import TARGET, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table

TABLE = Table(
    title="Start and rest",
    method="""From starting the command, on a database that has the present schema and holds the link, to the answer
of its first redirect; then the same server at rest. All its processes run on one core. Memory is that of all of them
in MB of 10^6 bytes: *RSS* counts what they share in each, *PSS* once.""",
    columns=(
        Column("start_ms", "first redirect after ms"),
        Column("start_cpu_ms", "CPU ms until then"),
        Column("rss_mb", "RSS MB"),
        Column("pss_mb", "PSS MB"),
        Column("idle_ms", "CPU ms per second at rest", 1),
    ),
)
_AT_REST = "at rest its workers follow the database's changes and its drainer looks for clicks."
SHORTENER = {
    1: Row(
        TABLE, "shortener, 1 worker", f"Supervisor, worker and drainer; {_AT_REST}", bars=(Bar("start_ms", 1500),)
    ),
    2: Row(TABLE, "shortener, 2 workers", f"And one worker more; {_AT_REST}", bars=(Bar("start_ms", 3000),)),
}
TUTORIAL = Row(TABLE, "tutorial app", "The same interpreter and framework without anything else.")


def _measure_shortener(plan: Plan, workers: int) -> list[Sample]:
    with servers.directory() as folder:
        with servers.shortener(folder, plan.cores.server) as server, Instance(server.url) as instance:
            instance.create_link()
        with servers.shortener(folder, plan.cores.server, first=f"/{CODE}", workers=workers) as server:
            return [Sample(SHORTENER[workers], _figures(server, plan))]


def _measure_tutorial(plan: Plan) -> list[Sample]:
    with servers.directory() as folder:
        with servers.tutorial(folder, plan.cores.server) as server, _client(server) as client:
            code = client.post("/links", json={"target": TARGET}).raise_for_status().json()["code"]
        with servers.tutorial(folder, plan.cores.server, first=f"/{code}") as server:
            return [Sample(TUTORIAL, _figures(server, plan))]


def _figures(server: Server, plan: Plan) -> dict[str, float]:
    start_cpu = server.cpu_seconds()
    # What a start leaves to be done (the first click is drained and folded) is not rest.
    time.sleep(plan.warm_up)
    before, began = server.cpu_seconds(), time.monotonic()
    time.sleep(plan.seconds)
    idle = (server.cpu_seconds() - before) / (time.monotonic() - began)
    used = server.memory()
    return {
        "start_ms": server.started_in * 1000,
        "start_cpu_ms": start_cpu * 1000,
        "rss_mb": used.rss,
        "pss_mb": used.pss,
        "idle_ms": idle * 1000,
    }


@contextmanager
def _client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, trust_env=False) as client:
        yield client


SUBJECTS = (
    Subject("start: shortener, 1 worker", (), partial(_measure_shortener, workers=1)),
    Subject("start: shortener, 2 workers", (), partial(_measure_shortener, workers=2)),
    Subject("start: tutorial app", (), _measure_tutorial),
)
