"""The cache of entries: bounded, without I/O, told by the follower what has changed.

Codes that no link has stand in a table of their own, for a moment each, so that a scan cannot push links out.
"""

from urllib.parse import quote

from cachebox import LRUCache, TTLCache

from shortener.redirect.entry import Entry, Plain

#: Missing codes kept, and for how long, seconds: a link made meanwhile must be found within a second, even by a
#: worker that has lost its follower.
MISSING_SIZE, MISSING_SECONDS = 10_000, 0.9


def key(domain: str, code: str) -> bytes:
    """What `code`, in normal form, is kept under: the path of its short URL, behind its domain.

    So the path of a request is a key as it comes, but for those that spell a code in another way.
    """
    return f"{domain}/{code if code.isascii() else quote(code)}".encode()


class Cache:
    """Links by key, as redirect/entry compacts them. One per worker. Safe for several threads, as its tables are."""

    def __init__(self, size: int) -> None:
        """`size` is how many links are kept, about 250 bytes each with their targets."""
        self._entries: LRUCache[bytes, Entry | Plain] = LRUCache(size)
        self._missing: TTLCache[bytes, bool] = TTLCache(MISSING_SIZE, MISSING_SECONDS)
        #: What is kept of a key, or None. Bound, because it is asked for every request.
        self.get = self._entries.get

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def is_missing(self, key: bytes) -> bool:
        """Whether it was found a moment ago that there is no such link."""
        return key in self._missing

    def put(self, key: bytes, kept: Entry | Plain | None) -> None:
        """Remembers what the database said: a link, or that there is none."""
        if kept is None:
            self._entries.pop(key, None)
            self._missing.insert(key, True)
        else:
            self._missing.pop(key, None)
            self._entries.insert(key, kept)

    def forget_missing(self, key: bytes) -> None:
        """Forgets that there was no such link; a link that is there stays."""
        self._missing.pop(key, None)

    def evict(self, key: bytes) -> None:
        """Forgets what is known of a key."""
        self._missing.pop(key, None)
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        self._missing.clear()
