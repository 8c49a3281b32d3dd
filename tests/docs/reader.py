"""The reader of a page: a shell in an empty folder, one server at a time, and the key that this has printed."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.docs.page import Step
from tests.ports import free_port
from tests.postgres import PROGRAMS
from tests.server import eventually

#: Seconds that a step may take on a busy machine; what takes longer is marked in the page.
_PATIENCE = 120.0
#: Where pages have the server. Readers of several pages at once need a port for each.
_PORT = "8000"
#: Where pages have the PostgreSQL.
_POSTGRES = "@localhost/"
#: What starts a server in the foreground, which the reader gives a terminal of its own.
_SERVE = re.compile(r"^((?:\w+=\S+ +)*(?:shortener serve|make run)(?! --help)[^|;]*)$")
#: The suite cannot contain itself; .ci/run runs it.
_PART_OF_TESTS = "make test T=tests/unit/domain"
#: Where `make` finds its file. The reader is in another folder, for the data of servers.
_CHECKOUT = Path(__file__).parents[2]
#: Stands for the key that the last start has printed.
_KEY = "shk_…"
_MARK = "--- done"


class Reader:
    """Types the steps of pages and says what came of them. A context manager, which ends what it has started."""

    def __init__(self, folder: Path, postgres_port: int | None = None) -> None:
        """`postgres_port` is where the PostgreSQL of the page's localhost listens."""
        self.port = str(free_port())
        self.key = ""
        self._log = folder / "serve.log"
        self._server: int | None = None
        self._postgres = f"@localhost:{postgres_port}/"
        # With one process for a page's few tests: the others are busy with the rest of the suite.
        path = [str(Path(sys.executable).parent), str(PROGRAMS), os.environ["PATH"]]
        environment = {"PATH": ":".join(path), "HOME": str(folder), "LC_ALL": "C.UTF-8", "JOBS": "0"}
        if postgres_port:
            environment |= {"PGHOST": "localhost", "PGPORT": str(postgres_port), "PGUSER": "postgres"}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # At a terminal curl draws no progress bar.
        self._type('curl() { command curl --no-progress-meter "$@"; }')

    def follow(self, step: Step) -> tuple[int, str]:
        """The exit code and the output of a step, with the ports that the page has."""
        command = step.command.replace(_KEY, self.key).replace(f":{_PORT}", f":{self.port}")
        command = command.replace(_POSTGRES, self._postgres)
        command = re.sub(r"^make test$", _PART_OF_TESTS, command)
        command = re.sub(r"^make (?!run)", f"make -C {_CHECKOUT} ", command)
        if serve := _SERVE.match(command):
            code, output = self._serve(serve[1].replace("make run", "shortener serve"), step.expected or "")
        else:
            code, output = self._type(command)
        output = output.replace(self._postgres, _POSTGRES)
        return code, re.sub(rf"(:|\bport ){self.port}\b", rf"\g<1>{_PORT}", output)

    def _serve(self, command: str, expected: str) -> tuple[int, str]:
        """Starts a server instead of the one before, which is left alone if the page shows that this start fails."""
        fails = expected.startswith("shortener: ")
        if not fails:
            self.stop()
        self._log.write_text("")
        port = "" if "--port" in command else f" --port {self.port}"
        _, started = self._type(f"{command}{port} >{self._log} 2>&1 & echo $!")
        number = int(started.split()[-1])
        eventually(lambda: "\nStop " in self._log.read_text() or not _is_alive(number), _PATIENCE)
        output = self._log.read_text()
        if "\nStop " not in output:
            return self._type(f"wait {number}")[0], output
        self._server = number
        if made := re.search(r"^ {4}(shk_\S+)$", output, re.MULTILINE):
            self.key = made[1]
        return 0, output

    def _type(self, command: str) -> tuple[int, str]:
        assert self._shell.stdin
        assert self._shell.stdout
        # What would ask a person finds nobody there.
        script = f"{{\n{command}\n}} </dev/null\nprintf '\\n{_MARK} %s\\n' $?\n"
        self._shell.stdin.write(script.encode())
        self._shell.stdin.flush()
        output, deadline = b"", time.monotonic() + _PATIENCE
        while not (end := re.search(rf"\n{_MARK} (\d+)\n$".encode(), output)):
            ready, _, _ = select.select([self._shell.stdout], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._shell.stdout.fileno(), 65536) if ready else b""
            assert piece, f"no end of `{command}` within {_PATIENCE} s:\n{output.decode()}"
            output += piece
        return int(end[1]), output[: end.start()].decode()

    def stop(self) -> None:
        """Ends the server, as Ctrl+C does."""
        if self._server is not None:
            self._type(f"kill -INT {self._server}; wait {self._server}")
            self._server = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        for pipe in (self._shell.stdin, self._shell.stdout):
            assert pipe
            pipe.close()


def _is_alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
