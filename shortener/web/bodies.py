"""Bodies of requests: read whole, within limits of size and time, before anybody looks at them."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.types import Message, Receive

from shortener import errors

#: A body must bring MIN_BYTES in every span of SPAN_SECONDS, 1 KiB a second, or end; a slow line brings more.
SPAN_SECONDS: Final = 10
MIN_BYTES: Final = SPAN_SECONDS * 1024


async def read(request: Request, most: int) -> bytes:
    """The body of `request`, of at most `most` bytes.

    Raises BodyTooLarge, at once where it announces more, and BodyIncomplete.
    """
    if _announced(request.headers) > most:
        raise too_large(most)
    body = bytearray()
    pace = _Pace()
    more = True
    while more:
        piece, more = await _next_piece(request.receive, pace)
        body += piece
        if len(body) > most:
            raise too_large(most)
    return bytes(body)


class _Pace:
    """How fast a body comes."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self._missing = MIN_BYTES
        #: When the next piece, or the last of several small ones, must have come.
        self.deadline = self._clock() + SPAN_SECONDS

    def take(self, size: int) -> None:
        """`size` bytes have come. Enough of them begin the time anew; more than enough is no credit."""
        self._missing -= size
        if self._missing <= 0:
            self._missing, self.deadline = MIN_BYTES, self._clock() + SPAN_SECONDS


async def _next_piece(receive: Receive, pace: _Pace) -> tuple[bytes, bool]:
    """The next bytes of a body, and whether there are more. Raises BodyIncomplete."""
    try:
        async with asyncio.timeout_at(pace.deadline):
            message = await receive()
    except TimeoutError as error:
        raise errors.BodyIncomplete from error
    if message["type"] == "http.disconnect":
        raise errors.BodyIncomplete
    piece = message.get("body", b"")
    pace.take(len(piece))
    return piece, message.get("more_body", False)


def _announced(headers: Mapping[str, str]) -> int:
    """The Content-Length, or 0; the parser has seen to it that it is a number."""
    return int(headers.get("content-length", 0))


def too_large(most: int) -> errors.BodyTooLarge:
    """The error for a body of more than `most` bytes."""
    return errors.BodyTooLarge(f"The body is larger than the {most} bytes that this instance accepts.")


def read_again(request: Request, body: bytes) -> Request:
    """`request`, whose `body` has been read, as one that has it still to come."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    receive: Receive = request.receive

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return Request(request.scope, again)
