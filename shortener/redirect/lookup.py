"""Lookup: from a domain and a code to the entry, asking the database as cheaply as its kind allows."""

import asyncio

from shortener.redirect.entry import Entry, compile_entry
from shortener.storage import links
from shortener.storage.engine import Database


class Lookup:
    """Finds entries in one database."""

    def __init__(self, database: Database, *, status: int, expired_target: str | None) -> None:
        """`status` and `expired_target` are the instance's, for links that have none of their own."""
        self._database = database
        self._status = status
        self._expired_target = expired_target

    async def find(self, domain: str, code: str) -> Entry | None:
        """The living link called `code`, in normal form, or None. Raises DatabaseUnavailable.

        SQLite answers on the event loop: a lookup by index takes less than handing it to a thread would.
        """
        if self._database.is_sqlite:
            return self._load(domain, code)
        return await asyncio.to_thread(self._load, domain, code)

    def _load(self, domain: str, code: str) -> Entry | None:
        with self._database.read() as connection:
            visited = links.visited(connection, domain, code)
        if visited is None:
            return None
        return compile_entry(visited, code, status=self._status, expired_target=self._expired_target)
