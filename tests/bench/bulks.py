"""What it costs to make many links at once."""

import time
from uuid import uuid4

import orjson

from tests.bench import servers
from tests.bench.instance import Instance
from tests.bench.servers import WORKERS
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table

_LINKS = 10_000
TABLE = Table(
    title="Bulk",
    method=f"""One call makes {_LINKS:,} links, each with a tag and a title, with an Idempotency-Key. The CPU is
that of the worker; *more memory* is by how much its peak grows over what it was before the call.""",
    columns=(
        Column("cpu_seconds", "CPU s", 2),
        Column("seconds", "s", 2),
        Column("more_mb", "more memory MB", 1),
    ),
)
ROW = Row(
    TABLE,
    f"{_LINKS:,} links",
    "On SQLite, the second call of a worker; the first one also loads what only calls of the API need.",
    bars=(Bar("cpu_seconds", 1), Bar("more_mb", 50)),
)


def _measure(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        instance.create_many(_body(100), {})
        before, resident, began = server.cpu_seconds(WORKERS), server.memory(WORKERS).rss, time.monotonic()
        instance.create_many(_body(_LINKS), {"Idempotency-Key": str(uuid4())})
        figures = {
            "cpu_seconds": server.cpu_seconds(WORKERS) - before,
            "seconds": time.monotonic() - began,
            "more_mb": server.peak(WORKERS) - resident,
        }
    return [Sample(ROW, figures)]


def _body(count: int) -> bytes:
    return orjson.dumps(
        [
            {"target": f"https://example.com/{number}", "title": f"Number {number}", "tags": [f"t{number % 10}"]}
            for number in range(count)
        ]
    )


SUBJECTS = (Subject("bulk", (), _measure),)
