"""The Idempotency-Key header: holds every POST of the API to it, whatever the route does.

Pure ASGI. A request without the header passes untouched.
"""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortener import errors
from shortener.services.idempotency import MAX_KEY_LENGTH, Answer, Attempt
from shortener.storage.engine import Database, before_commit
from shortener.web import errors as problems
from shortener.web.middleware import body_too_large

_HEADER = b"idempotency-key"
#: What says who is asking.
_CALLER = (b"authorization", b"x-api-key")
#: What these answer is shown once, so it is not kept.
_SECRET_PATHS = frozenset({"/api/v1/keys"})
_REPLAYED = {"idempotent-replayed": "true"}


class Idempotent:
    """Carries out a POST with a key once, and answers its repetitions the same for 24 hours."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        authenticate: Callable[[Request], object],
        most_bytes: Callable[[str], int],
    ) -> None:
        """`authenticate` raises for who has no good key; `most_bytes` says how large a body a path takes."""
        self._app = app
        self._authenticate = authenticate
        self._most_bytes = most_bytes
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._once(key, scope, receive, send)
        except errors.ShortenerError as error:
            await problems.respond(Request(scope), error)(scope, receive, send)

    async def _once(self, key: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing is kept for strangers, and no answer repeated to a key that has been revoked.
        await asyncio.to_thread(self._authenticate, Request(scope))
        body = await _whole_body(receive, self._most_bytes(scope["path"]))
        attempt = Attempt(self._database, _caller(scope), _checked(key), _identity(scope) + body)
        first = await asyncio.to_thread(attempt.begin)
        if first is not None:
            await _replay(first)(scope, receive, send)
            return
        token = before_commit.set(attempt.done)
        try:
            answer = await self._carried_out(scope, body, receive, send)
        finally:
            before_commit.reset(token)
        if not 200 <= answer.status < 300:
            await asyncio.to_thread(attempt.give_up)
        elif scope["path"] not in _SECRET_PATHS:
            await asyncio.to_thread(attempt.keep, answer)

    async def _carried_out(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> Answer:
        """Lets the route answer, and listens."""
        unread = [{"type": "http.request", "body": body, "more_body": False}]
        status, location, sent = 500, None, bytearray()

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        async def listen(message: Message) -> None:
            nonlocal status, location
            if message["type"] == "http.response.start":
                status = message["status"]
                location = next((v.decode("latin-1") for n, v in message["headers"] if n == b"location"), None)
            else:
                sent.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, again, listen)
        return Answer(status, location, bytes(sent))


def _key(scope: Scope) -> bytes | None:
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/api/"):
        return None
    return next((value for name, value in scope["headers"] if name == _HEADER), None)


def _checked(key: bytes) -> str:
    text = key.decode("latin-1")
    if not (1 <= len(text) <= MAX_KEY_LENGTH and text.isascii() and text.isprintable() and " " not in text):
        raise errors.IdempotencyKeyInvalid(field="Idempotency-Key")
    return text


def _caller(scope: Scope) -> bytes:
    return b"|".join(bytes(value) for name, value in scope["headers"] if name in _CALLER)


def _identity(scope: Scope) -> bytes:
    path: str = scope["path"]
    return path.encode() + b"?" + bytes(scope["query_string"]) + b"|"


async def _whole_body(receive: Receive, most: int) -> bytes:
    """The body. Raises BodyTooLarge."""
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body", b""))
        if len(body) > most:
            raise body_too_large(most)
        if not message.get("more_body"):
            return bytes(body)


def _replay(answer: Answer) -> Response:
    headers = {**_REPLAYED, **({"location": answer.location} if answer.location else {})}
    return Response(answer.body, answer.status, headers, media_type="application/json")
