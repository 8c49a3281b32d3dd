"""Generations: tells whether what was read from the database is older than a change that has been heard of since."""

from typing import NamedTuple

#: Keys share this many counters: memory is bounded, and two keys that share one cost a load at most.
_COUNTERS = 4096


class Generation(NamedTuple):
    """The generation of a key when a load began. While it is equal, nothing has changed."""

    of_everything: int
    of_counter: int


class Generations:
    """Counts changes by key. Not safe for several threads: the caller holds its lock, but for `of`."""

    def __init__(self) -> None:
        self._everything = 0
        self._counters = [0] * _COUNTERS

    def of(self, key: bytes) -> Generation:
        """The present generation of a key. Read it before the load, and compare it under the lock after that."""
        return Generation(self._everything, self._counters[hash(key) % _COUNTERS])

    def advance(self, key: bytes) -> None:
        """Begins a generation of a key, and of those that share its counter."""
        self._counters[hash(key) % _COUNTERS] += 1

    def advance_all(self) -> None:
        """Begins a generation of every key."""
        self._everything += 1
