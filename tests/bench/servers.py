"""Servers: nginx, the shortener and the tutorial's app, each a process of its own in a temporary directory.

All listen on 127.0.0.1 only, are started on one core, and are gone, children included, when their block ends.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx2

from tests.bench import cpu
from tests.bench.cpu import Memory
from tests.ports import free_port

NGINX = "nginx"
#: The interpreter of what is measured: `make bench` gives one that has nothing installed but what a server needs.
PYTHON = Path(os.environ.get("BENCH_PYTHON", sys.executable)).absolute()
ADMIN_KEY = "bench-admin-key-0123456789"
#: The setting that says how many links a worker's cache holds.
CACHED_LINKS = "SHORTENER_CACHED_LINKS"
#: What the processes of a shortener are called; each worker has a number behind it.
WORKERS, DRAINER = "worker-", "drainer"
TARGET = "https://example.com/some/page?from=bench"

_ROOT = Path(__file__).parents[2]
#: Seconds that a server has to answer, and to end when asked to; both take two or three at most.
_START_SECONDS, _STOP_SECONDS = 30, 20
#: Seconds between two looks at whether a server answers: small against its start, and cheap.
_LOOK_SECONDS = 0.005
#: nginx with one worker, answering by itself. Its default of 1,000 requests per connection would cost it reconnects.
_NGINX_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 302 {target}; }}
    }}
}}
"""


class ServerFailed(Exception):
    """A server did not start; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    url: str
    pid: int
    #: Seconds from starting the process to its first answer.
    started_in: float

    def cpu_seconds(self, name: str = "") -> float:
        """CPU time so far of its processes whose names begin with `name`."""
        return sum(map(cpu.cpu_seconds, cpu.named(self.pid, name)))

    def memory(self, name: str = "") -> Memory:
        """What its processes keep in memory whose names begin with `name`."""
        return sum(map(cpu.memory, cpu.named(self.pid, name)), Memory(0.0, 0.0))

    def peak(self, name: str) -> float:
        """The most that they have kept so far, or since `forget_peak`, RSS in MB."""
        return sum(map(cpu.peak, cpu.named(self.pid, name)))

    def forget_peak(self, name: str) -> None:
        """Begins `peak` anew."""
        for pid in cpu.named(self.pid, name):
            cpu.forget_peak(pid)


@contextmanager
def directory() -> Iterator[Path]:
    """A temporary directory, on the same disk for all that is compared."""
    with tempfile.TemporaryDirectory(prefix="shortener-bench-") as folder:
        yield Path(folder)


@contextmanager
def nginx(folder: Path, core: int) -> Iterator[Server]:
    """nginx that redirects everything to TARGET, without a log. Raises ServerFailed."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX_CONFIGURATION.format(folder=folder, port=port, target=TARGET))
    command = [NGINX, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with _running(command, folder, core, port, "/x", {}) as server:
        yield server


@contextmanager
def shortener(
    folder: Path,
    core: int,
    *,
    first: str = "/healthz",
    workers: int = 1,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Server]:
    """`shortener serve` with its data in `folder`; up when it answers `first`. Raises ServerFailed.

    `settings` are environment variables for it.
    """
    port = free_port()
    program = str(PYTHON.with_name("shortener"))
    command = [program, "serve", "--port", str(port), "--workers", str(workers)]
    with _running(command, folder, core, port, first, {**_environment(folder), **settings}) as server:
        yield server


@contextmanager
def routes(folder: Path, core: int, *, first: str = "/healthz") -> Iterator[Server]:
    """The shortener's application under uvicorn itself, so without the edge; up when it answers `first`.

    The database in `folder` must be there already. Raises ServerFailed.
    """
    port = free_port()
    options = ["--no-access-log", "--no-proxy-headers", "--no-server-header", "--port", str(port)]
    command = [str(PYTHON), "-m", "uvicorn", *options, "--factory", "shortener.app:create_app"]
    with _running(command, folder, core, port, first, _environment(folder)) as server:
        yield server


@contextmanager
def tutorial(folder: Path, core: int, *, first: str = "/openapi.json") -> Iterator[Server]:
    """The tutorial's app under uvicorn, without access log; up when it answers `first`. Raises ServerFailed."""
    port = free_port()
    app = ["--app-dir", str(_ROOT), "tests.bench.tutorial:app"]
    command = [str(PYTHON), "-m", "uvicorn", "--no-access-log", "--port", str(port), *app]
    with _running(command, folder, core, port, first, {}) as server:
        yield server


def database_url(folder: Path) -> str:
    """Where a shortener with its data in `folder` has its database, unless it is told otherwise."""
    return f"sqlite:///{folder / 'shortener.db'}"


def _environment(folder: Path) -> dict[str, str]:
    return {"SHORTENER_DATA_DIR": str(folder), "SHORTENER_ADMIN_KEY": ADMIN_KEY}


@contextmanager
def _running(
    command: Sequence[str], folder: Path, core: int, port: int, first: str, environment: Mapping[str, str]
) -> Iterator[Server]:
    # What the developer's own environment says must not change what is measured.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHORTENER_")}
    log = folder / "output.log"
    started = time.perf_counter()
    with log.open("ab") as output, cpu.pinned(core):
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for_answer(process, url + first, log)
        yield Server(url, process.pid, time.perf_counter() - started)
    finally:
        _stop(process)


def _wait_for_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    # The environment's proxy must not be asked for what is on this machine.
    with httpx2.Client(trust_env=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(url).status_code < 400:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(_LOOK_SECONDS)
    raise ServerFailed(f"{url} does not answer: {log.read_text(errors='replace')[-1000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server, which ends what it has started; and, by its process group, whatever is left all the same."""
    with suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
