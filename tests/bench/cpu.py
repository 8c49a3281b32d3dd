"""Accounting by /proc: CPU time and memory of a process and its descendants, and which core is whose."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
#: Where utime, stime, cutime and cstime stand in /proc/PID/stat, counted from behind the name (proc(5): fields 14–17,
#: of which the first two, number and name, are cut off).
_TIMES = slice(11, 15)


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server runs on, and which one the load. The same one where there is no second."""

    server: int
    load: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process tree in MiB: with shared pages counted in each process, and once in all."""

    rss: float
    pss: float


def cores() -> Cores:
    """The first two cores that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(server=usable[0], load=usable[1 % len(usable)])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keeps the calling thread on `core` for the block; processes started there stay on it for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """User and system time of `pid`, its threads and its descendants, those that have ended included.

    Counted in clock ticks (10 ms on most machines): differences over less than a second are coarse.
    """
    return sum(_ticks(member) for member in process_tree(pid)) / _TICKS_PER_SECOND


def memory(pid: int) -> Memory:
    """What `pid` and its descendants keep in memory now."""
    rss = pss = 0
    for member in process_tree(pid):
        for line in _read(member, "smaps_rollup").splitlines():
            name, _, value = line.partition(":")
            if name == "Rss":
                rss += int(value.split()[0])
            elif name == "Pss":
                pss += int(value.split()[0])
    return Memory(rss / 1024, pss / 1024)


def process_tree(pid: int) -> list[int]:
    """`pid` and all its living descendants."""
    children: list[int] = []
    for file in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            children += [int(child) for child in file.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            continue
    return [pid, *(member for child in children for member in process_tree(child))]


def _ticks(pid: int) -> int:
    # The name in parentheses may hold anything, spaces and parentheses too.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return sum(int(field) for field in fields[_TIMES])


def _read(pid: int, name: str) -> str:
    """A file of `pid`, or nothing if it has ended meanwhile: what it used is then its parent's, who waited for it."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
