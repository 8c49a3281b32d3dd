"""Building: portion after portion becomes a segment of the spool, and the drainer drains it, alone on its core.

It can be stopped at any moment and goes on where it was. A segment is given its name only when it is complete and the
journal knows it, and the drainer drains it exactly once; so no click is lost or there twice.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Self

from sqlalchemy import delete

from shortener.clicks import segment
from shortener.clicks.drainer import POLL_SECONDS, Drainer
from shortener.clicks.room import Room
from shortener.clicks.segment import Segment
from shortener.clicks.supply import LARGE_SIZE
from shortener.domain import period
from shortener.storage import clicks as rows
from shortener.storage import folding, schema
from shortener.storage.click_tables import visitor_day
from shortener.storage.engine import Database
from tests.bench.clickstream import estate, extent
from tests.bench.clickstream.shape import Plan
from tests.bench.clickstream.stream import Stream

_JOURNAL = "clickstream.json"
#: Portions after which visitors are forgotten: in production this is two days after their day.
_FORGET_EVERY = 6
#: Seconds in which everything that is drained must be folded.
_PATIENCE = 60.0

Progress = Callable[[int], None]


class CannotGoOn(Exception):
    """What is there was made by another plan, or is not as it was left."""


@dataclass(frozen=True, slots=True)
class Journal:
    """How far a build is, kept in a file beside the spool."""

    plan: Plan
    #: Portions that are drained.
    portions: int = 0
    #: The segment of the next one, once it is about to be revealed; hexadecimal.
    revealed: str = ""
    #: What draining has taken, folding included, and what this process has used for it.
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    #: Bytes of the database before its first click.
    bytes_before: int = 0
    #: How often the clicks are in the database, copies included; 0 while they are being copied.
    times: int = 1

    @property
    def clicks(self) -> int:
        """How many clicks are drained, copies aside."""
        return min(self.portions * self.plan.portion, self.plan.clicks)

    @property
    def is_complete(self) -> bool:
        """Whether all are."""
        return self.portions == self.plan.portions

    def save(self, folder: Path) -> Self:
        """Writes it, whole or not at all."""
        path = folder / _JOURNAL
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(path)
        return self


def default_folder() -> Path:
    """Where large databases are kept: what BENCH_DATA says, else beside a developer's own data."""
    return Path(os.environ.get("BENCH_DATA", Path(__file__).parents[3] / "data" / "bench"))


def journal(folder: Path) -> Journal | None:
    """The journal in `folder`, or None where nothing has begun."""
    path = folder / _JOURNAL
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    return Journal(**{**found, "plan": Plan(**found["plan"])})


