"""The drainer: moves clicks from spool and inbox into the tables, each exactly once, and has them folded.

One works per data directory, elected by a file lock. Exactly once, because the mark of how far a segment has been
read moves in the same transaction as what was read from it: a drainer that dies before its commit has done nothing,
one that dies after it has done all.
"""

import os
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import structlog

from shortener import errors, metrics
from shortener.clicks import batch, erasing, fold, frame, pruning, retention
from shortener.clicks.backlog import Backlog
from shortener.clicks.batch import Written
from shortener.clicks.election import Election
from shortener.clicks.enrich import Enriched, Enricher
from shortener.clicks.geo import Geo
from shortener.clicks.inbox import Inbox
from shortener.clicks.labels import Labels
from shortener.clicks.room import Room
from shortener.clicks.source import Piece, Source
from shortener.storage import clicks as rows
from shortener.storage.engine import Connection, Database

#: Frames per transaction: the write lock is held for less than 50 ms.
BATCH = 1000
#: Bytes read for a batch; the longest frame fits many times.
_READ_BYTES = BATCH * 512
#: Seconds between looks at an empty spool; statistics promise two seconds.
POLL_SECONDS = 0.2
#: Seconds to wait after a failure, doubled each time up to the second: a database that is back is used within that.
BACKOFF_SECONDS = (0.1, 1.0)
#: Seconds between two messages about the same failure.
_REPEAT_SECONDS = 60.0

log = structlog.get_logger()


