"""The shelf: JSON about clicks that is given again as it stands, as long as a state lasts."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

#: A larger part of the room than this is not given to one body.
_LARGEST_SHARE = 4
#: Bytes of what is kept with a body, if nobody says more (measured: 1,001).
_BESIDE = 1_000


class _Kept(NamedTuple):
    state: Hashable
    body: bytes
    #: Bytes, with everything that belongs to it.
    size: int


class Shelf:
    """Bodies by key, those that were asked for last, in `most_bytes`. Threads may share it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether it is for keeping anything."""
        return self._most_bytes > 0

    def found(self, key: Hashable, state: Hashable) -> bytes | None:
        """What was kept by this key in the same state, if it is still there."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.state != state:
                return None
            self._kept.move_to_end(key)
            return kept.body

    def keep(self, key: Hashable, state: Hashable, body: bytes, beside: int = 0) -> None:
        """Keeps what is right in a state, in the place of what there was; `beside` are bytes that the key takes."""
        size = len(body) + _BESIDE + beside
        if size > self._most_bytes // _LARGEST_SHARE:
            return
        with self._lock:
            older = self._kept.pop(key, None)
            self._kept[key] = _Kept(state, body, size)
            self._bytes += size - (older.size if older else 0)
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size
