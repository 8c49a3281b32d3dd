"""The supervisor: one socket, N workers, one drainer. Starts them, restarts whichever dies, passes signals on.

It has one thread, no event loop and no connection to anything, since it forks. It waits in one place, for signals and
for what its children report.
"""

import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from shortener import child, errors
from shortener.child import Child, Job

#: Seconds until a child that died is started again: at once, then doubling between the two.
BACKOFF_SECONDS = (0.1, 5.0)
#: Seconds after which a child that died had lived well: the next one is started at once again.
LIVED_SECONDS = 10.0
#: Seconds without a report after which a worker hangs. A worker reports every second; the longest thing it waits for,
#: a lock of the database, takes five.
SILENCE_SECONDS = 30.0
#: Seconds that a look lasts at most, and that it counts as silence at most: a supervisor that has been stopped for a
#: while, with its children, must not take that for theirs.
LOOK_SECONDS = 1.0

_STOPPING = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class _Post:
    """One job, the child that does it now, and when the next one may."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.child: Child | None = None
        #: When to start a child, by the monotonic clock.
        self.due = 0.0
        self._pause = 0.0

    def fill(self, lifeline: int, private: Sequence[int]) -> str | None:
        """Starts a child; if the system has no room for one, says so."""
        try:
            self.child = child.start(self.job, lifeline, private)
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        return None

    def ended(self) -> str | None:
        """How its child ended, if it has one and that has just ended."""
        return self.child.reap() if self.child is not None else None

    def vacate(self, how: str, now: float) -> None:
        """There is no child any more: sets the time for the next one."""
        lived_well = self.child is not None and now - self.child.born >= LIVED_SECONDS
        pause = 0.0 if lived_well else self._pause
        self.child = None
        self._pause = min(max(2 * pause, BACKOFF_SECONDS[0]), BACKOFF_SECONDS[1])
        self.due = now + pause
        log.warning("a process ended, starting it again", process=self.job.name, how=how, seconds=pause)


class Supervisor:
    """Keeps `workers` running on `listener`, and `companions` beside them. Of use once."""

    def __init__(self, listener: socket.socket, workers: Sequence[Job], companions: Sequence[Job]) -> None:
        self._listener = listener
        self._workers = [_Post(job) for job in workers]
        self._companions = [_Post(job) for job in companions]
        #: Those that are to be filled at present.
        self._posts = self._workers
        #: A pipe that ends with this process, and one for signals.
        self._lifeline, self._life = os.pipe()
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        self._is_up = False
        self._stopping = False
        self._hurried = False

    def run(self, on_up: Callable[[], None]) -> None:
        """Runs until SIGTERM or SIGINT and until every child has ended; `on_up` is called once a worker is up.

        Companions start then and end last. A second SIGINT does not wait for requests in flight. Raises StartFailed
        if a worker ends before any was up, and whatever `on_up` raises.
        """
        gc.freeze()  # what exists now stays shared with the children: the collector leaves it alone
        gc.enable()
        with self._signals():
            try:
                while not (self._is_up or self._stopping):
                    self._look()
                if not self._stopping:
                    on_up()
                    self._posts = [*self._workers, *self._companions]
                while not self._stopping:
                    self._look()
            finally:
                self._wind_up()

    def _look(self) -> None:
        """Starts whom it is time to start, waits for news, takes note of who ended. Raises StartFailed."""
        now = time.monotonic()
        for post in self._posts:
            if post.child is None and now >= post.due:
                private = [self._life, self._woken, self._waking, *(found.reports for found in self._children())]
                self._note(post, post.fill(self._lifeline, private))
        starts = [post.due for post in self._posts if post.child is None]
        self._wait(min([now + LOOK_SECONDS, *starts]))
        for post in self._posts:
            self._note(post, post.ended())

    def _note(self, post: _Post, how: str | None) -> None:
        """Takes note of how the child of `post` ended, if it did. Raises StartFailed as long as none was up."""
        if how is None:
            return
        if self._stopping:  # the whole group was told to end
            post.child = None
        elif not self._is_up:
            post.child = None
            raise errors.StartFailed(f"the application did not start: {post.job.name}: {how}")
        else:
            post.vacate(how, time.monotonic())

    def _children(self) -> list[Child]:
        return [post.child for post in (*self._workers, *self._companions) if post.child is not None]

    def _wait(self, until: float) -> None:
        """Waits for a signal or a report, but not longer than `until`, and takes note of both."""
        began = time.monotonic()
        reporting = {found.reports: found for found in self._children()}
        ready, _, _ = select.select([self._woken, *reporting], [], [], max(0.0, until - began))
        for descriptor in ready:
            if descriptor == self._woken:
                self._take_signals(os.read(self._woken, 4096))
            elif reporting[descriptor].hear():
                self._is_up = True
        waited = min(time.monotonic() - began, LOOK_SECONDS)
        for found in reporting.values():
            if found.has_been_silent(waited, SILENCE_SECONDS):
                log.error("a process hangs and is killed", process=found.job.name, pid=found.pid)
                found.signal(signal.SIGKILL)

    def _take_signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number in _STOPPING:
                self._hurried |= self._stopping and number == signal.SIGINT
                self._stopping = True

    def _wind_up(self) -> None:
        self._stopping = True
        # Who comes now is refused, and not left waiting for someone to accept.
        self._listener.close()
        self._end(self._workers)
        self._end(self._companions)
        for descriptor in (self._lifeline, self._life, self._woken, self._waking):
            os.close(descriptor)

    def _end(self, posts: Sequence[_Post]) -> None:
        """Tells the children of `posts` to end, and sees to it that they do."""
        told = [post.child for post in posts if post.child is not None]
        for found in told:
            found.signal(signal.SIGTERM)
        deadline = time.monotonic() + max([found.job.grace for found in told], default=0.0)
        while remaining := [post.child for post in posts if post.child is not None]:
            now = time.monotonic()
            if self._hurried or now >= deadline:
                for found in remaining:
                    found.signal(signal.SIGKILL)
            self._wait(now + LOOK_SECONDS)
            for post in posts:
                if post.ended() is not None:
                    post.child = None

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals arrive in `_woken` while the block lasts. They do nothing else: one place decides."""
        numbers = (*_STOPPING, signal.SIGCHLD)
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        before = signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
