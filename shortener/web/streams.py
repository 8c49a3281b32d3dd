"""An answer without an end: the events of one client that follows clicks.

Waiting for the client to go, and sending to it, are the only things that are done for one client alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shortener.services import live
from shortener.storage.engine import Database
from shortener.storage.live import Wanted
from shortener.web import events
from shortener.web.live import Follower, Hub
from shortener.web.responses import mark_endless

_HEADERS = {
    "cache-control": "no-store",
    # nginx would keep back what it takes for the beginning of a whole answer.
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """Tells of the clicks that are `wanted`: first of those missed since the click `after`, then of all to come.

    Raises LiveUnavailable and DatabaseUnavailable before anything is sent.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, database: Database, wanted: Wanted, key: bytes, after: int | None) -> None:
        # Not the parent's, which takes an answer for a whole one and says its length.
        self.status_code, self.background = 200, None
        self.init_headers(_HEADERS)
        self._hub, self._database = hub, database
        self._wanted, self._key, self._after = wanted, key, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        async with self._hub.following(self._wanted, self._key) as follower:
            piece: bytes | None = await asyncio.to_thread(self._beginning, follower.position)
            mark_endless(scope)
            async with _heard(receive, follower):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                while piece is not None:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    piece = await follower.take()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _beginning(self, position: int) -> bytes:
        """What comes before the queue, which begins above the id `position`."""
        after = position if self._after is None else self._after
        missed = live.missed(self._database, after, position, self._wanted)
        gap = b"" if missed.left_out == 0 else events.gap(missed.left_out)
        # Where it is comes last: a client that is cut off before asks again for what it has missed.
        return b"".join([events.OPENING, gap, *map(events.click, missed.clicks), events.reached(position)])


@asynccontextmanager
async def _heard(receive: Receive, follower: Follower) -> AsyncIterator[None]:
    """Ends the queue of `follower` when its client has gone."""

    async def hear() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        follower.end()

    task = asyncio.create_task(hear())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
