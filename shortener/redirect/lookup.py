"""Lookup: from a domain and a code to the entry. From the cache, else by asking the database as cheaply as can be."""

import asyncio
from collections.abc import Collection, Iterable

from shortener.redirect import cache
from shortener.redirect.cache import Cache
from shortener.redirect.domains import Domains
from shortener.redirect.entry import Defaults, Entry, Plain, compact, compile_entry, expand
from shortener.storage import visits
from shortener.storage.engine import Database
from shortener.storage.statements import Statements


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
        self._dirty: set[bytes] = set()
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
        return self._stored(key, self._load(self._statements, domain, code))

    def forget(self, domain: str, code: str) -> None:
        """A link has been written: what is known of its code is so no longer. Any thread may say so."""
        for key in (cache.key(name, code) for name in self._answering(domain)):
            self._mark_dirty(key)
            self._cache.evict(key)

    def refresh(self, changed: Collection[tuple[str, str]]) -> None:
        """Brings what is cached of these domains and codes up to date. For another thread than the event loop's.

        Raises DatabaseUnavailable; then everything stays as it was, since old entries are better than none.
        """
        asked = [(cache.key(name, code), name, code) for domain, code in changed for name in self._answering(domain)]
        fresh = {}
        for key, domain, code in asked:
            self._mark_dirty(key)
            if key in self._cache:
                fresh[key] = self._load(self._refreshing, domain, code)
        for key, _, _ in asked:
            if key not in fresh:
                self._forget_what_was_not_kept(key)
            elif fresh[key] is None:
                self._cache.evict(key)
            elif key in self._cache:  # else it has been forgotten meanwhile, because of something newer
                self._cache.put(key, fresh[key])

    def refresh_domains(self) -> None:
        """Reads the configured domains anew, and forgets all entries, which depend on them. Not often called.

        For the same thread as `refresh`. Raises DatabaseUnavailable.
        """
        with self._refreshing.connection() as connection:
            self.domains.refresh(connection)
        self.clear()

    def clear(self) -> None:
        """Forgets everything: the database is another one, or an older state of the same."""
        for key in list(self._loads):
            self._mark_dirty(key)
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
            kept = await asyncio.to_thread(self._load, self._statements, domain, code)
            # What was read before a change must not be kept after it; and it must be known if the database goes now.
            while key in self._dirty:
                self._dirty.discard(key)
                kept = await asyncio.to_thread(self._load, self._statements, domain, code)
            return self._stored(key, kept)
        finally:
            del self._loads[key]
            self._dirty.discard(key)

    def _stored(self, key: bytes, kept: Entry | Plain | None) -> Entry | Plain | None:
        self._cache.put(key, kept)
        return kept

    def _forget_what_was_not_kept(self, key: bytes) -> None:
        """A link has changed that was not cached a moment ago, and may be now.

        Loads in threads that began before the change are dirty and go again: what is there now is newer than the
        change, and must stay known if the database goes. A load on the event loop is never dirty, and may be older.
        """
        if self.is_inline:
            self._cache.evict(key)
        else:
            self._cache.forget_missing(key)

    def _answering(self, domain: str) -> Iterable[str]:
        """The domains that a link on `domain` may answer on: one on the default domain on all of them."""
        return (domain,) if domain else ("", *self.domains.names)

    def _mark_dirty(self, key: bytes) -> None:
        if key in self._loads:
            self._dirty.add(key)


def _retrieve(load: "asyncio.Future[Entry | Plain | None]") -> None:
    """Looks at a load's failure, in case that nobody waits for it any more."""
    if not load.cancelled():
        load.exception()
