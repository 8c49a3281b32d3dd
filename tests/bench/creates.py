"""What it costs to make a link over the API, by one caller and by sixteen at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tests.bench import load, servers
from tests.bench.instance import AUTHORIZED
from tests.bench.load import WRK
from tests.bench.servers import Server
from tests.bench.subject import Column, Plan, Row, Sample, Subject, Table

TABLE = Table(
    title="Creating links",
    method="""A program with an API key makes links, each to another target, with generated codes: one after the
other on a kept-open connection, and on sixteen at once. Each is committed to the disk before it is answered, so that
the times are the disk's as much as ours.""",
    columns=(
        Column("cpu_us", "CPU µs per link"),
        Column("per_second", "links/s"),
        Column("p50_ms", "p50 ms", 1),
        Column("p99_ms", "p99 ms", 1),
        Column("failed_percent", "failed", 1, " %"),
    ),
)
#: How many callers share one process in a small company's scripts, and half of anyio's forty threads.
_AT_ONCE = 16

#: Each link leads elsewhere, as in life; the wrk that runs this has one thread, so that the number is unique.
_REQUESTS_IN_LUA = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("POST", nil, nil, '{"target": "https://example.com/articles/' .. number .. '?from=bench"}')
end
"""
_HEADERS = {**AUTHORIZED, "Content-Type": "application/json", "Accept": "application/json"}

_Start = Callable[[Path, int], AbstractContextManager[Server]]


def _measure(plan: Plan, *, row: Row, start: _Start, path: str, connections: int) -> list[Sample]:
    with servers.directory() as folder, start(folder, plan.cores.server) as server:
        put = partial(
            load.put,
            server.url + path,
            core=plan.cores.load,
            connections=connections,
            headers=_HEADERS,
            script=_REQUESTS_IN_LUA,
        )
        if plan.warm_up:
            put(seconds=plan.warm_up)
        before = server.cpu_seconds()
        found = put(seconds=plan.seconds)
        spent = server.cpu_seconds() - before
    figures = {
        "cpu_us": spent / found.requests * 1e6,
        "per_second": found.per_second,
        "p50_ms": found.p50_ms,
        "p99_ms": found.p99_ms,
        "failed_percent": (found.refused + found.broken) / found.requests * 100,
    }
    return [Sample(row, figures)]


def _subject(name: str, start: _Start, path: str, connections: int, meaning: str) -> Subject:
    callers = "1 caller" if connections == 1 else f"{connections} callers"
    row = Row(TABLE, f"{name}, {callers}", meaning)
    measure = partial(_measure, row=row, start=start, path=path, connections=connections)
    return Subject(f"create: {row.name}", (WRK,), measure)


_SHORTENER = "Key checked, target checked, code made, link and change written in one transaction."
_TUTORIAL = "No key, no checks: one row."

SUBJECTS = tuple(
    _subject(name, start, path, connections, meaning)
    for name, start, path, meaning in (
        ("shortener", servers.shortener, "/api/v1/links", _SHORTENER),
        ("tutorial app", servers.tutorial, "/links", _TUTORIAL),
    )
    for connections in (1, _AT_ONCE)
)
