"""How long a server takes to start, and what it needs while nobody asks it for anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tests.bench import cpu, servers
from tests.bench.instance import CODE, Instance
from tests.bench.servers import TARGET, Server
from tests.bench.subject import Column, Plan, Row, Sample, Subject, Table

TABLE = Table(
    title="Start and rest",
    method="""From starting the process, on a database that holds the link already, to the answer of its first
redirect; then the same server at rest. Memory is that of all its processes: *RSS* counts what they share in each,
*PSS* once.""",
    columns=(
        Column("start_ms", "first redirect after ms"),
        Column("start_cpu_ms", "CPU ms until then"),
        Column("rss_mib", "RSS MiB"),
        Column("pss_mib", "PSS MiB"),
        Column("idle_ms", "CPU ms per second at rest", 1),
    ),
)
SHORTENER = Row(TABLE, "shortener", "`shortener serve`; at rest its drainer looks for clicks five times a second.")
TUTORIAL = Row(TABLE, "tutorial app", "The same interpreter and framework without anything else.")


def _measure_shortener(plan: Plan) -> list[Sample]:
    with servers.directory() as folder:
        with servers.shortener(folder, plan.cores.server) as server, Instance(server.url) as instance:
            instance.create_link()
        with servers.shortener(folder, plan.cores.server, first=f"/{CODE}") as server:
            return [Sample(SHORTENER, _figures(server, plan))]


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
    used = cpu.memory(server.pid)
    return {
        "start_ms": server.started_in * 1000,
        "start_cpu_ms": start_cpu * 1000,
        "rss_mib": used.rss,
        "pss_mib": used.pss,
        "idle_ms": idle * 1000,
    }


@contextmanager
def _client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, trust_env=False) as client:
        yield client


SUBJECTS = (
    Subject("start: shortener", (), _measure_shortener),
    Subject("start: tutorial app", (), _measure_tutorial),
)
