"""The cache of entries: bounded in number and memory, without I/O, told by the follower what has changed.

Codes that no link has stand in a table of their own, for a moment each, so that a scan cannot push links out.
"""

from urllib.parse import quote

from cachebox import LRUCache, TTLCache

from shortener.redirect.entry import Entry, Plain

#: Missing codes kept, and for how long, seconds: a link made meanwhile must be found within a second, even by a
#: worker that has lost its follower.
MISSING_SIZE, MISSING_SECONDS = 10_000, 0.9
#: What a key and a plain link take in memory beside their characters: two objects and a place in the table.
_BYTES_OF_ONE = 160


def key(domain: str, code: str) -> bytes:
    """What `code`, in normal form, is kept under: the path of its short URL, behind its domain.

    So the path of a request is a key as it comes, but for those that spell a code in another way.
    """
    return f"{domain}/{code if code.isascii() else quote(code)}".encode()


class Cache:
    """Links by key, as redirect/entry compacts them. One per worker. Safe for several threads, as its tables are."""

    def __init__(self, size: int, most_bytes: int = 2**30) -> None:
        """`size` is how many links are kept at most, and `most_bytes` how much memory they take together, about.

        A link that takes more than all of that is not kept.
        """
        # One sum holds both bounds: no link counts for less than its part of the memory if there are `size` of them.
        least = max(1, most_bytes // size)
        self._most_bytes = least * size
        self._entries: LRUCache[bytes, Entry | Plain] = LRUCache(
            self._most_bytes, getsizeof=lambda key, kept: max(least, _bytes(key, kept))
        )
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
            if _bytes(key, kept) <= self._most_bytes:
                self._entries.insert(key, kept)
            else:
                self._entries.pop(key, None)

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


def _bytes(key: bytes, kept: Entry | Plain) -> int:
    """How much memory a link takes, about."""
    return _BYTES_OF_ONE + len(key) + (kept.size if isinstance(kept, Entry) else len(kept))
