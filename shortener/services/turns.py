"""Turns at something that only a few may do at once: links in turn, and of each link its networks.

Whoever sends many requests at once waits for themselves, and not others for them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shortener import errors

_Queues = dict[bytes, deque["asyncio.Future[None]"]]


class Turns:
    """Lets `at_once` have a turn and up to `most_waiting` wait for one. Used on one event loop at a time."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._free = at_once
        self._most_waiting = most_waiting
        #: By link and network, those whose turn comes next first.
        self._waiting: dict[int, _Queues] = {}

    @asynccontextmanager
    async def turn(self, link_id: int, network: bytes) -> AsyncIterator[None]:
        """Waits for a turn, which lasts as long as the block.

        Raises TooManyTries if too many wait and no link has more of them, nor on that link any network.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(link_id, network)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, link_id: int, network: bytes) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(link_id, {}).setdefault(network, deque()).append(granted)
        if sum(map(_count, self._waiting.values())) > self._most_waiting:
            self._refuse_one()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._pass_on()
            raise

    def _refuse_one(self) -> None:
        """Refuses the last one of the network with the most that wait, on the link with the most."""
        link_id = max(self._waiting, key=lambda each: _count(self._waiting[each]))
        queues = self._waiting[link_id]
        network = max(queues, key=lambda each: len(queues[each]))
        last = queues[network].pop()
        if not last.done():
            last.set_exception(errors.TooManyTries())
        self._remove_if_empty(link_id, network)

    def _pass_on(self) -> None:
        """Gives a turn that has ended to the next one who waits."""
        while self._waiting:
            granted = self._next()
            if not granted.done():
                granted.set_result(None)
                return
        self._free += 1

    def _next(self) -> "asyncio.Future[None]":
        """Takes out the one whose turn it is, and sends that link and that network to the end."""
        link_id = next(iter(self._waiting))
        queues = self._waiting[link_id] = self._waiting.pop(link_id)
        network = next(iter(queues))
        queue = queues[network] = queues.pop(network)
        found = queue.popleft()
        self._remove_if_empty(link_id, network)
        return found

    def _remove_if_empty(self, link_id: int, network: bytes) -> None:
        queues = self._waiting[link_id]
        if not queues[network]:
            del queues[network]
        if not queues:
            del self._waiting[link_id]


def _count(queues: _Queues) -> int:
    return sum(map(len, queues.values()))