class Drainer:
    """Drains one data directory into one database. Not for several threads; `close` it."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        database_id: bytes,
        bounds: Room | None = None,
        orphans_per_day: int = batch.ORPHANS_PER_DAY,
        keep_days: int = 0,
        geo: Geo | None = None,
    ) -> None:
        """`orphans_per_day` is how many visits to unknown codes are stored of a UTC day; `keep_days` is how many UTC
        days before today raw clicks are kept, 0 for ever. `geo` tells places, and is closed with this; without it,
        countries.
        """
        self._geo = geo or Geo(None)
        self._enricher = Enricher(self._geo)
        self._database = database
        self._orphans_per_day = orphans_per_day
        self._election = Election(folder)
        self._backlog = Backlog(folder, database_id, bounds or Room(), self._stored_marks)
        self._inbox = Inbox(folder, database, database_id, self._enricher)
        self._labels = Labels()
        self._folding = fold.Folder(database)
        self._retention = retention.Retention(database)
        self._pruning = pruning.Pruner(database, keep_days)
        self._erasing = erasing.Eraser(database)
        self._next_message = 0.0
        #: The last failure, in words; None while draining works.
        self.fault: str | None = None

    def elected(self) -> bool:
        """Whether this is the one drainer of its data directory; once it is, it stays so until `close`."""
        return self._election.won()

    def run(self, stop: threading.Event) -> None:
        """Drains until `stop` is set, once elected. Faults of any kind are logged, counted and outlived."""
        backoff = BACKOFF_SECONDS[0]
        while not stop.is_set():
            try:
                busy = self.elected() and self.step()
                pause, backoff, self.fault = 0.0 if busy else POLL_SECONDS, BACKOFF_SECONDS[0], None
            except Exception as error:  # nothing may end this loop: without it nothing is counted
                self._note(error)
                pause, backoff = backoff, min(2 * backoff, BACKOFF_SECONDS[1])
            self._election.beat(self.fault)
            stop.wait(pause)

    def step(self) -> bool:
        """Drains one batch of every segment and of the inbox and folds what is due; whether there was any.

        A segment in trouble holds up no other: its OSError is raised when all have had their turn.
        """
        trouble: list[OSError] = []
        self._go_on(self._backlog.tidy, trouble)
        busy = False
        drains: list[Callable[[], bool]] = [partial(self._drain, source) for source in self._backlog.sources()]
        for drain in (*drains, self._empty_inbox):
            busy |= self._go_on(drain, trouble)
            # A round over many segments may take longer than the life of a drainer that is killed again and again;
            # room for new clicks must be made even then.
            self._go_on(self._backlog.tidy, trouble)
            self._election.beat(self.fault)
        self._folding.step(drained=busy)
        self._retention.step()
        self._erasing.step()
        self._pruning.step()
        if trouble:
            raise trouble[0]
        return busy

    def close(self) -> None:
        """Lets go of all segments and of the election."""
        self._backlog.close()
        self._election.close()
        self._geo.close()

    @staticmethod
    def _go_on(task: Callable[[], bool | None], trouble: list[OSError]) -> bool:
        """Whether `task` found something to do; what prevents it is added to `trouble`."""
        try:
            return bool(task())
        except OSError as error:
            trouble.append(error)
            return False

    def _drain(self, source: Source) -> bool:
        """Moves up to BATCH clicks of a segment; whether there were any."""
        start = source.start
        clicks, end = self._read(source, start)
        if end == start:
            self._finish(source)
            return False
        # Before the commit, after which nobody would look at them again. Doing it twice changes nothing.
        source.quarantine_damaged()
        with self._database.write() as connection:
            if not rows.advance_mark(connection, source.header.segment_id, source.mark, end):
                self._correct(source, rows.mark(connection, source.header.segment_id))
                return True
            written = self._write(connection, clicks)
        source.mark = end
        if written.stored:
            self._labels.publish()
        metrics.CLICKS_DRAINED.inc(len(clicks))
        metrics.CLICKS_ERASED.inc(written.erased)
        metrics.ORPHANS_DROPPED.inc(len(clicks) - written.stored - written.erased)
        if len(clicks) < BATCH:
            # Now, and not in the next round: what its worker did not use of it is in the way of new clicks.
            self._finish(source)
        return True

    def _write(self, connection: Connection, clicks: list[Enriched]) -> Written:
        return batch.write(connection, clicks, self._labels, self._orphans_per_day) if clicks else Written(0, 0)

    def _empty_inbox(self) -> bool:
        """Moves up to BATCH clicks of the inbox; whether there were any."""
        return self._inbox.step(self._labels, BATCH)

    def _read(self, source: Source, start: int) -> tuple[list[Enriched], int]:
        """Up to BATCH clicks from `start` on, and the offset behind them."""
        bodies, length = frame.read_all(os.pread(source.descriptor, _READ_BYTES, start), source.header.seed, BATCH)
        clicks: list[Enriched] = []
        source.damaged.clear()
        at = start
        for body in bodies:
            size = frame.HEAD_SIZE + len(body)
            try:
                clicks.append(self._enricher.click(body))
            except ValueError as error:
                source.damaged.append(Piece(at, size, str(error)))
            at += size
        return clicks, start + length

    def _finish(self, source: Source) -> None:
        """Closes the books on a segment that nobody writes any more."""
        if not source.is_over():
            return
        # Again, for what was written between the last reading and the writer's end.
        _, end = self._read(source, source.start)
        if end == source.start:
            self._backlog.done(source)

    def _correct(self, source: Source, stored: int | None) -> None:
        """Takes over where the database says that a segment stands, which is not where this drainer left it.

        Further on: a commit whose answer got lost, or another drainer. Less far: this is an older copy of the
        database, which may lack what was drained from other segments, and numbers its labels as it likes.
        """
        if (stored or 0) < (source.mark or 0):
            log.warning("the database is older than the spool: what it lacks is drained again", path=str(source.path))
            self._labels = Labels()
            self._backlog.read_again()
        source.mark = stored

    def _stored_marks(self, segment_ids: Collection[bytes]) -> dict[bytes, int]:
        with self._database.read() as connection:
            return rows.marks(connection, segment_ids)

    def _note(self, error: Exception) -> None:
        metrics.DRAIN_FAILURES.inc()
        fault = str(error.__cause__ or error)
        if fault != self.fault or time.monotonic() > self._next_message:
            self._next_message = time.monotonic() + _REPEAT_SECONDS
            foreseen = isinstance(error, errors.Broken | OSError)
            log.warning("draining failed, trying until it works", cause=fault, exc_info=not foreseen)
        self.fault = fault
