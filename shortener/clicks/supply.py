"""The supply of segments: the next one is made beforehand by a thread, so that the event loop need not wait for it.

A segment that is ready has its final name already: taking it into use is a matter of memory only. Drainers see a
locked segment without frames, which means "not yet" to them like any other.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog

from shortener.clicks import segment
from shortener.clicks.room import Room
from shortener.clicks.segment import Segment

#: Bytes of segments made while somebody waits: the first of a worker, and wherever the next large one is not ready.
#: Small, because zeroing it takes 0.3 ms.
SMALL_SIZE = 1024 * 1024
#: Bytes of those made beforehand: three seconds at 20,000 clicks a second, and few enough files when much is waiting.
LARGE_SIZE = 16 * 1024 * 1024
#: Seconds between attempts where none can be made: a full disk must not cost a failed attempt per click.
RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Supply:
    """Makes the segments of one spool. `take` is for the writer, `prepare` for the one thread beside it."""

    def __init__(self, folder: Path, database_id: bytes, room: Room) -> None:
        self.folder = folder
        self.room = room
        self._database_id = database_id
        self._ready: list[Segment] = []
        # A segment comes or goes and the fault ends in one step: otherwise the thread could end a fault that the
        # writer noted after using up that very segment.
        self._turn = threading.Lock()
        self._unfinished: Segment | None = None
        # Seeing that there is room for a segment and beginning it: two at once would both take the last room.
        self._beginning = threading.Lock()
        self._next_take = self._next_prepare = 0.0
        #: The writer has nowhere to write: make something soon, and say what prevents it.
        self.wanted = False
        #: Why nothing can be written, in words; None while all is well.
        self.fault: str | None = None

    @property
    def is_preparing(self) -> bool:
        """Whether `prepare` has begun a segment and not finished it."""
        return self._unfinished is not None

    def take(self) -> Segment | None:
        """The segment that is ready, else a small one made on the spot; None where that fails, with a `fault`."""
        with self._turn:
            found = self._pop()
        return found or self._make()

    def prepare(self) -> None:
        """Goes a step towards having a segment ready, if none is."""
        with self._turn:
            if self._ready:
                self.clear()
                return
        try:
            if self._unfinished is None:
                self._begin()
            else:
                self._go_on(self._unfinished)
        except OSError as error:
            self._abandon()
            self._next_prepare = time.monotonic() + RETRY_SECONDS
            if self.wanted:
                self.note(error)

    def note(self, error: OSError) -> None:
        """Notes that clicks cannot be written, and tells it once."""
        if self.fault is None:
            log.error("the spool cannot be written: clicks are dropped", folder=str(self.folder), cause=str(error))
        self.fault, self.wanted = str(error), True

    def clear(self) -> None:
        """Notes that clicks can be written."""
        if self.fault is not None:
            log.info("the spool can be written again", folder=str(self.folder))
        self.fault, self.wanted = None, False

    def forget(self) -> None:
        """Gives up what is ready or begun: its folder is gone. For the thread that prepares."""
        with self._turn:
            while self._ready:
                self._ready.pop().close()
        self._abandon()
        self._next_prepare = 0.0
        self.wanted = True

    def close(self) -> None:
        """Removes what was made and not taken."""
        with self._turn:
            while self._ready:
                self._ready.pop().discard()
        self._abandon()

    def _make(self) -> Segment | None:
        now = time.monotonic()
        if now < self._next_take:
            return None
        try:
            with self._beginning:
                self._check(SMALL_SIZE)
                made = segment.create(self.folder, self._database_id, SMALL_SIZE)
        except OSError as error:
            with self._turn:
                # The thread may have finished one meanwhile: it took the room that was missing here.
                found = self._pop()
                if found is None:
                    self._next_take = now + RETRY_SECONDS
                    self.note(error)
                return found
        self.clear()
        return made

    def _pop(self) -> Segment | None:
        """Takes the segment that is ready, None if there is none. The caller holds `_turn`."""
        if not self._ready:
            return None
        self.clear()
        return self._ready.pop()

    def _begin(self) -> None:
        """Begins a large segment, or a small one where somebody waits or there is no room for more."""
        if time.monotonic() < self._next_prepare:
            return
        with self._beginning:
            self._unfinished = Segment(self.folder, self._database_id, self._affordable_size())

    def _affordable_size(self) -> int:
        """That of the largest segment that there is room for. Raises OSError where there is none for any."""
        if not self.wanted:
            with suppress(OSError):
                self._check(LARGE_SIZE)
                return LARGE_SIZE
        self._check(SMALL_SIZE)
        return SMALL_SIZE

    def _go_on(self, unfinished: Segment) -> None:
        whole = unfinished.zero()
        # Not only with the first click, and before it has its name: a power cut must leave none without its header.
        os.fdatasync(unfinished.descriptor)
        if whole:
            unfinished.reveal()
            with self._turn:
                self._ready.append(unfinished)
                self.clear()
                self._unfinished = None

    def _check(self, size: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = self._unfinished
        self.room.require(self.folder, size + (begun.missing if begun is not None else 0))

    def _abandon(self) -> None:
        if self._unfinished is not None:
            self._unfinished.discard()
            self._unfinished = None
