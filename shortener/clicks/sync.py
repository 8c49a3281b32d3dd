"""Syncing: a thread beside the event loop that brings what was appended onto the disk, and prepares the next segment.

It sleeps while there is nothing to do, and shares no lock with appending: what passes between the two are single
attributes and deques, whose operations cannot come between each other. Only taking the next segment has locks.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Protocol, TypeVar

import structlog

from shortener import metrics
from shortener.clicks.segment import Segment
from shortener.clicks.supply import RETRY_SECONDS, Supply

#: Seconds from the first unsynced append to its sync: what a power cut may cost. Costs 3 % of a core under load.
GATHER_SECONDS = 0.01
#: Seconds between looks at whether the segment is still in its place.
LOOK_SECONDS = 1.0

log = structlog.get_logger()

_Item = TypeVar("_Item")


class Writer(Protocol):
    """What the thread needs of the spool it works for."""

    waits: bool
    #: The segment in use.
    segment: Segment | None
    #: Segments that nothing is added to any more; to be synced and closed.
    retired: deque[Segment]

    def progress(self) -> int:
        """Grows with every append."""

    def wants_next(self) -> bool:
        """Whether it is time to prepare the next segment."""

    def flush(self) -> None:
        """Writes what is only in memory."""

    def lose(self, segment: Segment) -> None:
        """`segment` is not in its place any more: another is needed."""


class Syncer:
    """The thread of one spool. Start it, `stop` it."""

    def __init__(self, writer: Writer, supply: Supply) -> None:
        self._writer = writer
        self._supply = supply
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._roused = threading.Event()
        self._closing = threading.Event()
        self._synced = 0
        # The segment whose name is on the disk, and the one whose name is gone.
        self._anchored: Segment | None = None
        self._missed: Segment | None = None
        self._next_look = 0.0
        #: Whether it must be roused for new work to be seen.
        self.asleep = False
        #: Why the last sync failed, in words; None while they succeed.
        self.fault: str | None = None
        #: Whether half of the spool is taken; looked at once a second.
        self.is_half_full = False
        self._thread = threading.Thread(target=self._run, name="spool-sync", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after a last sync."""
        self._closing.set()
        self.rouse()
        if self._thread.is_alive():
            self._thread.join()

    def rouse(self) -> None:
        """There is work."""
        self.asleep = False
        self._roused.set()

    async def durable(self) -> None:
        """Returns once everything appended before is on the disk, or cannot be brought there."""
        if not self._thread.is_alive():
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.rouse()
        await waiter

    def _run(self) -> None:
        while not self._closing.is_set():
            self._sleep()
            self._attempt()
        self._attempt()

    def _attempt(self) -> None:
        try:
            self._cycle()
        except Exception as error:  # nothing may end this loop: those who wait for a sync would wait for ever
            log.error("the spool's thread failed, going on", cause=repr(error), exc_info=True)
            self._closing.wait(RETRY_SECONDS)

    def _sleep(self) -> None:
        """Returns when there is work."""
        self._roused.clear()
        self.asleep = True
        # Looked at after saying so: who appends from here on sees that it must rouse.
        if not self._has_work():
            # What is not well is looked at again, without a click to ask for it.
            unwell = self._supply.wanted or self.fault is not None or self.is_half_full
            self._roused.wait(RETRY_SECONDS if unwell else None)
        self.asleep = False

    def _has_work(self) -> bool:
        writer = self._writer
        return (
            writer.progress() != self._synced
            or bool(self._waiters)
            or bool(writer.retired)
            or self._supply.is_preparing
            or self._closing.is_set()
        )

    def _cycle(self) -> None:
        if not self._writer.waits:
            self._closing.wait(GATHER_SECONDS)
        waiters = _taken(self._waiters)
        try:
            self._sync()
        finally:
            _release(waiters)
        if not self._closing.is_set():
            self._look()
            if self._supply.wanted or self._supply.is_preparing or self._writer.wants_next():
                self._supply.prepare()

    def _sync(self) -> None:
        writer = self._writer
        progress = writer.progress()
        writer.flush()
        # In this order: a segment that is retired in between is synced as the current one, and closed next time.
        current = writer.segment
        retired = _taken(writer.retired)
        for segment in dict.fromkeys([*retired, *([current] if current else [])]):
            self._sync_one(segment)
        self._synced = progress
        for segment in retired:
            segment.close()

    def _sync_one(self, segment: Segment) -> None:
        try:
            os.fdatasync(segment.descriptor)
            if segment is not self._anchored:
                _sync_folder(segment)
                self._anchored = segment
            self.fault = None
        except (FileNotFoundError, NotADirectoryError):
            # Its folder is gone, which `_look` finds out by itself.
            return
        except OSError as error:
            metrics.SPOOL_SYNC_FAILURES.inc()
            if self.fault is None:
                log.error("clicks could not be synced to the disk", path=str(segment.path), cause=str(error))
            self.fault = f"they are written, but not synced to the disk: {error}"

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        current = self._writer.segment
        if current is not None and current is not self._missed and not current.is_in_place():
            self._missed = current
            log.error(
                "the spool's segment was removed: what was not drained from it is lost, another one is begun",
                path=str(current.path),
            )
            self._supply.forget()
            self._writer.lose(current)
        self.is_half_full = self._supply.room.is_half_full(self._supply.folder)


def _taken(items: deque[_Item]) -> list[_Item]:
    """Everything that is in `items` now, which is taken out."""
    return [items.popleft() for _ in range(len(items))]


def _release(waiters: Iterable[asyncio.Future[None]]) -> None:
    groups: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiter in waiters:
        groups.setdefault(waiter.get_loop(), []).append(waiter)
    for loop, group in groups.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, group)


def _settle(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _sync_folder(segment: Segment) -> None:
    """Brings the segment's name onto the disk."""
    descriptor = os.open(segment.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
