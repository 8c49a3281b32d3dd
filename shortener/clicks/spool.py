"""The spool: where a worker puts a click before it answers. Appending never raises and never waits for a database.

What has been appended survives the death of the process, since the kernel has it (`os.pwrite`); a thread brings it
onto the disk within a few milliseconds (sync.py).
"""

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from shortener import metrics
from shortener.clicks import frame, segment
from shortener.clicks.room import Room
from shortener.clicks.segment import Segment
from shortener.clicks.supply import Supply
from shortener.clicks.sync import Syncer

#: Orphans this worker records per second; a scan must not push out real clicks.
ORPHANS_PER_SECOND = 50
#: The next segment is prepared once this part of the current one is used: one that gets no clicks takes 1 MiB only.
_PREPARE_AT = 1 / 2
#: Longest payload that a drainer would read: a frame's length counts its version too.
MAX_PAYLOAD = frame.MAX_LENGTH - 1

log = structlog.get_logger()


class Spool:
    """One worker's end of the spool. Appending is for one event loop; `close` it."""

    def __init__(self, folder: Path, database_id: bytes, room: Room | None = None, *, waits: bool = False) -> None:
        """`folder` is made if need be. Where that fails, appending fails until it can be done."""
        #: Whether an answer must wait for `durable` before it is sent.
        self.waits = waits
        #: Clicks written, and clicks that could not be.
        self.appended = self.dropped = 0
        #: Orphans beyond their budget.
        self.orphans_unrecorded = 0
        #: The segment in use, and those that the thread has yet to close.
        self.segment: Segment | None = None
        self.retired: deque[Segment] = deque()
        self._published = (0, 0, 0)
        self._orphan_second = self._orphans = 0
        self._descriptor = self._seed = self._offset = 0
        # Frames may reach up to here; 0 sends the next append the long way, where things are put right.
        self._limit = 0
        self._lost: Segment | None = None
        self._closed = False
        self._supply = Supply(folder, database_id, room or Room())
        self._syncer = Syncer(self, self._supply)
        first = self._supply.take()
        if first is not None:
            self._use(first)
        self._syncer.start()

    @property
    def folder(self) -> Path:
        """Where the segments are."""
        return self._supply.folder

    @property
    def fault(self) -> str | None:
        """The last failure, in words; None while all is well. Ends by itself, also without clicks."""
        return self._supply.fault or self._syncer.fault

    def append(self, payload: bytes) -> bool:
        """Records a click; False if it had to be dropped, which is counted, and told once."""
        sealed = frame.seal(payload, self._seed)
        end = self._offset + len(sealed)
        if end > self._limit or len(payload) > MAX_PAYLOAD:
            return self._append_the_long_way(payload)
        error = self._write(sealed, 1)
        return True if error is None else self._drop(error)

    def append_together(self, payloads: Sequence[bytes]) -> None:
        """Records clicks, at least one, with one write for all; where that does not do, with one for each."""
        if not self._write_together(payloads):
            for payload in payloads:
                self.append(payload)

    def admits_orphan(self, now_seconds: int) -> bool:
        """Whether a visit to an unknown code may be appended, within the budget of this second, which it uses up.

        Once the spool is half full there is no budget: the rest is for real clicks.
        """
        if now_seconds != self._orphan_second:
            self._orphan_second, self._orphans = now_seconds, 0
        self._orphans += 1
        if self._orphans > ORPHANS_PER_SECOND or self._syncer.is_half_full:
            self.orphans_unrecorded += 1
            return False
        return True

    async def durable(self) -> None:
        """Returns once everything appended so far is on the disk; at once or in vain where it cannot be.

        Any number of waiters share one sync.
        """
        await self._syncer.durable()

    def publish(self) -> None:
        """Adds what has been counted since the last call to the metrics. Call it once a second or so."""
        counted = (self.appended, self.dropped, self.orphans_unrecorded)
        counters = (metrics.CLICKS_SPOOLED, metrics.CLICKS_DROPPED, metrics.ORPHANS_UNRECORDED)
        for counter, now, before in zip(counters, counted, self._published, strict=True):
            counter.inc(now - before)
        self._published = counted

    def close(self) -> None:
        """Hands the segments over to the drainer for good. What is appended from now on is dropped."""
        if self._closed:
            return
        self._syncer.stop()
        self._closed = True
        self._limit = 0
        if self.segment is not None:
            self.segment.close()
        for each in self.retired:
            each.close()
        self._supply.close()
        self.publish()

    def progress(self) -> int:
        """Grows with every append."""
        return self.appended

    def wants_next(self) -> bool:
        """Whether it is time to prepare the next segment."""
        return self.segment is not None and self._offset > self.segment.size * _PREPARE_AT

    def flush(self) -> None:
        """Writes what is only in memory: nothing here."""

    def lose(self, segment: Segment) -> None:
        """`segment` is not in its place any more: the next append takes another. For the thread."""
        self._lost = segment
        if segment is self.segment:
            self._limit = 0

    def _write_together(self, payloads: Sequence[bytes]) -> bool:
        """Writes them all at once; False, and nothing is recorded, where that is not possible as it stands."""
        seed = self._seed
        frames = b"".join([frame.seal(payload, seed) for payload in payloads])
        end = self._offset + len(frames)
        if end > self._limit or max(map(len, payloads)) > MAX_PAYLOAD:
            return False
        return self._write(frames, len(payloads)) is None

    def _write(self, frames: bytes, clicks: int) -> OSError | None:
        """Writes `frames` behind the others, of so many clicks; what prevented it, and then nothing is recorded."""
        try:
            written = os.pwrite(self._descriptor, frames, self._offset)
        except OSError as error:
            return error
        if written != len(frames):
            return self._erase(written, len(frames))
        self._offset += written
        self.appended += clicks
        if self._syncer.asleep:
            self._syncer.rouse()
        return None

    def _append_the_long_way(self, payload: bytes) -> bool:
        """Appends where something has to be done first: a frame that does not fit, or a fault that may be over."""
        if self._closed:
            self.dropped += 1
            return False
        if len(payload) > MAX_PAYLOAD:
            log.error("a click is too long to be recorded", bytes=len(payload), at_most=MAX_PAYLOAD)
            self.dropped += 1
            return False
        if self._try_again(frame.seal(payload, self._seed)):
            return True
        taken = self._supply.take()
        if taken is None:
            return self._drop()
        self._use(taken)
        return self.append(payload)

    def _try_again(self, sealed: bytes) -> bool:
        """Writes a frame where the last one failed, if the segment has room for it and is in its place."""
        current = self.segment
        if current is None or current is self._lost or self._offset + len(sealed) > current.size:
            return False
        if self._write(sealed, 1) is not None:
            return False
        self._limit = current.size
        self._supply.clear()
        return True

    def _erase(self, written: int, wanted: int) -> OSError:
        """Takes back a piece of a frame, which would stand behind a shorter one as if it were torn; what to say."""
        with suppress(OSError):
            os.pwrite(self._descriptor, bytes(written), self._offset)
        return OSError(f"only {written} of {wanted} bytes written")

    def _use(self, taken: Segment) -> None:
        # The old one first: the thread must find it in one place or the other.
        if self.segment is not None:
            self.retired.append(self.segment)
        self.segment = taken
        self._descriptor, self._seed = taken.descriptor, taken.header.seed
        self._offset, self._limit = segment.HEADER_SIZE, taken.size

    def _drop(self, error: OSError | None = None) -> bool:
        """Counts a click that could not be written, and has the thread look for a remedy."""
        self.dropped += 1
        if error is not None:
            self._limit = 0
            self._supply.note(error)
        self._syncer.rouse()
        return False
