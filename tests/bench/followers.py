"""What clients that follow clicks cost the worker they follow at, as long as they hear nothing."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tests.bench import progress, servers
from tests.bench.instance import AUTHORIZED, CODE, HeldDrainer, Instance
from tests.bench.load import WRK
from tests.bench.servers import WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, FAILED, PER_SECOND, Visited, visit, warm_up

#: How many follow.
FOLLOWERS = 200
#: The link that they follow, which nobody visits.
_OTHER = "followed"
#: Loads that each row gets, in turns, and how much of the seconds of a load each is. Many, since 5 % are judged.
_TURNS, _TURN = 10, 0.25
#: The same where each turn must wait until everything is counted.
_COUNTED_TURNS, _COUNTED_TURN = 2, 0.5
#: Rest that is watched, in seconds of a load: by default 16, in which each follower is told once that all is well.
_REST = 4
#: Seconds in which the server must have noticed that followers have come or gone, and answer them.
_PATIENCE = 30.0
_LOOK_SECONDS = 0.05

TABLE = Table(
    title="Followers",
    method=f"""The load of the first table, without and with {FOLLOWERS} clients that follow the clicks on another
link, which nobody visits (`/api/v1/links/{{code}}/live`), in {_TURNS} turns ({_COUNTED_TURNS} where clicks are
counted), each way first in every other one; the figures are medians of the turns. The CPU is the worker's. *At rest*
is the worker's CPU while nobody visits anything, for {_REST} times as long as a load, so that each follower hears
that its stream is alive. Memory is by how much the worker's RSS grows when all of them come.""",
    columns=(
        CPU,
        Column("to_quiet", "to nobody following", 2, "×"),
        PER_SECOND,
        FAILED,
        Column("idle_ms", "CPU ms per second at rest", 1),
        Column("follower_kib", "KiB per follower", 1),
    ),
)
_COUNTED = (
    "The same with the drainer at work beside it on the same core, so that clicks are committed all the time and"
    " looked through for those that are followed. The CPU is the worker's until all clicks are counted, and for two"
    " seconds more."
)
QUIET = Row(TABLE, "nobody follows", "The drainer is kept waiting, as in the first table.")
FOLLOWED = Row(
    TABLE,
    f"{FOLLOWERS} idle followers",
    "Three times a second the worker asks the database for the last click, once for all of them.",
    bars=(Bar("to_quiet", 1.05),),
)
COUNTED_QUIET = Row(TABLE, "counted, nobody follows", _COUNTED)
COUNTED_FOLLOWED = Row(TABLE, f"counted, {FOLLOWERS} idle followers", _COUNTED)
#: By how many follow.
_HELD: Mapping[int, Row] = {0: QUIET, FOLLOWERS: FOLLOWED}
_DRAINED: Mapping[int, Row] = {0: COUNTED_QUIET, FOLLOWERS: COUNTED_FOLLOWED}


class NotFollowing(Exception):
    """A client could not follow, was cut off, or heard of a click."""


class _Follower:
    """A connection on which the clicks of a link that nobody visits are followed. `close` it."""

    def __init__(self, server: Server) -> None:
        address = urlsplit(server.url)
        self._connection = socket.create_connection((address.hostname, address.port), _PATIENCE)
        headers = "".join(f"{name}: {value}\r\n" for name, value in {"Host": address.netloc, **AUTHORIZED}.items())
        self._connection.sendall(f"GET /api/v1/links/{_OTHER}/live HTTP/1.1\r\n{headers}\r\n".encode())
        self._heard = b""
        # The opening ends with the id that has been reached.
        while b"\nid: " not in self._heard:
            self._hear()
        if not self._heard.startswith(f"HTTP/1.1 {HTTPStatus.OK} ".encode()):
            raise NotFollowing(self._heard.decode(errors="replace"))

    def check(self) -> None:
        """Raises NotFollowing unless it follows still and has heard of nothing."""
        self._connection.setblocking(False)
        try:
            while True:
                self._hear()
        except BlockingIOError:
            pass
        if b"event:" in self._heard:
            raise NotFollowing(self._heard.decode(errors="replace"))

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _hear(self) -> None:
        more = self._connection.recv(4096)
        if not more:
            raise NotFollowing(f"the connection ended behind {self._heard!r}")
        self._heard += more


