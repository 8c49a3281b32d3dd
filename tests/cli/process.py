"""Real processes of the command line, which never outlive the test that started them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.preloaded import Process, preloaded

#: The command, by the interpreter that runs the tests.
COMMAND = (sys.executable, "-m", "shortener")
#: Seconds after which a process that should have answered is killed.
PATIENCE = 90.0
#: Seconds within which nothing of a server is left, however it has ended.
GONE = 2.0


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with `settings` as the only ones of the shortener."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SHORTENER_")} | settings


def ended(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@dataclass
class Serving:
    """A running `shortener serve`."""

    process: Process
    #: What it printed when it was up.
    welcome: str
    #: Seconds until then.
    took: float
    errors: Path

    @property
    def url(self) -> str:
        """Where it says it is."""
        found = re.search(r"is running at (\S+)", self.welcome)
        assert found, self.welcome
        return found[1]

    @property
    def key(self) -> str | None:
        """The key it printed."""
        found = re.search(r"^ {4}(shk_\S+)$", self.welcome, re.MULTILINE)
        return found[1] if found else None

    @property
    def curl(self) -> str:
        """The first command it proposes."""
        found = re.search(r"^ {4}(curl .*)$", self.welcome, re.MULTILINE)
        assert found, self.welcome
        return found[1]

    @property
    def children(self) -> dict[str, int]:
        """The numbers of its processes, by what they are."""
        return {found.name: found.pid for found in group(self.process.pid) if found.parent == self.process.pid}

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@contextmanager
def served(folder: Path, *options: str, **settings: str) -> Iterator[Serving]:
    """A server in `folder`, on a free port unless `options` name one, up and running."""
    errors = folder / "stderr.txt"
    with errors.open("w") as stderr:
        started = time.monotonic()
        process = preloaded().start(options or ("--port", "0"), folder, environment(**settings), stderr)
        with process, _up(process, started, errors) as serving:
            yield serving


@contextmanager
def served_by_command(folder: Path, *options: str, **settings: str) -> Iterator[Serving]:
    """A server like that of `served`, started by `shortener serve` as people do."""
    errors = folder / "stderr.txt"
    with errors.open("w") as stderr:
        started = time.monotonic()
        process = subprocess.Popen(
            [*COMMAND, "serve", *(options or ("--port", "0"))],
            cwd=folder,
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # A group of its own: it can be signalled like one at a terminal, and be seen to be empty.
            start_new_session=True,
        )
        with process, _up(process, started, errors) as serving:
            yield serving


@contextmanager
def _up(process: Process, started: float, errors: Path) -> Iterator[Serving]:
    """A process that has been `started`, once it is up; it has ended when this does."""
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        welcome = "".join(_until(process, "Stop "))
        guard.cancel()
        took = time.monotonic() - started
        assert process.poll() is None, errors.read_text()
        yield Serving(process, welcome, took, errors)
    finally:
        guard.cancel()
        _end(process)
        eventually(lambda: not group(process.pid), within=GONE)


@dataclass(frozen=True)
class Member:
    """A living process."""

    pid: int
    parent: int
    name: str


def group(number: int) -> list[Member]:
    """The living processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent, its_group = rest.split()[:3]
        if int(its_group) == number and state not in "ZX":
            found.append(Member(int(folder.name), int(parent), name))
    return found


def eventually(check: Callable[[], bool], *, within: float = 10.0) -> None:
    """Waits until `check` holds."""
    deadline = time.monotonic() + within
    while not check():
        assert time.monotonic() < deadline, f"not within {within} seconds"
        time.sleep(0.02)


def _until(process: Process, last: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if line.startswith(last):
            return


def _end(process: Process) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
