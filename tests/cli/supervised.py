"""Supervisors of processes that misbehave: `python -m tests.cli.supervised SCENE FOLDER`. Ends like `serve`."""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from shortener import child, errors, logs, supervisor
from shortener.child import Job, Report
from shortener.supervisor import Supervisor


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def obedient(name: str) -> Callable[[Report], int]:
    """A child that says that it is up, waits for SIGTERM and says that it ends."""

    def run(report: Report) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        report()
        say(f"{name} is up")
        signal.sigwait({signal.SIGTERM})
        say(f"{name} ends")
        return 0

    return run


def stubborn(report: Report) -> int:
    """A child that does not end when it is told to."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    report()
    say("child is up")
    while True:
        time.sleep(60)


def mute(_report: Report) -> int:
    """A child that never says that it is up."""
    say("child is here")
    while True:
        time.sleep(60)


def hanging_once(folder: Path) -> Callable[[Report], int]:
    """A child that falls silent; the next one does not."""

    def run(report: Report) -> int:
        report()
        if not (folder / "hung").exists():
            (folder / "hung").touch()
            return mute(report)
        say("the next one is up")
        while True:
            report()
            time.sleep(0.05)

    return run


def failing(_report: Report) -> int:
    """A child with a fault that nobody has foreseen."""
    raise ZeroDivisionError("nobody has foreseen this")


def without_room(allowed: int) -> Callable[[], int]:
    """A fork that works `allowed` times, fails once and works again."""
    calls = 0
    fork = os.fork

    def forked() -> int:
        nonlocal calls
        calls += 1
        if calls == allowed + 1:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return fork()

    return forked


def supervise(scene: str, folder: Path) -> None:
    """Plays one scene until it is told to end."""
    worker, companions = Job("worker-1", obedient("worker"), 5.0), [Job("drainer", obedient("drainer"), 5.0)]
    fork: Callable[[], int] = os.fork
    match scene:
        case "stubborn":
            worker = Job("worker-1", stubborn, 0.2)
        case "only the pipe":
            worker = Job("worker-1", stubborn, 5.0)
            child._libc = None
        case "mute":
            worker = Job("worker-1", mute, 0.2)
        case "hanging":
            worker = Job("worker-1", hanging_once(folder), 5.0, beats=True)
            supervisor.SILENCE_SECONDS = 0.5
        case "failing":
            worker = Job("worker-1", failing, 5.0)
        case "no room for the first":
            fork = without_room(0)
        case "no room for the second":
            fork = without_room(1)
    with socket.create_server(("127.0.0.1", 0)) as listener, mock.patch("os.fork", fork):
        Supervisor(listener, [worker], companions).run(lambda: say("up"))


if __name__ == "__main__":
    logs.configure("info", as_json=False)
    supervisor.LOOK_SECONDS = 0.1
    try:
        supervise(sys.argv[1], Path(sys.argv[2]))
    except errors.StartFailed as error:
        sys.exit(error.detail)
