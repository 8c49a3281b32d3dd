"""Sources: segments that are being read, from their mark on."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shortener.clicks import quarantine, segment

#: Seconds for which nobody must have written a segment before its end is judged. A worker that dies leaves nothing
#: that changes later; a file that is being copied in has no writer's lock, and does.
SETTLE_SECONDS = 2.0


@dataclass(slots=True)
class Piece:
    """A frame that is whole and cannot be understood."""

    offset: int
    size: int
    why: str


@dataclass(slots=True)
class Source:
    """A segment that is being read; `close` it. It stays readable when its name is gone."""

    path: Path
    descriptor: int
    header: segment.Header
    #: Where to go on, as committed; None before anything was.
    mark: int | None
    #: What the last reading could not understand.
    damaged: list[Piece] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Where to read on."""
        return self.mark or segment.HEADER_SIZE

    def is_over(self) -> bool:
        """Whether nothing will be added: its worker is gone, and nobody else is writing the file."""
        if not segment.is_abandoned(self.descriptor):
            return False
        return abs(time.time() - os.fstat(self.descriptor).st_mtime) > SETTLE_SECONDS

    def quarantine_damaged(self) -> None:
        """Keeps what was whole and could not be understood. Raises OSError."""
        for piece in self.damaged:
            quarantine.keep(self.path, self.header, self.descriptor, piece.offset, piece.size, piece.why)
        self.damaged.clear()

    def finish(self) -> None:
        """Sets aside what stands behind the last frame, and cuts the file there. Raises OSError.

        Cut only after what is cut is safe elsewhere, so that doing it again after a crash finds the same or nothing.
        A segment in which there never was a frame has nothing to be kept for and is removed.
        """
        torn = quarantine.keep_rest(self.path, self.header, self.descriptor, self.start)
        if not torn and self.mark is None:
            self._remove()
        elif os.fstat(self.descriptor).st_size > self.start:
            os.ftruncate(self.descriptor, self.start)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self.descriptor)

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            if os.path.samestat(self.path.stat(), os.fstat(self.descriptor)):
                self.path.unlink()
