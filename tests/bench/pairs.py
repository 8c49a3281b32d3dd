"""Whether two workers cost more than one: nothing that a redirect needs may be shared or locked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.bench import cpu, load, servers
from tests.bench.instance import CODE, HeldDrainer, Instance
from tests.bench.load import CONNECTIONS, WRK, Load
from tests.bench.servers import WORKERS, Server
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, PER_SECOND

TABLE = Table(
    title="Two workers",
    method=f"""Two workers, each on a core of its own, answer two loads of {CONNECTIONS} connections, which float over
both cores: once the workers are those of two servers with one worker each, which share nothing but the machine, and
once they are those of one server. The machine is equally busy in both, so that the difference is what workers of one
server have in common. The CPU is that of the workers.""",
    columns=(
        CPU,
        Column("to_one", "to one worker", 2, "×"),
        PER_SECOND,
        Column("fewer_percent", "answered by the less busy one", 0, " %"),
    ),
)
APART = Row(TABLE, "two servers, one worker each", "Each load goes to its own server.")
TOGETHER = Row(
    TABLE,
    "one server, two workers",
    "Both loads go to it; whichever worker is free takes a new connection, so that the two are not equally busy.",
    bars=(Bar("to_one", 1.1),),
)
#: Loads that each of the two gets, in turns.
_TURNS = 4


class _Pair:
    """Two workers of one server or of two, each worker on its core."""

    def __init__(self, stack: ExitStack, plan: Plan, count: int) -> None:
        running = [_start(stack, plan, 2 // count) for _ in range(count)]
        #: Where the two loads go.
        self._targets = [running[number % count] for number in range(2)]
        self._workers = [pid for server in running for pid in cpu.named(server.pid, WORKERS)]
        for pid, core in zip(self._workers, (plan.cores.server, plan.cores.load), strict=True):
            cpu.move(pid, core)
        if plan.warm_up:
            _load(self._targets, plan.warm_up)
        self._spent = [0.0, 0.0]
        self._answered = 0
        self._seconds = 0.0

    def load(self, seconds: float) -> None:
        """Puts the two loads on it."""
        before = [cpu.cpu_seconds(pid) for pid in self._workers]
        found = _load(self._targets, seconds)
        after = [cpu.cpu_seconds(pid) for pid in self._workers]
        self._spent = [spent + late - early for spent, late, early in zip(self._spent, after, before, strict=True)]
        self._answered += sum(each.requests for each in found)
        self._seconds += max(each.seconds for each in found)

    def figures(self) -> dict[str, float]:
        """The figures of all its loads."""
        return {
            CPU.key: sum(self._spent) / self._answered * 1e6,
            PER_SECOND.key: self._answered / self._seconds,
            "fewer_percent": min(self._spent) / sum(self._spent) * 100,
        }


def _measure(plan: Plan) -> list[Sample]:
    with ExitStack() as stack:
        pairs = [_Pair(stack, plan, 2), _Pair(stack, plan, 1)]
        # In turns, since the two are compared closely.
        for pair in pairs * _TURNS:
            pair.load(plan.seconds / _TURNS)
        apart, together = (pair.figures() for pair in pairs)
    return [
        Sample(APART, {**apart, "to_one": 1.0}),
        Sample(TOGETHER, {**together, "to_one": together[CPU.key] / apart[CPU.key]}),
    ]


def _start(stack: ExitStack, plan: Plan, workers: int) -> Server:
    folder = stack.enter_context(servers.directory())
    stack.enter_context(HeldDrainer(folder))
    server = stack.enter_context(servers.shortener(folder, plan.cores.server, workers=workers))
    with Instance(server.url) as instance:
        instance.create_link()
    return server


def _load(targets: Sequence[Server], seconds: float) -> list[Load]:
    """One load on each of `targets` at the same time."""
    with ThreadPoolExecutor(len(targets)) as pool:
        return list(pool.map(lambda server: load.put(f"{server.url}/{CODE}", core=None, seconds=seconds), targets))


SUBJECTS = (Subject("workers: two", (WRK,), _measure),)
