"""A real PgBouncer in transaction mode, before a database of tests/postgres."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.ports import free_port
from tests.postgres import _UNPRIVILEGED, Postgres
from tests.programs import path_of

#: Server connections of a pool: fewer than clients, so that they share.
_POOL = 3
_PATIENCE = 20.0


class PgBouncer:
    """A pooler before `postgres`. A context manager. Skips the test where PgBouncer is not installed."""

    def __init__(self, postgres: Postgres, **settings: str) -> None:
        program = path_of("pgbouncer")
        self.folder = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))
        self.port = free_port()
        chosen = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": str(_POOL),
            "max_client_conn": "500",
            "logfile": str(self.folder / "log"),
            **settings,
        }
        lines = ["[databases]", f"* = host={postgres.folder} user=postgres", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in chosen.items()]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, _UNPRIVILEGED)
            as_user = {"user": _UNPRIVILEGED}
        command = [program, "-q", str(self.folder / "pgbouncer.ini")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def url(self, name: str) -> str:
        return f"postgresql://postgres:unused@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "PgBouncer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