@contextmanager
def followed(server: Server, instance: Instance, number: int) -> Iterator[None]:
    """So many follow for the block, none before and behind it. Raises NotFollowing."""
    with ExitStack() as stack:
        following = []
        for _ in range(number):
            following.append(_Follower(server))
            stack.callback(following[-1].close)
        _wait_for(instance, number)
        yield
        for follower in following:
            follower.check()
    _wait_for(instance, 0)


def _wait_for(instance: Instance, number: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (found := instance.followers()) != number:
        if time.monotonic() > deadline:
            raise NotFollowing(f"{found} follow, not {number}")
        time.sleep(_LOOK_SECONDS)


def _measure_held(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, HeldDrainer(folder), _started(folder, plan) as (server, instance):
        resting = _at_rest(server, instance, plan)
        found = _in_turns(server, instance, _parts(plan, _TURN), _TURNS, lambda: None)
    return [Sample(row, {**found[number], **resting[number]}) for number, row in _HELD.items()]


def _measure_counted(plan: Plan) -> list[Sample]:
    with servers.directory() as folder, _started(folder, plan) as (server, instance):
        settle = partial(progress.wait_until_still, folder)
        settle()
        found = _in_turns(server, instance, _parts(plan, _COUNTED_TURN), _COUNTED_TURNS, settle)
    return [Sample(row, found[number]) for number, row in _DRAINED.items()]


@contextmanager
def _started(folder: Path, plan: Plan) -> Iterator[tuple[Server, Instance]]:
    settings = {"SHORTENER_LIVE_SUBSCRIBERS": str(FOLLOWERS)}
    with (
        servers.shortener(folder, plan.cores.server, settings=settings) as server,
        Instance(server.url) as instance,
    ):
        instance.create_link()
        instance.create_link(_OTHER)
        warm_up(server, plan, f"/{CODE}")
        yield server, instance


def _at_rest(server: Server, instance: Instance, plan: Plan) -> dict[int, dict[str, float]]:
    """Figures of a server that nobody visits, by how many follow."""
    # The first one also loads what all of them need.
    with followed(server, instance, 1):
        pass
    quiet = {"idle_ms": _idle_ms(server, plan)}
    before = server.memory(WORKERS).rss
    with followed(server, instance, FOLLOWERS):
        grown = max(server.memory(WORKERS).rss - before, 0.0)
        figures = {"idle_ms": _idle_ms(server, plan), "follower_kib": grown * 1e6 / 1024 / FOLLOWERS}
    return {0: quiet, FOLLOWERS: figures}


def _idle_ms(server: Server, plan: Plan) -> float:
    """CPU milliseconds per second."""
    before, began = server.cpu_seconds(WORKERS), time.monotonic()
    time.sleep(plan.seconds * _REST)
    return (server.cpu_seconds(WORKERS) - before) / (time.monotonic() - began) * 1000


def _in_turns(
    server: Server, instance: Instance, plan: Plan, count: int, settle: Callable[[], None]
) -> dict[int, dict[str, float]]:
    """Figures of loads by how many follow; `settle` returns when everything is done that a load has caused."""
    turns: dict[int, list[dict[str, float]]] = {0: [], FOLLOWERS: []}
    for turn in range(count):
        # The other way round every time: what drifts hits both alike.
        for number in sorted(turns, reverse=bool(turn % 2)):
            with followed(server, instance, number):
                before = server.cpu_seconds(WORKERS)
                found = visit(server, plan, f"/{CODE}", processes=WORKERS)
                settle()
                spent = server.cpu_seconds(WORKERS) - before
            turns[number].append(Visited(found.load, spent).figures())
    quiet, busy = (_middle(each) for each in turns.values())
    return {0: {**quiet, "to_quiet": 1.0}, FOLLOWERS: {**busy, "to_quiet": busy[CPU.key] / quiet[CPU.key]}}


def _parts(plan: Plan, part: float) -> Plan:
    """`plan` with loads of a part of its seconds."""
    return replace(plan, seconds=plan.seconds * part)


def _middle(turns: list[dict[str, float]]) -> dict[str, float]:
    """Medians of what the table shows, and the most that has failed."""
    shown = {key: median(turn[key] for turn in turns) for key in (CPU.key, PER_SECOND.key)}
    return {**shown, FAILED.key: max(turn[FAILED.key] for turn in turns)}


SUBJECTS = (
    Subject("redirect: followers", (WRK,), _measure_held),
    Subject("counted: followers", (WRK,), _measure_counted),
)
