"""The backlog: which segments of a spool there are to read, and which are not ours to read."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from shortener import metrics
from shortener.clicks import kept, segment
from shortener.clicks.kept import Kept, State
from shortener.clicks.room import Room
from shortener.clicks.source import Source

#: Segments open at once, the oldest first: a day's backlog must not use up the process's descriptors.
MOST_OPEN = 256

#: The mark of a segment, by its id.
FindMark = Callable[[bytes], int | None]

log = structlog.get_logger()


class Backlog:
    """The segments of one spool that are being read, and those that have been. Used by one drainer; `close` it."""

    def __init__(self, folder: Path, database_id: bytes, bounds: Room, find_mark: FindMark) -> None:
        self._folder = folder
        self._database_id = database_id
        self._find_mark = find_mark
        self._open: dict[str, Source] = {}
        self._kept = Kept(folder, bounds)
        # Not ours; looked at again when the file is another.
        self._left_alone: dict[str, State] = {}
        self._unreadable: set[str] = set()
        self._next_look = 0.0

    def sources(self) -> list[Source]:
        """What there is to read, the oldest first, new segments included. Raises OSError or errors.Broken."""
        names = self._names()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + kept.LOOK_SECONDS
            self._look_again(names)
        for name in names:
            if len(self._open) >= MOST_OPEN:
                break
            if not (name in self._open or name in self._kept or name in self._left_alone):
                self._try(name)
        return [self._open[name] for name in sorted(self._open)]

    def done(self, source: Source) -> None:
        """Closes the books on a segment that nobody writes any more and that is drained. Raises OSError."""
        source.finish()
        source.close()
        del self._open[source.path.name]
        self._kept.add(source.path)

    def read_again(self) -> None:
        """Has everything that was drained compared with the database again."""
        self._kept.forget()

    def tidy(self) -> None:
        """Removes what is not needed any more."""
        self._kept.tidy()

    def close(self) -> None:
        """Lets go of all segments."""
        for source in self._open.values():
            source.close()
        self._open.clear()

    def _names(self) -> list[str]:
        """The segments there are, the oldest first: names begin with the time of creation."""
        try:
            return sorted(name for name in os.listdir(self._folder) if name.endswith(segment.SUFFIX))
        except FileNotFoundError:
            return []

    def _look_again(self, names: list[str]) -> None:
        """Forgets what is gone or has changed of the files that need not be opened any more."""
        present = {}
        for name in names:
            with suppress(FileNotFoundError):
                present[name] = kept.state((self._folder / name).stat())
        self._kept.compare(present)
        self._left_alone = {name: seen for name, seen in self._left_alone.items() if present.get(name) == seen}
        self._unreadable &= present.keys()
        metrics.SPOOL_FOREIGN_SEGMENTS.set(len(self._left_alone))

    def _try(self, name: str) -> None:
        try:
            self._begin(self._folder / name)
        except FileNotFoundError:
            return
        except OSError as error:
            # The others must not wait for one that cannot be opened. It is tried again, and told once.
            if name not in self._unreadable:
                log.error("segment cannot be read", path=str(self._folder / name), cause=str(error))
            self._unreadable.add(name)

    def _begin(self, path: Path) -> None:
        # For writing too, since it is cut behind its last frame in the end.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            header = segment.unpack_header(os.pread(descriptor, segment.HEADER_SIZE, 0))
            if header is None or header.database_id != self._database_id:
                self._leave_alone(path, kept.state(os.fstat(descriptor)), header)
                os.close(descriptor)
                return
            mark = self._find_mark(header.segment_id)
        except BaseException:
            os.close(descriptor)
            raise
        self._open[path.name] = Source(path, descriptor, header, mark)

    def _leave_alone(self, path: Path, state: State, header: segment.Header | None) -> None:
        """Passes over what is not ours. It stays under its name: its own database finds it when it is back."""
        why = "this is no segment" if header is None else "these clicks are another database's"
        log.error("segment left alone", path=str(path), cause=why)
        self._left_alone[path.name] = state
        metrics.SPOOL_FOREIGN_SEGMENTS.set(len(self._left_alone))
