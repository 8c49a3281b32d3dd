"""The election: which process drains a data directory, and how the others know that it is well.

The elected one holds a lock on `drainer.lock`, touches it about once a second, and writes into it what is wrong. The
kernel lets go of the lock when the process dies.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

_NAME = "drainer.lock"
#: Seconds between signs of life.
_BEAT_SECONDS = 1.0
#: Seconds without one after which the drainer is given up: twice what one transaction waits for a locked database.
SILENCE_SECONDS = 10.0
#: Bytes of a fault that are read.
_MOST_BYTES = 4096
_UNKNOWN = "?"


class Election:
    """A candidate. Not for several threads; `close` it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self._next_beat = 0.0
        # What stands in the file; of one that a predecessor left nothing is known.
        self._told: str | None = _UNKNOWN

    def won(self) -> bool:
        """Whether this is the one drainer of its folder; once it is, it stays so until `close`.

        Where the folder was removed there is nothing left to be elected for: it is made again, and so is the choice.
        Raises OSError where that cannot be done.
        """
        if self._descriptor is not None:
            if self._is_in_place(self._descriptor):
                return True
            self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._descriptor, self._told = descriptor, _UNKNOWN
        return True

    def beat(self, fault: str | None) -> None:
        """Gives a sign of life, if one is due or the `fault` is another. Nothing before the election is won."""
        now = time.monotonic()
        if self._descriptor is None or (now < self._next_beat and fault == self._told):
            return
        # On a full disk the words may be missing. Whatever is wrong here has shown itself elsewhere.
        with suppress(OSError):
            os.utime(self._descriptor)
            if fault != self._told:
                content = (fault or "").encode("utf-8", "replace")[:_MOST_BYTES]
                os.pwrite(self._descriptor, content, 0)
                os.ftruncate(self._descriptor, len(content))
        self._next_beat, self._told = now + _BEAT_SECONDS, fault

    def close(self) -> None:
        """Lets another one be elected."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._folder / _NAME), os.fstat(descriptor))
        except OSError:
            return False


def condition(folder: Path) -> str | None:
    """What is wrong with the drainer of the spool in `folder`, in a sentence; None if it is at work and well."""
    try:
        descriptor = os.open(folder / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return "The drainer is not running."
    try:
        if not _is_locked(descriptor):
            return "The drainer is not running."
        silence = time.time() - os.fstat(descriptor).st_mtime
        fault = os.pread(descriptor, _MOST_BYTES, 0).decode("utf-8", "replace")
    finally:
        os.close(descriptor)
    if silence > SILENCE_SECONDS:
        return f"The drainer has given no sign of life for {silence:.0f} seconds."
    return f"Clicks cannot be counted: {fault}" if fault else None


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
