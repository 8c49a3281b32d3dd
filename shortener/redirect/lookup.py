"""Lookup: from a domain and a code to the entry. From the cache, else by asking the database as cheaply as can be.

What was read before a change must not be stored after the cache has heard of that change: nobody would look at it
again. So every load notes the generation of its key before it reads, and stores only if that has not changed.
"""

import asyncio
import threading
from collections.abc import Collection, Iterable

from shortener.redirect import cache
from shortener.redirect.cache import Cache
from shortener.redirect.domains import Domains
from shortener.redirect.entry import Defaults, Entry, Plain, compact, compile_entry, expand
from shortener.redirect.generations import Generation, Generations
from shortener.storage import visits
from shortener.storage.engine import Database
from shortener.storage.statements import Statements

#: Times that a load beside the event loop is repeated because its link has changed meanwhile. What the last one has
#: read is answered and not stored.
_MOST_LOADS = 5


class Lookup:
    """Finds entries in one database. One per worker; `close` it."""

    def __init__(self, database: Database, entries: Cache, defaults: Defaults, domains: Domains) -> None:
        self._statements = Statements(database)
        #: A held connection is one thread's; this one is the thread's that calls `refresh`.
        self._refreshing = Statements(database)
        self._cache = entries
        self.domains = domains
        #: What the instance has decided for links that say nothing themselves.
        self.defaults = defaults
        self._loads: dict[bytes, asyncio.Future[Entry | Plain | None]] = {}
        #: Held while a generation begins or is compared, together with what is done to the cache because of that.
        self._lock = threading.Lock()
        self._generations = Generations()
        #: Whether a miss is answered at once, on the event loop: SQLite does so in a tenth of the time that handing
        #: it to a thread would take.
        self.is_inline = database.is_sqlite

    async def find(self, domain: str, code: str) -> Entry | None:
        """The living link called `code`, in normal form, or None. Raises DatabaseUnavailable where only that knows.

        However many ask for a code at once, the database is asked once.
        """
        if self.is_inline:
            kept = self.find_inline(domain, code)
        else:
            key = cache.key(domain, code)
            kept = self._cache.get(key)
            if kept is None and not self._cache.is_missing(key):
                kept = await asyncio.shield(self._load_once(key, domain, code))
        return None if kept is None else expand(kept, self.defaults)

    def find_inline(self, domain: str, code: str) -> Entry | Plain | None:
        """The same as it is kept and without waiting, where `is_inline`."""
        key = cache.key(domain, code)
        kept = self._cache.get(key)
        if kept is not None or self._cache.is_missing(key):
            return kept
        generation = self._generations.of(key)
        kept = self._load(self._statements, domain, code)
        self._store(key, generation, kept)
        return kept

    def forget(self, domain: str, code: str) -> None:
        """A link has been written: what is known of its code is so no longer. Any thread may say so."""
        for name in self._answering(domain):
            key = cache.key(name, code)
            with self._lock:
                self._generations.advance(key)
                self._cache.evict(key)

    def refresh(self, changed: Collection[tuple[str, str]]) -> None:
        """Brings what is cached of these domains and codes up to date. For another thread than the event loop's.

        Raises DatabaseUnavailable; then everything stays as it was, since old entries are better than none.
        """
        asked = {cache.key(name, code): (name, code) for domain, code in changed for name in self._answering(domain)}
        self._begin_generation(asked)
        fresh = {}
        for key, (domain, code) in asked.items():
            # What is not cached now is read anew when it is asked for, and is newer than the change.
            if key in self._cache:
                fresh[key] = self._generations.of(key), self._load(self._refreshing, domain, code)
        for key, (generation, kept) in fresh.items():
            self._replace(key, generation, kept)

    def refresh_domains(self) -> None:
        """Reads the configured domains anew, and forgets all entries, which depend on them. Not often called.

        For the same thread as `refresh`. Raises DatabaseUnavailable.
        """
        with self._refreshing.connection() as connection:
            self.domains.refresh(connection)
        self.clear()

    def clear(self) -> None:
        """Forgets everything: the database is another one, or an older state of the same."""
        with self._lock:
            self._generations.advance_all()
            self._cache.clear()

    def close(self) -> None:
        """Lets go of the database."""
        self._statements.close()
        self._refreshing.close()

    def _load(self, statements: Statements, domain: str, code: str) -> Entry | Plain | None:
        with statements.connection() as connection:
            found = visits.visited(connection, domain, code)
        if found is None:
            return None
        return compact(compile_entry(found, code, self.defaults, self.domains), self.defaults)

    def _load_once(self, key: bytes, domain: str, code: str) -> "asyncio.Future[Entry | Plain | None]":
        load = self._loads.get(key)
        if load is None:
            load = self._loads[key] = asyncio.ensure_future(self._load_in_thread(key, domain, code))
            load.add_done_callback(_retrieve)
        return load

    async def _load_in_thread(self, key: bytes, domain: str, code: str) -> Entry | Plain | None:
        try:
            for _ in range(_MOST_LOADS):
                generation = self._generations.of(key)
                kept = await asyncio.to_thread(self._load, self._statements, domain, code)
                # Asked for again where it has changed: it must be known if the database goes now.
                if self._store(key, generation, kept):
                    break
            return kept
        finally:
            del self._loads[key]

    def _store(self, key: bytes, generation: Generation, kept: Entry | Plain | None) -> bool:
        """Stores what was read in `generation`; False, and nothing is stored, if a change has been heard of since."""
        with self._lock:
            if self._generations.of(key) != generation:
                return False
            self._cache.put(key, kept)
            return True

    def _begin_generation(self, keys: Iterable[bytes]) -> None:
        """Has loads of `keys` that have begun not stored; what the cache has of them stays."""
        with self._lock:
            for key in keys:
                self._generations.advance(key)
                self._cache.forget_missing(key)

    def _replace(self, key: bytes, generation: Generation, kept: Entry | Plain | None) -> None:
        """Replaces what the cache has of `key` by what was read in `generation`, or forgets it if that is over."""
        with self._lock:
            if key not in self._cache:
                return
            if kept is None or self._generations.of(key) != generation:
                self._cache.evict(key)
            else:
                self._cache.put(key, kept)

    def _answering(self, domain: str) -> Iterable[str]:
        """The domains that a link on `domain` may answer on: one on the default domain on all of them."""
        return (domain,) if domain else ("", *self.domains.names)


def _retrieve(load: "asyncio.Future[Entry | Plain | None]") -> None:
    """Looks at a load's failure, in case that nobody waits for it any more."""
    if not load.cancelled():
        load.exception()
