"""Accounting by /proc: CPU time and memory of processes, told apart by name, and which core is whose."""

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
#: What /proc calls a kB, in MB.
_KIB = 1024 / 1e6


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server runs on, and which one the load. The same one where there is no second."""

    server: int
    load: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MB (10^6 bytes): with shared pages counted in each process, and divided among them."""

    rss: float
    pss: float

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.rss + other.rss, self.pss + other.pss)


def cores() -> Cores:
    """The first two cores that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(server=usable[0], load=usable[1 % len(usable)])


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keeps the calling thread on `core` for the block; processes started there stay on it for good.

    Without a core it may go where it will.
    """
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """User and system time of `pid`, its threads and its children that have ended.

    Counted in clock ticks (10 ms on most machines): differences over less than a second are coarse.
    """
    # The name in parentheses may hold anything, spaces and parentheses too.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return sum(int(field) for field in fields[_TIMES]) / _TICKS_PER_SECOND


def memory(pid: int) -> Memory:
    """What `pid` keeps in memory now."""
    found = {"Rss": 0, "Pss": 0}
    for line in _read(pid, "smaps_rollup").splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0])
    return Memory(found["Rss"] * _KIB, found["Pss"] * _KIB)


def peak(pid: int) -> float:
    """The most that `pid` has kept in memory so far, or since `forget_peak`, RSS in MB."""
    lines = (line.partition(":") for line in _read(pid, "status").splitlines())
    return next(int(value.split()[0]) * _KIB for name, _, value in lines if name == "VmHWM")


def forget_peak(pid: int) -> None:
    """Begins `peak` anew, from what `pid` keeps now."""
    # proc(5): 5 sets the peak back.
    (_PROC / str(pid) / "clear_refs").write_text("5")


def named(pid: int, name: str) -> list[int]:
    """`pid` and its living descendants, as far as their names begin with `name`, sorted by name."""
    names = {member: _read(member, "comm").strip() for member in process_tree(pid)}
    return sorted((member for member in names if names[member].startswith(name)), key=lambda member: names[member])


def move(pid: int, core: int) -> None:
    """Puts `pid` and its threads on `core`, and what they will start."""
    for task in (_PROC / str(pid) / "task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def process_tree(pid: int) -> list[int]:
    """`pid` and all its living descendants."""
    children: list[int] = []
    for file in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            children += [int(child) for child in file.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            continue
    return [pid, *(member for child in children for member in process_tree(child))]


def _read(pid: int, name: str) -> str:
    """A file of `pid`, or nothing if it has ended meanwhile: what it used is then its parent's, who waited for it."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
