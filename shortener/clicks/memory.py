"""Appending to memory: the cheapest spool, for those who would rather lose a click than spend a write on each.

What has been appended is written by the thread within some ten milliseconds, and by `close`. A process that is killed
loses it.
"""

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from shortener.clicks import frame
from shortener.clicks.room import Room
from shortener.clicks.spool import MAX_PAYLOAD, Spool

#: Payloads that may wait, about 300 bytes each. Beyond them the disk is stuck, and what comes is dropped.
_MOST_WAITING = 100_000
#: Payloads written at once: enough that the write costs little per click.
_TOGETHER = 64


class MemorySpool(Spool):
    """A spool whose appends are written later, by its thread."""

    def __init__(self, folder: Path, database_id: bytes, room: Room | None = None) -> None:
        self._waiting: deque[bytes] = deque()
        self._taken = 0
        super().__init__(folder, database_id, room)

    def append(self, payload: bytes) -> bool:
        """Takes a click; False if it had to be dropped. One that cannot be written later is counted then."""
        if self._closed or len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return False
        self._waiting.append(payload)
        self._taken += 1
        if self._syncer.asleep:
            self._syncer.rouse()
        return True

    def progress(self) -> int:
        """Grows with every append."""
        return self._taken

    def flush(self) -> None:
        """Writes what is only in memory. For the thread."""
        while self._waiting:
            payloads = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
            if not self._append_together(payloads):
                for payload in payloads:
                    super().append(payload)

    def _append_together(self, payloads: Sequence[bytes]) -> bool:
        """Writes them all at once; False, and nothing is recorded, where that is not possible as it stands."""
        frames = b"".join(frame.seal(payload, self._seed) for payload in payloads)
        end = self._offset + len(frames)
        if end > self._limit or max(map(len, payloads)) > MAX_PAYLOAD:
            return False
        try:
            written = os.pwrite(self._descriptor, frames, self._offset)
        except OSError:
            return False
        if written != len(frames):
            self._erase(written, len(frames))
            return False
        self._offset = end
        self.appended += len(payloads)
        return True
