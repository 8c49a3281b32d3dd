"""Passwords of links: hashing them, and checking what visitors try, few times a minute.

Argon2id with 19 MiB, two passes and one lane: what OWASP's Password Storage Cheat Sheet asks for at least. It costs
20 ms of CPU, measured; the second recommendation of RFC 9106 (64 MiB, three passes, four lanes) costs 155. A hash
keeps whoever steals the database from learning a password that may be in use elsewhere. Guessing here is limited
below, and what the password protects stands beside it in the same database.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from shortener import errors, lazy
from shortener.domain import password as passwords
from shortener.storage import password_tries as rows
from shortener.storage.engine import Database

if TYPE_CHECKING:
    import pwdlib
    from pwdlib.hashers import argon2
else:
    pwdlib = lazy.module("pwdlib")
    argon2 = lazy.module("pwdlib.hashers.argon2")

#: Tries a minute on one link: by all, and by one network (/24 or /48), so that one cannot use up everybody's.
MOST_TRIES, MOST_TRIES_OF_NETWORK = 10, 5
#: Hashes at a time in one process, on threads of their own: for each that has ever hashed malloc keeps the 19 MiB
#: (measured), so it must not be any of the API's forty.
MOST_AT_ONCE = 2
#: Tries that may wait in one process. The last of them waits for about a second.
MOST_WAITING = 64

_MINUTE_SECONDS = 60
#: Buckets are kept for so many minutes, for nodes whose clocks are behind.
_KEPT_MINUTES = 5
#: Old buckets that the first try of a minute on a link forgets.
_FORGOTTEN_AT_ONCE = 100
#: Full buckets that are known, about 200 bytes each.
_FULL_KEPT = 10_000
#: Bucket of all networks, and the network of visitors without an address.
_ALL, _UNKNOWN = b"", b"?"


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, which has been checked (domain.password). Waits for its turn."""
    return _threads().submit(lambda: _hasher().hash(password)).result()


async def matches(password: str, password_hash: str) -> bool:
    """Whether `password_hash` is that of `password`, as somebody sent it. What can be no password is not hashed."""
    try:
        normal = passwords.check(password)
    except errors.PasswordInvalid:
        return False
    return await asyncio.wrap_future(_threads().submit(lambda: _hasher().verify(normal, password_hash)))


def seconds_to_wait() -> int:
    """Until the next minute, when there are tries again."""
    return _MINUTE_SECONDS - int(time.time()) % _MINUTE_SECONDS


class Attempt(NamedTuple):
    """Who tries a password on what."""

    link_id: int
    #: As domain.visitor.network_bytes says.
    network: bytes


class Passwords:
    """Checks passwords that visitors of one database's links try. One per worker, used on its event loop only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        #: Tries under way, those that wait for their turn included.
        self._waiting = 0
        #: Buckets that were full when last asked for, with their minute.
        self._full: set[tuple[int, int, bytes]] = set()
        self._full_minute = 0

    async def verify(self, attempt: Attempt, password: str, password_hash: str) -> bool:
        """Whether `password` is the right one. A wrong one uses up a try of its minute, before anything is hashed.

        Raises TooManyTries where none is left or too many wait, DatabaseUnavailable where nobody can say.
        """
        if self._is_full(attempt) or self._waiting >= MOST_WAITING:
            raise errors.TooManyTries
        if not self._waiting:
            # One belongs to the event loop on which somebody has waited for it; this may be the application's second.
            self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting += 1
        try:
            async with self._turns:
                return await self._verify(attempt, password, password_hash)
        finally:
            self._waiting -= 1

    async def _verify(self, attempt: Attempt, password: str, password_hash: str) -> bool:
        minute = await asyncio.to_thread(self._take, attempt)
        is_right = await matches(password, password_hash)
        if is_right:
            # Whoever knows the password may come in even if that cannot be noted.
            with suppress(errors.DatabaseUnavailable):
                await asyncio.to_thread(self._give_back, attempt, minute)
        return is_right

    def _take(self, attempt: Attempt) -> int:
        """Uses up a try of this minute, and returns which that is. Raises TooManyTries."""
        if self._is_full(attempt):  # others have used them up meanwhile
            raise errors.TooManyTries
        minute = _this_minute()
        with self._database.write(incidental=True) as connection:
            for network, most in _buckets(attempt):
                tries = rows.take(connection, minute, attempt.link_id, network, most)
                if tries is None:
                    self._note_full(minute, attempt.link_id, network)
                    raise errors.TooManyTries
                if tries == 1 and network == _ALL:
                    rows.forget(connection, minute - _KEPT_MINUTES, _FORGOTTEN_AT_ONCE)
        return minute

    def _give_back(self, attempt: Attempt, minute: int) -> None:
        with self._database.write(incidental=True) as connection:
            for network, _ in _buckets(attempt):
                rows.give_back(connection, minute, attempt.link_id, network)
        self._full.difference_update((minute, attempt.link_id, network) for network, _ in _buckets(attempt))

    def _is_full(self, attempt: Attempt) -> bool:
        minute = _this_minute()
        return any((minute, attempt.link_id, network) in self._full for network, _ in _buckets(attempt))

    def _note_full(self, minute: int, link_id: int, network: bytes) -> None:
        if minute != self._full_minute:
            self._full, self._full_minute = set(), minute
        if len(self._full) < _FULL_KEPT:
            self._full.add((minute, link_id, network))


def _buckets(attempt: Attempt) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """The networks of the buckets that a try is taken from, and how many they hold; always in this order, in which
    they are locked.
    """
    return (_ALL, MOST_TRIES), (attempt.network or _UNKNOWN, MOST_TRIES_OF_NETWORK)


def _this_minute() -> int:
    return int(time.time()) // _MINUTE_SECONDS


@cache
def _hasher() -> "pwdlib.PasswordHash":
    return pwdlib.PasswordHash((argon2.Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))


@cache
def _threads() -> ThreadPoolExecutor:
    """Made when first needed: processes are forked before."""
    return ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="hashing")
