"""Passwords of links: hashing them, and checking what visitors try; who tries too many wrong ones has to wait.

Argon2id with 19 MiB, two passes and one lane: what OWASP's Password Storage Cheat Sheet asks for at least. It costs
20 ms of CPU, measured; the second recommendation of RFC 9106 (64 MiB, three passes, four lanes) costs 155. A hash
keeps whoever steals the database from learning a password that may be in use elsewhere. Guessing here is limited
below, and what the password protects stands beside it in the same database.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from shortener import errors, lazy, logs, metrics
from shortener.domain import password as passwords
from shortener.domain import password_tries as limits
from shortener.domain import visitor
from shortener.domain.password_tries import Tries
from shortener.services.turns import Turns
from shortener.storage import password_tries as rows
from shortener.storage.engine import Database

if TYPE_CHECKING:
    import pwdlib
    from pwdlib.hashers import argon2
else:
    pwdlib = lazy.module("pwdlib")
    argon2 = lazy.module("pwdlib.hashers.argon2")

#: Hashes at a time in one process, on threads of their own: for each that has ever hashed malloc keeps the 19 MiB
#: (measured), so it must not be any of the API's forty.
MOST_AT_ONCE = 2
#: Tries that may wait for that in one process. The last of them waits for about five seconds.
MOST_WAITING = 512

#: After so long nobody is at work on an open try any more: its process has died, and it counts as a wrong one.
_OPEN_MS = 10_000
#: How often, and after how many seconds, somebody asks again whose try depends on what comes of others' open ones.
_LOOKS, _LOOK_SECONDS = 100, 0.05
#: Old tries that a new one removes; it cannot come to more than are added.
_FORGOTTEN_AT_ONCE = 10
#: Waits that one process knows of, about 200 bytes each.
_MOST_WAITS = 10_000
#: The network of visitors without an address, and what stands for all networks.
_UNKNOWN, _ALL = b"?", b""

log = logs.Bounded()


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


class Attempt(NamedTuple):
    """Who tries a password on what."""

    link_id: int
    #: As domain.visitor.network_bytes says.
    network: bytes


class Passwords:
    """Checks passwords that visitors of one database's links try. One per worker, used on its event loop only.

    A try is written down as open before its password is hashed, so that many at once are not more than one after the
    other, and removed if the password is right.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = Turns(MOST_AT_ONCE, MOST_WAITING)
        #: Until when who may try nothing, by link and network.
        self._waits: dict[tuple[int, bytes], int] = {}

    async def verify(self, attempt: Attempt, password: str, password_hash: str) -> bool:
        """Whether `password` is the right one.

        Raises TooManyTries while the network or all of them have to wait, before anything is hashed, and where too
        many wait for their turn; DatabaseUnavailable where nobody can say.
        """
        attempt = attempt._replace(network=attempt.network or _UNKNOWN)
        try:
            self._require_no_wait(attempt)
            async with self._turns.turn(*attempt):
                is_right = await self._verify(attempt, password, password_hash)
        except errors.TooManyTries:
            metrics.PASSWORD_TRIES.labels("refused").inc()
            raise
        metrics.PASSWORD_TRIES.labels("right" if is_right else "wrong").inc()
        return is_right

    async def _verify(self, attempt: Attempt, password: str, password_hash: str) -> bool:
        try_id = await self._begin(attempt)
        is_right = await matches(password, password_hash)
        # Whoever knows the password may come in even if that cannot be noted; a try that stays open counts as wrong.
        with suppress(errors.DatabaseUnavailable):
            await asyncio.to_thread(self._end, try_id, is_right=is_right)
        return is_right

    async def _begin(self, attempt: Attempt) -> int:
        """The id of a new try, which is open. Raises TooManyTries."""
        for _ in range(_LOOKS):
            self._require_no_wait(attempt)  # others may have tried meanwhile
            try_id = await asyncio.to_thread(self._open, attempt)
            if try_id is not None:
                return try_id
            await asyncio.sleep(_LOOK_SECONDS)
        raise errors.TooManyTries

    def _open(self, attempt: Attempt) -> int | None:
        """The id of a new try; None if that depends on what comes of open ones. Raises TooManyTries."""
        now = _now_ms()
        with self._database.write(incidental=True) as connection:
            rows.lock(connection, attempt.link_id)
            seen = partial(rows.of_network, connection, *attempt, now - limits.FORGET_MS)
            if limits.allowed_from(seen()) <= now:
                rows.forget(connection, now - limits.FORGET_MS, _FORGOTTEN_AT_ONCE)
                return rows.add(connection, *attempt, now)
            settled = seen(open_after_ms=now - _OPEN_MS)
        if limits.allowed_from(settled) <= now:
            return None
        self._note_wait(attempt, settled, now)
        raise errors.TooManyTries(_seconds(limits.allowed_from(settled) - now))

    def _end(self, try_id: int, *, is_right: bool) -> None:
        with self._database.write(incidental=True) as connection:
            if is_right:
                rows.remove(connection, try_id)
            else:
                rows.settle(connection, try_id)

    def _require_no_wait(self, attempt: Attempt) -> None:
        """Raises TooManyTries where this process knows already that nothing may be tried."""
        now = _now_ms()
        until = max(self._waits.get((attempt.link_id, network), 0) for network in (_ALL, attempt.network))
        if until > now:
            raise errors.TooManyTries(_seconds(until - now))

    def _note_wait(self, attempt: Attempt, tries: Tries, now: int) -> None:
        log.warning(
            "a network has to wait before it may try another password",
            link_id=attempt.link_id,
            network=visitor.network_text(attempt.network),
            seconds=_seconds(limits.allowed_from(tries) - now),
            link_is_limited=tries.limiting is not None,
        )
        if len(self._waits) >= _MOST_WAITS:
            self._waits = {key: until for key, until in self._waits.items() if until > now}
        if len(self._waits) < _MOST_WAITS:
            self._waits[attempt] = limits.allowed_from(tries)
            if tries.limiting is not None:
                self._waits[attempt.link_id, _ALL] = limits.link_allows_from(tries)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _seconds(milliseconds: int) -> int:
    """Whole seconds, of which there is at least one."""
    return max(1, -(-milliseconds // 1000))


@cache
def _hasher() -> "pwdlib.PasswordHash":
    return pwdlib.PasswordHash((argon2.Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))


@cache
def _threads() -> ThreadPoolExecutor:
    """Made when first needed: processes are forked before."""
    return ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="hashing")
