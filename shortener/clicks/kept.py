"""Drained segments: kept for a day, so that a database restored from a backup can read again what it lacks.

They are the first to go where room is needed. Nothing is removed that its worker might still write or that has not
been drained to its end.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from shortener import metrics
from shortener.clicks import quarantine, room, segment
from shortener.clicks.room import Room

#: How long a drained segment stays, seconds.
KEEP_SECONDS = 24 * 3600
#: Seconds between looks at all files of the spool.
LOOK_SECONDS = 1.0
#: How old a segment that was begun and never used must be to count as left behind, seconds. Whoever makes one holds
#: its lock, from right after it is there; where workers die often, 16 MiB each must not pile up.
_UNFINISHED_SECONDS = 5.0

log = structlog.get_logger()


class State(NamedTuple):
    """A file as it was when it was looked at: where this is the same, it need not be opened again."""

    inode: int
    size: int
    changed_ns: int


def state(found: os.stat_result) -> State:
    """What can be compared of a file's status."""
    return State(found.st_ino, found.st_size, found.st_mtime_ns)


class Kept:
    """The drained segments of one spool. Used by one drainer."""

    def __init__(self, folder: Path, bounds: Room) -> None:
        self._folder = folder
        self._bounds = bounds
        self._states: dict[str, State] = {}
        self._next_look = 0.0

    def __contains__(self, name: str) -> bool:
        return name in self._states

    def add(self, path: Path) -> None:
        """Keeps a segment that has been drained to its end."""
        try:
            self._states[path.name] = state(path.stat())
        except FileNotFoundError:
            return

    def compare(self, present: dict[str, State]) -> None:
        """Forgets those that are gone, or not as they were, from the segments that are `present`."""
        self._states = {name: known for name, known in self._states.items() if present.get(name) == known}

    def forget(self) -> None:
        """Forgets all, so that they are read again."""
        self._states.clear()

    def tidy(self) -> None:
        """Removes what is old, what a dead worker left half made, and what is in the way of new clicks."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        now = time.time()
        for name in [name for name, known in self._states.items() if now - known.changed_ns / 1e9 > KEEP_SECONDS]:
            self._remove(name)
        self._make_room()
        self._remove_unfinished(now)
        metrics.SPOOL_BYTES.set(room.used(self._folder))
        metrics.SPOOL_BAD_FILES.set(sum(1 for _ in self._folder.glob(f"*{quarantine.SUFFIX}")))

    def _make_room(self) -> None:
        excess = self._bounds.excess(self._folder) if self._states else 0
        # Names begin with the time of creation.
        for name in sorted(self._states):
            if excess <= 0:
                return
            excess -= self._states[name].size
            self._remove(name)

    def _remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        del self._states[name]

    def _remove_unfinished(self, now: float) -> None:
        for path in self._folder.glob(f"*{segment.UNFINISHED_SUFFIX}"):
            for descriptor in _opened(path):
                if now - os.fstat(descriptor).st_mtime > _UNFINISHED_SECONDS and segment.is_abandoned(descriptor):
                    log.info("half a segment of a dead worker removed", path=str(path))
                    path.unlink(missing_ok=True)


def _opened(path: Path) -> Iterator[int]:
    """A descriptor of a file for a while, or nothing if it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
