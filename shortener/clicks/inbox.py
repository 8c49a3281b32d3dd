"""The inbox: clicks on links with a limit, on their way from the table where they were committed into the others.

Exactly once, since they leave it in the transaction that counts them. What cannot be read is set aside in a file of
its own in the spool's folder: a segment of one frame. A later version that understands it drains it, and never twice,
once a person gives the file a segment's name.
"""

import hashlib
import os
import time
from pathlib import Path

import structlog

from shortener import metrics
from shortener.clicks import batch, frame, quarantine
from shortener.clicks.batch import Written
from shortener.clicks.enrich import Enriched, Enricher
from shortener.clicks.labels import Labels
from shortener.clicks.segment import Header
from shortener.storage import clicks as rows
from shortener.storage.engine import Database

_SEGMENT_ID_SIZE = 16

log = structlog.get_logger()


class Inbox:
    """The inbox of one database, which the drainers of several nodes may empty together. Used by one drainer."""

    def __init__(self, folder: Path, database: Database, database_id: bytes, enricher: Enricher) -> None:
        """`folder` is the spool's."""
        self._enricher = enricher
        self._folder = folder
        self._database = database
        self._database_id = database_id

    def step(self, labels: Labels, at_most: int) -> bool:
        """Moves up to `at_most` clicks; whether there were any. Raises OSError or errors.Broken, and moves none."""
        # By itself: a writing transaction would wait for other writers and keep them waiting, mostly for nothing.
        with self._database.read() as connection:
            if not rows.has_inbox(connection):
                return False
        with self._database.write() as connection:
            taken = rows.take_from_inbox(connection, at_most)
            clicks = [click for row_id, body in taken.items() if (click := self._read(row_id, body)) is not None]
            written = batch.write(connection, clicks, labels) if clicks else Written(0, 0)
            rows.remove_from_inbox(connection, taken)
        if written.stored:
            labels.publish()
        metrics.LIMITED_CLICKS_COUNTED.inc(written.stored)
        metrics.CLICKS_ERASED.inc(written.erased)
        return bool(taken)

    def _read(self, row_id: int, body: bytes) -> Enriched | None:
        """The click in a row; None if there is none that can be read, which is in a safe place then."""
        try:
            return self._enricher.click(body)
        except ValueError as error:
            self._set_aside(row_id, body, str(error))
            return None

    def _set_aside(self, row_id: int, body: bytes, why: str) -> None:
        """Keeps what is in a row, before it is removed from there. Doing it twice changes nothing. Raises OSError."""
        identity = self._database_id + row_id.to_bytes(8, "little")
        segment_id = hashlib.blake2b(identity, digest_size=_SEGMENT_ID_SIZE).digest()
        header = Header(segment_id, self._database_id, time.time_ns() // 1_000_000)
        path = self._folder / f"inbox-{segment_id.hex()}{quarantine.SUFFIX}"
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            content = header.pack() + frame.seal_body(body, header.seed)
            if os.pwrite(descriptor, content, 0) < len(content):
                raise OSError(f"{path} could not be written as a whole")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        metrics.CLICKS_QUARANTINED.inc()
        log.error("click of the inbox set aside", path=str(path), cause=why, row=row_id)