def build(url: str, folder: Path, wanted: Plan, progress: Progress = lambda _clicks: None) -> Journal:
    """Makes the clicks of `wanted` in the database at `url`, or what is missing of them. `folder` keeps the spool.

    A build that has begun keeps its own end. `progress` is told how many are drained. Raises CannotGoOn, and
    EstateExists where a database that has links is new here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = journal(folder)
    if kept is None:
        estate.make(url, wanted)
        kept = Journal(wanted, bytes_before=extent.database_bytes(url)).save(folder)
    if kept.plan != replace(wanted, end_ms=kept.plan.end_ms):
        raise CannotGoOn(f"{folder} holds another build ({kept.plan}); remove it, or give another folder")
    if kept.is_complete:
        return kept
    with _opened(url, folder) as (database, drainer):
        return _Build(database, drainer, folder, kept).run(progress)


@contextmanager
def _opened(url: str, folder: Path) -> Iterator[tuple[Database, Drainer]]:
    database = Database(url)
    drainer = Drainer(folder / "spool", database, _database_id(database))
    try:
        if not drainer.elected():
            raise CannotGoOn(f"another drainer works in {folder}")
        yield database, drainer
    finally:
        drainer.close()
        database.close()


class _Build:
    """One run of a build."""

    def __init__(self, database: Database, drainer: Drainer, folder: Path, kept: Journal) -> None:
        self._database = database
        self._drainer = drainer
        self._folder = folder
        self._spool = folder / "spool"
        self._database_id = _database_id(database)
        self._journal = kept
        #: The segment that is being written, which no drainer sees yet, and what comes of it.
        self._ahead: tuple[Segment, Future[int]]

    def run(self, progress: Progress) -> Journal:
        self._catch_up()
        # A process of its own, so that the drainer has its core for itself; started anew, since this one has threads.
        with ProcessPoolExecutor(1, get_context("spawn"), _prepare, (self._journal.plan,)) as pool:
            self._ahead = self._order(pool)
            try:
                while not self._journal.is_complete:
                    self._drain_next(pool)
                    progress(self._journal.clicks)
            finally:
                self._ahead[0].discard()
        self._timed(self._fold_all)
        return self._journal.save(self._folder)

    def _catch_up(self) -> None:
        """Drains what was left in the spool, and finds out whether the last segment of the journal was among it."""
        self._timed(self._drain)
        if self._journal.revealed and self._mark(bytes.fromhex(self._journal.revealed)) is not None:
            self._journal = replace(self._journal, portions=self._journal.portions + 1)
        self._journal = replace(self._journal, revealed="").save(self._folder)

    def _order(self, pool: ProcessPoolExecutor, ahead: int = 0) -> tuple[Segment, Future[int]]:
        """A segment that the other process fills with the portion that comes `ahead` of the next."""
        self._spool.mkdir(exist_ok=True)
        Room().require(self._spool, LARGE_SIZE)
        made = Segment(self._spool, self._database_id, LARGE_SIZE)
        salt_day = period.day_of(time.time_ns() // 1_000_000)
        number = self._journal.portions + ahead
        return made, pool.submit(_write, made.path, number, made.header.seed, salt_day)

    def _drain_next(self, pool: ProcessPoolExecutor) -> None:
        """Drains the portion that is being written, while the next one is."""
        made, written = self._ahead
        end = written.result()
        self._ahead = self._order(pool, ahead=1)
        segment_id = made.header.segment_id
        self._journal = replace(self._journal, revealed=segment_id.hex()).save(self._folder)
        made.reveal()
        made.close()
        self._timed(self._drain)
        if self._mark(segment_id) != end:
            raise CannotGoOn(f"{made.path} was not drained to its end")
        if (self._journal.portions + 1) % _FORGET_EVERY == 0:
            self._timed(self._forget)
        self._journal = replace(self._journal, portions=self._journal.portions + 1, revealed="").save(self._folder)

    def _drain(self) -> None:
        while self._drainer.step():
            pass

    def _forget(self) -> None:
        with self._database.write() as connection:
            estate.unhurried(connection)
            connection.execute(delete(visitor_day))

    def _fold_all(self) -> None:
        """Returns when the last clicks are in the breakdowns."""
        deadline = time.monotonic() + _PATIENCE
        while self._unfolded():
            if time.monotonic() > deadline:
                raise CannotGoOn("the last clicks were not folded")
            self._drainer.step()
            time.sleep(POLL_SECONDS)
        self._forget()

    def _unfolded(self) -> int:
        with self._database.read() as connection:
            return rows.last_id(connection) - min(folding.marks(connection).values())

    def _mark(self, segment_id: bytes) -> int | None:
        with self._database.read() as connection:
            return rows.mark(connection, segment_id)

    def _timed(self, work: Callable[[], None]) -> None:
        began, cpu = time.monotonic(), time.process_time()
        work()
        self._journal = replace(
            self._journal,
            seconds=self._journal.seconds + time.monotonic() - began,
            cpu_seconds=self._journal.cpu_seconds + time.process_time() - cpu,
        )


def _database_id(database: Database) -> bytes:
    with database.read() as connection:
        found = schema.database_id(connection)
    if found is None:
        raise CannotGoOn(f"{database} has no id")
    return found


_stream: Stream | None = None


def _prepare(plan: Plan) -> None:
    """Begins a stream, once in a process."""
    global _stream  # noqa: PLW0603 - a pool's process has no other place
    _stream = Stream(plan)


def _write(path: Path, number: int, seal_seed: int, salt_day: int) -> int:
    """Writes a portion behind the header of the segment at `path`; the offset behind it."""
    if _stream is None:
        raise RuntimeError("the process was not prepared")
    frames = _stream.portion(number, seal_seed, salt_day)
    with path.open("r+b") as file:
        file.seek(segment.HEADER_SIZE)
        return segment.HEADER_SIZE + file.write(frames)
