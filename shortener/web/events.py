"""The bytes of server-sent events (WHATWG HTML section 9.2): what those are told who follow clicks.

Blocks without `data` are no events to a browser, but it remembers their `id`.
"""

from enum import StrEnum

import orjson
from fastapi.sse import format_sse_event

from shortener.services import live
from shortener.storage.live import Click

#: Milliseconds after which a client that was cut off should come back.
RETRY_MS = 3_000


class Reason(StrEnum):
    """Why a stream ends that its client has not ended."""

    #: The client does not take the clicks as fast as they come.
    SLOW = "slow"
    #: The key has been revoked or has expired.
    KEY = "key"
    #: The server ends, or starts anew.
    STOPPING = "stopping"


#: What every stream begins with.
OPENING = format_sse_event(retry=RETRY_MS)


def reached(position: int) -> bytes:
    """That everything up to the id `position` has been told of, so that a client may come back for what is above."""
    return format_sse_event(id=str(position))


def heartbeat(position: int) -> bytes:
    """That the stream is alive, and the same."""
    return format_sse_event(comment="alive", id=str(position))


def click(told: Click) -> bytes:
    """A click."""
    return format_sse_event(id=str(told.id), event="click", data_str=orjson.dumps(live.described(told)).decode())


def gap(left_out: int | None) -> bytes:
    """That so many clicks have been left out before the next one; None if nobody knows how many."""
    return _event("gap", {"clicks": left_out})


def closed(reason: Reason) -> bytes:
    """That the stream ends here."""
    return _event("closed", {"reason": reason})


def _event(name: str, data: dict[str, object]) -> bytes:
    return format_sse_event(event=name, data_str=orjson.dumps(data).decode())
