"""Servers that need not load what they are made of: forked from a process that has loaded it, a second of CPU each.

From there on it is the server's own program, in a process of its own. How `shortener serve` becomes that program is
the subject of tests/cli/test_serve and test_supervisor, which start it as people do.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

#: What is loaded beforehand: all that a server needs but what counts for metrics, which asks for their folder first.
_LIBRARIES = (
    "argon2", "crawleruseragents", "fastapi.staticfiles", "httptools", "jinja2", "orjson",
    "prometheus_client.multiprocess", "sqlmodel", "ua_parser", "uvicorn.protocols.http.httptools_impl", "uvloop",
)  # fmt: skip
_OWN = ("shortener.domain", "shortener.storage", "shortener.errors", "shortener.web.api.schemas")
#: Seconds between looks at whether a process has ended.
_LOOK = 0.01
#: Most bytes of a request to start a server: an environment.
_MOST = 2**18


class Process(Protocol):
    """What tests ask of a server's process: as subprocess.Popen has it."""

    pid: int
    returncode: int | None
    stdout: IO[str] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """A process whose parent is the preloaded one. A context manager, as Popen is."""

    def __init__(self, parent: "Preloaded", pid: int, stdout: IO[str]) -> None:
        self._parent, self.pid = parent, pid
        self.stdout: IO[str] | None = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._parent.status(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("server", timeout or 0)
            time.sleep(_LOOK)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        if self.stdout is not None:
            self.stdout.close()
        self.wait()


class Preloaded:
    """The process that servers are forked from, of this process of tests."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # As `serve` starts the server; coverage would be measured of all that are forked.
            command = [sys.executable, "-X", "no_debug_ranges", "-m", "tests.preloaded", str(theirs.fileno())]
            kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
            self._process = subprocess.Popen(
                command,
                cwd=Path(__file__).parents[1],
                env=kept,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def start(self, options: Sequence[str], folder: Path, environment: Mapping[str, str], errors: IO[Any]) -> Forked:
        """A server in `folder` that is started with `options`; what it prints is read from the result's `stdout`."""
        read, write = os.pipe()
        asked = {"options": list(options), "folder": str(folder), "environment": dict(environment)}
        pid = self._ask(asked, [write, errors.fileno()])
        os.close(write)
        return Forked(self, pid, os.fdopen(read))

    def status(self, pid: int) -> int | None:
        """The exit code of a server, negative for a signal; None while it lives."""
        code: int | None = self._ask({"status_of": pid})
        return code

    def stop(self) -> None:
        """Lets it end."""
        self._control.close()
        self._process.wait()

    def _ask(self, asked: dict[str, Any], descriptors: Sequence[int] = ()) -> Any:
        with self._asking:
            socket.send_fds(self._control, [json.dumps(asked).encode()], descriptors)
            answer = self._control.recv(_MOST)
        assert answer, "the preloaded process has ended"
        return json.loads(answer)


@cache
def preloaded() -> Preloaded:
    """The one of this process of tests, started when it is first needed."""
    started = Preloaded()
    atexit.register(started.stop)
    return started


def _load() -> None:
    from importlib import import_module
    from pkgutil import iter_modules

    import_module("shortener.lean")  # first, as the server's program does
    import_module("shortener.server")
    # With a folder, metrics are made to be shared; which folder, each asks for itself.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.devnull
    for name in _LIBRARIES:
        import_module(name)
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]
    for name in _OWN:
        for module in iter_modules(import_module(name).__path__, f"{name}."):
            import_module(module.name)


def _serve_requests(control: socket.socket) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MOST, 2)
        if not message:
            return
        asked = json.loads(message)
        answer: int | None
        if "status_of" in asked:
            pid, status = os.waitpid(asked["status_of"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                control.close()
                _become_server(asked, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        control.send(json.dumps(answer).encode())


def _become_server(asked: dict[str, Any], output: int, errors: int) -> NoReturn:
    from shortener import server

    code = 1
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.close(output)
        os.close(errors)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        time.tzset()
        given = dict(zip(asked["options"][::2], asked["options"][1::2], strict=True))
        host, port, workers = given.get("--host", "127.0.0.1"), int(given["--port"]), int(given.get("--workers", 1))
        code = server.main(host, port, workers, "shortener")
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as opened:
        _serve_requests(opened)
