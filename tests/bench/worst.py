"""The cost of the dearest visits that a stranger can make to the dearest links that the API admits."""

import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shortener.domain.condition import TYPES
from shortener.domain.placeholder import MAX_COUNT
from shortener.domain.query import MAX_PARAMETERS
from shortener.domain.rule import MAX_CONDITIONS, MAX_RULES
from tests.bench import servers
from tests.bench.instance import HeldDrainer, Instance
from tests.bench.load import BROWSER
from tests.bench.servers import TARGET, WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table

_MS = Column("cpu_ms", "CPU ms per request", 2)
#: The dearest of them all.
_BAR = Bar(_MS.key, 5.0)
TABLE = Table(
    title="Worst visits",
    method="""Links as large as the API admits, each visited by requests that are as large as the server admits, one
after the other over one connection. The CPU is that of the worker that answers.""",
    columns=(_MS,),
)
#: Requests between two looks at the clock.
_TOGETHER = 20
_E = "https://example.com"
#: Bytes of a query, so that with the code it stays within a request target of 16 KiB.
_MOST_QUERY = 16 * 1024 - 64
_PARAMETER = _MOST_QUERY // MAX_PARAMETERS - 1


def _parameters(name: str, value: str) -> str:
    """As many parameters as there may be, each filled with `value` up to its part of the query."""
    filled = value * (_PARAMETER // len(value))
    return "&".join(f"{name}={filled}"[:_PARAMETER] for _ in range(MAX_PARAMETERS))


def _rules(*conditions: Mapping[str, str]) -> list[dict[str, Any]]:
    """As many rules as there may be, all of whose conditions hold but for the last one."""
    *holding, failing = conditions
    several = [*(holding[number % len(holding)] for number in range(MAX_CONDITIONS - 1)), failing]
    return [{"conditions": several, "target": _E} for _ in range(MAX_RULES)]


@dataclass(frozen=True, slots=True)
class _Case:
    """A link and a visit to it."""

    name: str
    meaning: str
    link: Mapping[str, Any]
    #: Behind the code, as it is sent.
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def row(self) -> Row:
        return Row(TABLE, self.name, self.meaning, bars=(_BAR,))


_ASKED = {"type": "any-value-query-param", "key": "a"}
_OTHER = {"type": "query-param", "key": "a", "value": "b"}
_NEVER = {"type": "after-date", "value": "2099-01-01T00:00:00Z"}
CASES = (
    _Case(
        "rules about the query",
        "50 rules of 20 conditions each, all of which must be tried; 256 parameters, percent-encoded.",
        {"rules": _rules(_ASKED, _OTHER)},
        _parameters("a", "%41"),
    ),
    _Case(
        "rules about everything else",
        "1,000 conditions on hours, referrer, language and class, and as many headers as fit.",
        {
            "rules": _rules(
                {"type": "weekly-schedule", "value": "UTC mon-sun 00:00-24:00"},
                {"type": "language", "value": "de"},
                {"type": "referrer-host", "value": "*.example.org"},
                {"type": "visitor-class", "value": "human"},
                _NEVER,
            )
        },
        headers={"Referer": f"https://{'a.' * 4000}example.org/", "Accept-Language": "de," * 2000},
    ),
    _Case(
        "query passed on",
        "A target of 8,000 characters with parameters of its own, and 256 that are passed on beside them.",
        {"forward_query": True, "target": f"{_E}/?{'&'.join(f'{number:x}' for number in range(1400))}"},
        "&".join("z=%7C" for _ in range(MAX_PARAMETERS)),
    ),
    _Case(
        "query that leads nowhere",
        "The same with as long a query as is admitted: the Location would be too long.",
        {"forward_query": True},
        _parameters("a", "%41"),
    ),
    _Case(
        "placeholders",
        "32 parameters, each percent-encoded, in the target's path and query.",
        {
            "target": f"{_E}/"
            + "".join(f"{{query.a{n}}}{'?' if n == 15 else '/' if n < 15 else ''}" for n in range(MAX_COUNT))
        },
        "&".join(f"a{number}={'%7C' * 70}" for number in range(MAX_COUNT)),
    ),
    _Case(
        "rules and placeholders",
        "1,000 conditions that hold but for the last of each rule, and then 32 placeholders.",
        {
            "rules": [
                *_rules(_ASKED, _NEVER)[:-1],
                {
                    "conditions": [_ASKED] * MAX_CONDITIONS,
                    "target": f"{_E}/?" + "&".join(f"{{query.a{number}}}" for number in range(MAX_COUNT)),
                },
            ]
        },
        "&".join(["a=1", *(f"a{number}={'%7C' * 70}" for number in range(MAX_COUNT))]),
    ),
    _Case(
        "too many parameters",
        "8,000 of them, at a link that reads them: refused.",
        {"rules": _rules(_ASKED, _OTHER)},
        "a&" * 8000,
    ),
    _Case(
        "campaigns", "4,000 parameters, at a link that reads none: only statistics do.", {}, "utm_&" + "a=b&" * 4000
    ),
    _Case(
        "path passed on",
        "4,000 segments, half of them `..`.",
        {"forward_path": True},
        "/" + "../a/" * 1600,
    ),
    _Case("no link", "A path of 16,000 bytes, percent-encoded.", {"code": "other"}, "%41" * 5000),
    _Case(
        "password",
        "A page that asks for one, and 60,000 bytes of cookies.",
        {"password": "open sesame"},
        headers={"Cookie": "a=b;" * 15_000, "Accept": "text/html"},
    ),
)
assert set(TYPES) >= {_ASKED["type"], _OTHER["type"], _NEVER["type"]}  # a kind may be renamed


def _measure(plan: Plan) -> list[Sample]:
    with (
        servers.directory() as folder,
        HeldDrainer(folder),
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        samples = []
        for number, case in enumerate(CASES):
            instance.create_link(**{"code": f"link{number}", "target": TARGET, **case.link})
            request = _request(f"/link{number}", case)
            samples.append(Sample(case.row, {_MS.key: _cost(server, request, plan.seconds / len(CASES))}))
        return samples


def _request(path: str, case: _Case) -> bytes:
    mark = "" if not case.query or case.query[0] in "/%" else "?"
    headers = {**BROWSER, "Host": "localhost", **case.headers}
    lines = [f"GET {path}{mark}{case.query} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _cost(server: Server, request: bytes, seconds: float) -> float:
    """CPU of the worker, milliseconds, for `request`, sent again and again for about `seconds`."""
    for _ in _answers(server, request, 2):
        pass
    before, began, count = server.cpu_seconds(WORKERS), time.monotonic(), 0
    while not count or time.monotonic() - began < seconds:
        count += sum(1 for _ in _answers(server, request, _TOGETHER))
    return (server.cpu_seconds(WORKERS) - before) / count * 1000


def _answers(server: Server, request: bytes, count: int) -> Iterator[bytes]:
    """The first pieces of the answers to `request`, sent so often on connections of its own."""
    where = urlsplit(server.url)
    for _ in range(count):
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as connection:
            connection.sendall(request)
            yield connection.recv(2**16)


SUBJECTS = (Subject("redirect: worst visits", (), _measure),)
