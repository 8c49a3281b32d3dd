"""The drainer: moves clicks from the spool into the database, each exactly once, and has them folded.

One works per data directory, elected by a file lock. Exactly once, because the mark of how far a segment has been
read moves in the same transaction as what was read from it: a drainer that dies before its commit has done nothing,
one that dies after it has done all.
"""

import fcntl
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from shortener import errors, metrics
from shortener.clicks import batch, fold, frame, retention, segment
from shortener.clicks.labels import Labels
from shortener.domain.click import Click
from shortener.storage import clicks as rows
from shortener.storage.engine import Database

#: Frames per transaction: the write lock is held for less than 50 ms.
BATCH = 1000
#: Seconds between looks at an empty spool; statistics promise two seconds.
POLL_SECONDS = 0.2
#: Seconds to wait after a failure, doubled each time up to the second.
BACKOFF_SECONDS = (0.2, 5.0)
#: How long a drained segment stays, seconds, so that a restored database can read it again.
KEEP_SECONDS = 24 * 3600

log = structlog.get_logger()


@dataclass(slots=True)
class _Source:
    """A segment that is being read."""

    path: Path
    descriptor: int
    header: segment.Header
    #: Where to go on, as committed; None before anything was.
    mark: int | None
    #: The worker that wrote it is gone and everything in it has been read.
    finished: bool = False


class Drainer:
    """Drains one data directory into one database. Not for several threads; `close` it."""

    def __init__(self, folder: Path, database: Database, database_id: bytes) -> None:
        self._folder = folder
        self._database = database
        self._database_id = database_id
        self._labels = Labels()
        self._sources: dict[Path, _Source] = {}
        self._unreadable: set[Path] = set()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "drainer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._folding = fold.Folder(database)
        self._retention = retention.Retention(database)
        #: The last failure, in words; None while draining works.
        self.fault: str | None = None

    def elected(self) -> bool:
        """Whether this is the one drainer of its data directory; once it is, it stays so until `close`."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def run(self, stop: threading.Event) -> None:
        """Drains until `stop` is set, once elected. Faults of any kind are logged, counted and outlived."""
        backoff = BACKOFF_SECONDS[0]
        while not stop.is_set():
            try:
                busy = self.elected() and self.step()
                pause, backoff, self.fault = 0.0 if busy else POLL_SECONDS, BACKOFF_SECONDS[0], None
            except Exception as error:  # nothing may end this loop: without it nothing is counted
                metrics.DRAIN_FAILURES.inc()
                self.fault = str(error.__cause__ or error)
                foreseen = isinstance(error, errors.Broken | OSError)
                log.warning("draining failed, trying again", cause=self.fault, seconds=backoff, exc_info=not foreseen)
                pause, backoff = backoff, min(2 * backoff, BACKOFF_SECONDS[1])
            stop.wait(pause)

    def step(self) -> bool:
        """Drains one batch of every segment and folds what is due; whether there was anything to drain."""
        self._discover()
        drained = [self._drain(source) for source in list(self._sources.values()) if not source.finished]
        busy = any(drained)
        self._folding.step(drained=busy)
        self._retention.step()
        self._remove_old()
        return busy

    def close(self) -> None:
        """Lets go of all segments and of the election."""
        for source in self._sources.values():
            if not source.finished:
                os.close(source.descriptor)
        self._sources.clear()
        os.close(self._lock)

    def _discover(self) -> None:
        for path in sorted(self._folder.glob(f"*{segment.SUFFIX}")):
            if path not in self._sources:
                try:
                    self._open(path)
                except OSError as error:
                    # The others must not wait for one that cannot be opened. It is tried again, and told once.
                    if path not in self._unreadable:
                        log.error("segment cannot be read", path=str(path), cause=str(error))
                    self._unreadable.add(path)

    def _open(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            header = segment.unpack_header(os.pread(descriptor, segment.HEADER_SIZE, 0))
            if header is None or header.database_id != self._database_id:
                _set_aside(path, "not a segment of this database")
                os.close(descriptor)
                return
            with self._database.read() as connection:
                mark = rows.mark(connection, header.segment_id)
        except (errors.Broken, OSError):
            os.close(descriptor)
            raise
        self._sources[path] = _Source(path, descriptor, header, mark)

    def _drain(self, source: _Source) -> bool:
        """Moves up to BATCH clicks of a segment; whether there were any."""
        start = source.mark or segment.HEADER_SIZE
        clicks, end = self._read(source, start)
        if end == start:
            self._finish(source, start)
            return False
        with self._database.write() as connection:
            if not rows.advance_mark(connection, source.header.segment_id, source.mark, end):
                source.mark = rows.mark(connection, source.header.segment_id)
                return True
            if clicks:
                batch.write(connection, clicks, self._labels)
        source.mark = end
        if clicks:
            self._labels.publish()
        metrics.CLICKS_DRAINED.inc(len(clicks))
        return True

    def _read(self, source: _Source, start: int) -> tuple[list[Click], int]:
        """Up to BATCH clicks from `start` on, and the offset behind them."""
        data = os.pread(source.descriptor, BATCH * 512, start)
        clicks: list[Click] = []
        at = 0
        while len(clicks) < BATCH:
            reading = frame.read(data, at, source.header.seed)
            if reading.body is None:
                break
            at = reading.end
            try:
                clicks.append(frame.decode(reading.body))
            except ValueError as error:
                _quarantine(source.path, reading.body, str(error))
        return clicks, start + at

    def _finish(self, source: _Source, start: int) -> None:
        """Closes the books on a segment that nobody writes any more; what cannot be read of it is set aside."""
        if not segment.is_abandoned(source.descriptor):
            return
        clicks, end = self._read(source, start)
        if clicks or end != start:
            return
        rest = os.pread(source.descriptor, frame.MAX_LENGTH, start)
        if rest.strip(b"\0"):
            _quarantine(source.path, rest, f"torn at byte {start}")
        # Nothing is read from it any more, and a day's worth of files must not stay open.
        os.close(source.descriptor)
        source.finished = True

    def _remove_old(self) -> None:
        for path, source in list(self._sources.items()):
            if source.finished and self._age(path) > KEEP_SECONDS:
                path.unlink(missing_ok=True)
                del self._sources[path]

    @staticmethod
    def _age(path: Path) -> float:
        """Seconds since a file was written; without end for one that is gone."""
        try:
            return time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return float("inf")


def _set_aside(path: Path, why: str) -> None:
    metrics.CLICKS_QUARANTINED.inc()
    log.error("segment set aside", path=str(path), cause=why)
    path.rename(path.with_suffix(".foreign"))


def _quarantine(path: Path, piece: bytes, why: str) -> None:
    metrics.CLICKS_QUARANTINED.inc()
    log.error("piece of the spool set aside", path=str(path), cause=why, bytes=len(piece))
    with path.with_suffix(".bad").open("ab") as kept:
        kept.write(len(piece).to_bytes(4, "little") + piece)
