"""The tree: a `shortener serve` with all its processes, which can be killed, one by one or as a whole."""

import os
import random
import signal
import subprocess
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from tests.cli.process import COMMAND, GONE, PATIENCE, environment, eventually, group
from tests.conftest import ADMIN_KEY
from tests.ports import free_port

WORKERS = 2
#: Of the log, told with a failure.
_LAST_LINES = 20


class Tree:
    """A server on a port of its own that works in `folder`; started again on the same port. A context manager."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        #: All that it has said, over all its lives.
        self.log = folder / "server.log"
        self.port = free_port()
        given = environment(SHORTENER_DATA_DIR=str(folder), SHORTENER_ADMIN_KEY=ADMIN_KEY, **settings)
        # Processes that are killed report no coverage, and measuring it would make them slow to start.
        self._environment = {name: value for name, value in given.items() if not name.startswith("COV")}

    def __enter__(self) -> "Tree":
        self.start()
        try:
            eventually(self.is_ready, within=PATIENCE)
        except BaseException:
            self.kill_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note("The server's last words:\n" + "\n".join(self.log.read_text().splitlines()[-_LAST_LINES:]))
        if self._process.poll() is None:
            self.kill_all()

    def start(self) -> None:
        """Starts it, without waiting until it is up."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", "--port", str(self.port), "--workers", str(WORKERS)],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                # A group of its own, so that it can be killed as a whole.
                start_new_session=True,
            )

    def stop(self) -> int:
        """Its exit code when it is told to end."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def kill_one(self, kind: str, dice: random.Random) -> None:
        """Kills one of the processes whose name begins with `kind`; returns when another has taken its post."""
        eventually(lambda: bool(self._members(kind)), within=PATIENCE)
        name, pid = dice.choice(sorted(self._members(kind).items()))
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self._members(kind).get(name, pid) != pid, within=PATIENCE)

    def kill_supervisor(self) -> None:
        """Kills the supervisor; returns when nothing is left of the others either."""
        self._process.kill()
        self._bury()

    def kill_all(self) -> None:
        """Kills all processes at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._bury()

    def is_ready(self) -> bool:
        """Whether it says that all it depends on is well."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _bury(self) -> None:
        self._process.wait(PATIENCE)
        eventually(lambda: not group(self._process.pid), within=GONE)

    def _members(self, kind: str) -> dict[str, int]:
        return {found.name: found.pid for found in group(self._process.pid) if found.name.startswith(kind)}
