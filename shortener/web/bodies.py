"""Bodies of requests: read whole, within limits, before anybody looks at them."""

from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from shortener import errors


async def read(request: Request, most: int) -> bytes:
    """The body of `request`, of at most `most` bytes.

    Raises BodyTooLarge, at once where it announces more, and BodyIncomplete.
    """
    if _announced(request.headers) > most:
        raise too_large(most)
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise too_large(most)
    except ClientDisconnect as error:
        raise errors.BodyIncomplete from error
    return bytes(body)


def _announced(headers: Mapping[str, str]) -> int:
    """The Content-Length, or 0; the parser has seen to it that it is a number."""
    return int(headers.get("content-length", 0))


def too_large(most: int) -> errors.BodyTooLarge:
    """What to say of a body of more than `most` bytes."""
    return errors.BodyTooLarge(f"The body is larger than the {most} bytes that this instance accepts.")


def read_again(request: Request, body: bytes) -> Request:
    """`request`, whose `body` has been read, as one that has it still to come."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    receive: Receive = request.receive

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return Request(request.scope, again)
