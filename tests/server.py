"""A real server for tests: `shortener serve` in a process of its own, found by the address it prints."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import httpx2

from tests.conftest import ADMIN_KEY
from tests.preloaded import preloaded

#: Seconds until a server must be up, on a busy machine.
_PATIENCE = 90.0


class Server:
    """A running `shortener serve` in `folder`, on a free port. A context manager; `kill` it to be rude."""

    def __init__(self, folder: Path, *, admin_key: str | None = ADMIN_KEY, **environment: str) -> None:
        self.folder = folder
        self.key = admin_key or ""
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("SHORTENER_")} | environment
        if admin_key is not None:
            self._environment["SHORTENER_ADMIN_KEY"] = admin_key
        self.start()

    def start(self) -> None:
        self._log = (self.folder / "server.log").open("ab")
        self.process = preloaded().start(["--port", "0"], self.folder, self._environment, self._log)
        assert self.process.stdout is not None
        self.welcome = ""
        for line in self.process.stdout:
            self.welcome += line
            if line.startswith("Stop"):
                break
        found = re.search(r"running at (\S+)", self.welcome)
        assert found, f"the server did not start:\n{self.welcome}\n{(self.folder / 'server.log').read_text()}"
        self.url = found[1]

    def client(self, **headers: str) -> httpx2.Client:
        """A client that follows no redirects; with the key, unless `headers` say otherwise."""
        given = {"authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return httpx2.Client(base_url=self.url, headers=given, timeout=30, trust_env=False)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends the server and returns its exit code."""
        self.process.send_signal(how)
        code = self.process.wait(_PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until `condition` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
