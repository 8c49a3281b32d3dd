"""One load of visits on a server, and what it cost."""

from dataclasses import dataclass

from tests.bench import load
from tests.bench.load import Load
from tests.bench.servers import Server
from tests.bench.subject import Column, Plan

#: Columns for what `Visited.figures` has.
CPU = Column("cpu_us", "CPU µs per request", 1)
RATIO = Column("ratio", "to nginx", 2, "×")
PER_SECOND = Column("per_second", "requests/s")
LATENCIES = (Column("p50_ms", "p50 ms", 1), Column("p99_ms", "p99 ms", 1))
FAILED = Column("failed_percent", "failed", 1, " %")
LOST = Column("lost_percent", "clicks lost", 1, " %")


@dataclass(frozen=True, slots=True)
class Visited:
    """A load, and the CPU seconds that were spent on it."""

    load: Load
    cpu_seconds: float

    def figures(self, *, refused: int | None = None) -> dict[str, float]:
        """Figures for a table; `refused` are the answers that should have been others, by default all from 400 on."""
        failed = (self.load.refused if refused is None else refused) + self.load.broken
        return {
            CPU.key: self.cpu_seconds / self.load.requests * 1e6,
            PER_SECOND.key: self.load.per_second,
            "p50_ms": self.load.p50_ms,
            "p99_ms": self.load.p99_ms,
            FAILED.key: failed / self.load.requests * 100,
        }


def visit(server: Server, plan: Plan, path: str = "", *, lua: str = "", processes: str = "") -> Visited:
    """A load on `path`, or of what `lua` sends; the CPU is that of the server's `processes`."""
    before = server.cpu_seconds(processes)
    found = load.put(server.url + path, core=plan.cores.load, seconds=plan.seconds, script=lua)
    return Visited(found, server.cpu_seconds(processes) - before)


def warm_up(server: Server, plan: Plan, path: str = "", *, lua: str = "") -> Load | None:
    """The same before, if it is planned."""
    if not plan.warm_up:
        return None
    return load.put(server.url + path, core=plan.cores.load, seconds=plan.warm_up, script=lua)


def lost_percent(redirects: int, clicks: int) -> float:
    """Which part of the redirects is no click. More clicks than redirects: wrk forgets those in flight at its end."""
    return max(redirects - clicks, 0) / redirects * 100
