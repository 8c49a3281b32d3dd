"""The spool: where a worker puts a click before it answers. Appending never raises and never waits for a database.

What has been appended survives the death of the process, since the kernel has it (`os.pwrite`).
"""

import os
import tempfile
from pathlib import Path

import structlog

from shortener import metrics
from shortener.clicks import frame, segment

#: A segment is closed at this size, in bytes, and the next one begun.
SEGMENT_SIZE = 16 * 1024 * 1024
#: Orphans this worker records per second; a scan must not push out real clicks.
ORPHANS_PER_SECOND = 50

log = structlog.get_logger()


def try_folder(folder: Path) -> None:
    """Makes `folder` if need be, and a file in it that is gone again. Raises OSError where that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


class Spool:
    """One worker's end of the spool. Not for several threads at once; `close` it."""

    def __init__(self, folder: Path, database_id: bytes) -> None:
        """`folder` is made if need be. Where that fails, appending fails until it can be done."""
        #: Where the segments are.
        self.folder = folder
        self._database_id = database_id
        self._descriptor: int | None = None
        self._seed = 0
        self._offset = 0
        self._orphan_second = 0
        self._orphans = 0
        #: The last failure, in words; None while appending works.
        self.fault: str | None = None
        try:
            self._rotate()
        except OSError as error:
            self._note(error)

    def append(self, payload: bytes) -> bool:
        """Records a click; False if it had to be dropped, which is logged and counted."""
        try:
            self._write(payload)
        except OSError as error:
            self._note(error)
            metrics.CLICKS_DROPPED.inc()
            return False
        self.fault = None
        metrics.CLICKS_SPOOLED.inc()
        return True

    def append_orphan(self, payload: bytes, now_seconds: int) -> bool:
        """Records a visit to an unknown code, within the budget of this second; False if beyond it or dropped."""
        if now_seconds != self._orphan_second:
            self._orphan_second, self._orphans = now_seconds, 0
        self._orphans += 1
        if self._orphans > ORPHANS_PER_SECOND:
            metrics.ORPHANS_UNRECORDED.inc()
            return False
        return self.append(payload)

    def close(self) -> None:
        """Hands the segment over to the drainer for good."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, payload: bytes) -> None:
        if self._descriptor is None or self._offset + len(payload) > SEGMENT_SIZE:
            self._rotate()
        assert self._descriptor is not None  # noqa: S101  # _rotate sets it or raises
        sealed = frame.seal(payload, self._seed)
        written = os.pwrite(self._descriptor, sealed, self._offset)
        if written < len(sealed):
            raise OSError(f"only {written} of {len(sealed)} bytes written")
        self._offset += written

    def _rotate(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, header = segment.create(self.folder, self._database_id)
        self.close()
        self._descriptor, self._seed, self._offset = descriptor, header.seed, segment.HEADER_SIZE

    def _note(self, error: OSError) -> None:
        if self.fault is None:
            log.error("the spool cannot be written: clicks are dropped", folder=str(self.folder), cause=str(error))
        self.fault = str(error)
