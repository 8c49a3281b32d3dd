"""What the children of the supervisor do: a worker answers, the drainer counts.

Whatever is heavy is imported and made here before the fork, so that a child starts at once and shares its memory.
"""

import contextlib
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Generator
from functools import partial

import uvicorn
import uvloop  # noqa: F401  # uvicorn would import it in every child
from fastapi import FastAPI

from shortener import app, errors, metrics, metrics_folder, pauses
from shortener.child import Job, Report
from shortener.clicks.drainer import Drainer
from shortener.settings import Settings
from shortener.storage.engine import Database
from shortener.web import metrics_port
from shortener.web.edge import EdgeProtocol
from shortener.web.protocol import BoundedHttpProtocol, sweep

#: Seconds that requests in flight have to finish after SIGTERM, and more in which a worker has to give up.
GRACE_SECONDS, GIVE_UP_SECONDS = 10, 2
#: Seconds for which the drainer goes on after SIGTERM while there is something to drain; the rest waits for the next
#: start. And more, for the transaction that it is in: its statements take five seconds at most.
LAST_DRAIN_SECONDS, LAST_TRANSACTION_SECONDS = 2.0, 5.0
#: uvicorn's main loop.
_TICKS_PER_SECOND = 10
_DRAINER = "drainer"


def jobs(
    configured: Settings, listener: socket.socket, workers: int, metrics_listener: socket.socket | None = None
) -> tuple[list[Job], list[Job]]:
    """The jobs of `workers` workers on `listener`, and those beside them. To be called before the first fork.

    On `metrics_listener` a process of its own shows the metrics.
    """
    application = app.create_app(configured, draining=False)
    config = _configuration(application, configured)
    answering = [
        Job(name, partial(_answer, name, config, listener), GRACE_SECONDS + GIVE_UP_SECONDS, beats=True)
        for name in (f"worker-{number}" for number in range(1, workers + 1))
    ]
    grace = LAST_DRAIN_SECONDS + LAST_TRANSACTION_SECONDS
    companions = [Job(_DRAINER, partial(_drain, configured, listener), grace)]
    if metrics_listener is not None:
        companions.append(Job("metrics", partial(_show_metrics, listener, metrics_listener), 0.0))
    return answering, companions


def _configuration(application: FastAPI, configured: Settings) -> uvicorn.Config:
    # The edge waits for nothing, so where an answer must wait for the disk the routes give it.
    waits = configured.click_durability == "power"
    config = uvicorn.Config(
        application,
        http=BoundedHttpProtocol if waits else EdgeProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        # The client's address is found by domain.visitor, by rules of our own.
        proxy_headers=False,
        server_header=False,
        # There are no websockets here; without this, every attempt would be two lines in the log.
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    return config


class _Server(uvicorn.Server):
    """uvicorn's server, which reports that it is up and that it still is, and ends quietly and soon."""

    def __init__(self, config: uvicorn.Config, report: Report) -> None:
        super().__init__(config)
        self._report = report

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and reports it."""
        await super().startup(sockets)
        self._report()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end."""
        if counter % _TICKS_PER_SECOND == 0:
            self._report()
            sweep(self.server_state.connections)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what would not end by itself, then waits for what does."""
        live = self.config.app.state.parts.live  # type: ignore[union-attr]  # it is our FastAPI
        if live is not None:
            live.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Ends on SIGTERM. SIGINT is the supervisor's; and no signal is raised again when all is done."""
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield


def _take_descriptors() -> None:
    """Allows as many connections as the system lets us have: the usual 1,024 are soon taken by who follows clicks."""
    with contextlib.suppress(OSError, ValueError):  # macOS allows less than it says
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _count_as(name: str) -> None:
    metrics_folder.reserve(name)
    metrics.claim(name)


def _answer(name: str, config: uvicorn.Config, listener: socket.socket, report: Report) -> int:
    """A worker: answers on `listener` until SIGTERM."""
    _count_as(name)
    _take_descriptors()
    pauses.shorten()
    # Here it is one line in the log; the framework would tell of a database that is away in a hundred.
    app.identify(config.app.state.parts.database)  # type: ignore[union-attr]  # it is our FastAPI
    try:
        _Server(config, report).run(sockets=[listener])
    except SystemExit as error:  # uvicorn's way to say that the application did not start; it has logged why
        return int(error.code or 0)
    return 0


def _drain(configured: Settings, listener: socket.socket, report: Report) -> int:
    """The drainer: drains, once elected, until SIGTERM, and then what is left while that is quickly done."""
    _count_as(_DRAINER)
    listener.close()
    # From here on the signal waits until it is asked for, below.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with (
        contextlib.closing(Database(configured.database, pooled=configured.is_pooled)) as database,
        contextlib.closing(app.make_drainer(configured, database)) as drainer,
    ):
        report()
        stop = threading.Event()
        # The drainer waits for an event, which a signal handler of its own thread could not set safely.
        thread = threading.Thread(target=_run_and_signal, args=(drainer, stop), name="drainer")
        thread.start()
        signal.sigwait({signal.SIGTERM})
        stop.set()
        thread.join()
        drain_rest(drainer, LAST_DRAIN_SECONDS)
    return 0


def _show_metrics(listener: socket.socket, metrics_listener: socket.socket, report: Report) -> int:
    """Shows the metrics until SIGTERM, which ends it at once: it has nothing to finish."""
    listener.close()
    report()
    metrics_port.serve(metrics_listener)
    return 0


def _run_and_signal(drainer: Drainer, stop: threading.Event) -> None:
    try:
        drainer.run(stop)
    finally:  # whatever ended it: the process must not go on without it
        os.kill(os.getpid(), signal.SIGTERM)


def drain_rest(drainer: Drainer, seconds: float) -> None:
    """Drains what is there, for `seconds` at most. What fails or remains is the next drainer's."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(errors.Broken, OSError):
        while time.monotonic() < deadline and drainer.elected() and drainer.step():
            pass
