"""The backlog: which segments of a spool there are to read, and which are not ours to read."""

import os
import time
from collections.abc import Callable, Collection, Mapping
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

#: The marks of segments, by their ids; of those that have one.
FindMarks = Callable[[Collection[bytes]], Mapping[bytes, int]]

log = structlog.get_logger()


class Backlog:
    """The segments of one spool that are being read, and those that have been. Used by one drainer; `close` it."""

    def __init__(self, folder: Path, database_id: bytes, bounds: Room, find_marks: FindMarks) -> None:
        self._folder = folder
        self._database_id = database_id
        self._find_marks = find_marks
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
        new = [name for name in names if not (name in self._open or name in self._kept or name in self._left_alone)]
        marks = self._find_marks([found for name in new if (found := segment.id_in(name))]) if new else {}
        for name in new:
            if len(self._open) >= MOST_OPEN:
                break
            self._try(name, marks.get(segment.id_in(name) or b""))
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

    def _try(self, name: str, mark: int | None) -> None:
        path = self._folder / name
        try:
            # Cut behind its last frame: drained to its end, most likely by a drainer before this one. There may be
            # hundreds of these, and reading them again would keep what is new waiting.
            if mark is not None and path.stat().st_size == mark:
                self._kept.add(path)
            else:
                self._begin(path, mark)
        except FileNotFoundError:
            return
        except OSError as error:
            # The others must not wait for one that cannot be opened. It is tried again, and told once.
            if name not in self._unreadable:
                log.error("segment cannot be read", path=str(self._folder / name), cause=str(error))
            self._unreadable.add(name)

    def _begin(self, path: Path, mark: int | None) -> None:
        # For writing too, since it is cut behind its last frame in the end.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            header = segment.unpack_header(os.pread(descriptor, segment.HEADER_SIZE, 0))
            if header is None or header.database_id != self._database_id:
                self._leave_alone(path, kept.state(os.fstat(descriptor)), header)
                os.close(descriptor)
                return
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
