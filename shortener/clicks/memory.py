"""Appending to memory: the cheapest spool, for those who would rather lose a click than spend a write on each.

What has been appended is written by the thread within some ten milliseconds, and by `close`. A process that is killed
loses it.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from shortener.clicks.room import Room
from shortener.clicks.spool import Spool

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

    def append_together(self, payloads: Sequence[bytes]) -> None:
        """Takes clicks."""
        for payload in payloads:
            self.append(payload)

    def progress(self) -> int:
        """Grows with every append."""
        return self._taken

    def flush(self) -> None:
        """Writes what is only in memory. For the thread."""
        while self._waiting:
            payloads = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
            if not self._write_together(payloads):
                for payload in payloads:
                    super().append(payload)
