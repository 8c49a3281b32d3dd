"""One child process of the supervisor: forked, heard, told to end; and how it becomes something of its own.

A child never outlives its supervisor. Two things see to that, and both kill outright, as nothing needs more: clicks
are with the kernel, the drainer works in transactions. The kernel sends a signal when the parent dies (Linux), and
a thread waits for the end of a pipe whose other end only the supervisor holds: it works while the main thread hangs.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import structlog

from shortener import errors

#: Writes on behalf of a child: it is up, and later that it still is.
Report = Callable[[], None]

#: Of linux/prctl.h: a signal at the parent's death, and the name that `ps -e` and `top` show (15 bytes of it).
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
#: Of glibc's malloc.h: for how many threads to keep memory apart. A worker's few hardly ever allocate at once, and
#: apart they take 1 MB more.
_M_ARENA_MAX = -8
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)

log = structlog.get_logger()

# Made before any fork: opening a library takes a lock and some milliseconds.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does, and how it is watched."""

    #: For the log, for ps and for metrics.
    name: str
    #: Runs in the child until SIGTERM; what it returns is the exit code.
    run: Callable[[Report], int]
    #: Seconds it may take to end once it has been told to.
    grace: float
    #: Whether it reports all the time, so that silence means that it hangs.
    beats: bool = False


@dataclass(slots=True)
class Child:
    """A running child, as its supervisor sees it."""

    job: Job
    pid: int
    #: Where its reports are read.
    reports: int
    born: float
    #: Seconds without a report.
    silent: float = 0.0

    def hear(self) -> bool:
        """Takes what it has reported; False at the end of all reports."""
        heard = bool(os.read(self.reports, 4096))
        if heard:
            self.silent = 0.0
        return heard

    def has_been_silent(self, seconds: float, longest: float) -> bool:
        """Adds `seconds` to its silence; whether it has lasted longer than `longest`, which begins it anew."""
        if not self.job.beats:
            return False
        self.silent += seconds
        if self.silent <= longest:
            return False
        self.silent = 0.0
        return True

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal. It has not been reaped, so the number is still its own."""
        os.kill(self.pid, number)

    def reap(self) -> str | None:
        """How it ended, in words, if it has; then it is forgotten."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        os.close(self.reports)
        code = os.waitstatus_to_exitcode(status)
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def start(job: Job, lifeline: int, private: Iterable[int]) -> Child:
    """Forks a child for `job`. Raises OSError where the system has no room for one.

    `lifeline` is the end of a pipe that ends with the supervisor; `private` are descriptors that no child may keep.
    """
    reports, reporting = os.pipe()
    # A child for whom nobody reads goes on all the same.
    os.set_blocking(reporting, False)
    supervisor = os.getpid()
    # What waits to be written would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal between the fork and the child's own handlers would run the supervisor's handlers in the child.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            _become(job, supervisor, lifeline, [reports, *private], reporting, blocked)
    except OSError:
        os.close(reports)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(reporting)
    return Child(job, pid, reports, time.monotonic())


def _become(
    job: Job, supervisor: int, lifeline: int, private: Iterable[int], reporting: int, mask: Iterable[int]
) -> NoReturn:
    """What the child does from its first instruction to its last; it never returns into the supervisor's code."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        # Ctrl+C reaches the whole group; what it means is the supervisor's to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for descriptor in private:
            os.close(descriptor)
        _tie_to(supervisor, lifeline)
        call_itself(job.name)
        _keep_memory_together()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = job.run(lambda: _report(reporting))
    except BaseException as error:
        foreseen = isinstance(error, errors.Broken | OSError)
        log.error("a process failed", process=job.name, cause=str(error), exc_info=not foreseen)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: the supervisor's own clean-up stands on the stack below.
        os._exit(code)


def _tie_to(supervisor: int, lifeline: int) -> None:
    """Lets this process die with its supervisor."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:  # it died before that call
        os._exit(1)
    threading.Thread(target=_die_at_end_of, args=(lifeline,), name="lifeline", daemon=True).start()


def _die_at_end_of(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _keep_memory_together() -> None:
    with suppress(AttributeError):  # of another library than glibc
        if _libc is not None:
            _libc.mallopt(_M_ARENA_MAX, 1)


def call_itself(name: str) -> None:
    """Gives this process the name that `ps -e` and `top` show."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode())


def _report(reporting: int) -> None:
    with suppress(BlockingIOError, BrokenPipeError):  # nobody listens at the moment
        os.write(reporting, b".")
