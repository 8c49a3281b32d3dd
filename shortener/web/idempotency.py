"""The Idempotency-Key header: a POST of the API that comes again with its key is answered as the first time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shortener import errors
from shortener.services.idempotency import ABANDONED_SECONDS, MAX_KEY_LENGTH, Answer, Attempt
from shortener.storage.engine import before_commit
from shortener.web import bodies

_HEADER = "idempotency-key"
#: What says who is asking.
_CREDENTIALS = (b"authorization", b"x-api-key")
#: What these answer is shown once, so it is not kept.
_SECRET_PATHS = frozenset({"/api/v1/keys"})
_REPLAYED = {"idempotent-replayed": "true"}

#: Seconds between attempts to write what became of a request.
_AGAIN_SECONDS = 0.5
#: The event loop itself keeps no task alive.
_unfinished: set[asyncio.Task[None]] = set()

log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[Response]]


async def answer_once(request: Request, body: bytes, handler: Handler) -> Response:
    """The answer of `handler` to `request`, whose `body` has been read; carried out once in 24 hours if it has a key.

    Raises IdempotencyKeyInvalid, IdempotencyKeyReused, IdempotencyKeySpent, DatabaseUnavailable.
    """
    key = request.headers.get(_HEADER)
    if key is None or request.method != "POST":
        return await handler(bodies.read_again(request, body))
    attempt = Attempt(
        request.app.state.parts.database, _credential(request), _checked(key), _identity(request) + body
    )
    first = await asyncio.to_thread(attempt.begin)
    if first is not None:
        return _replay(first)
    return await _carry_out(attempt, bodies.read_again(request, body), handler)


async def _carry_out(attempt: Attempt, request: Request, handler: Handler) -> Response:
    try:
        response, answer = await _noted(attempt, request, handler)
    except Exception:
        await _finish(attempt.give_up)
        raise
    if not 200 <= answer.status < 300:
        await _finish(attempt.give_up)
    elif request.scope["path"] not in _SECRET_PATHS:
        await _finish(partial(attempt.keep, answer))
    return response


async def _finish(write: Callable[[], None]) -> None:
    """Writes what became of a request; while the database is away, in the background, until it can be done.

    The request has its answer, whatever becomes of this.
    """
    if not await _written(write):
        task = asyncio.create_task(_finish_later(write))
        _unfinished.add(task)
        task.add_done_callback(_unfinished.discard)


async def _finish_later(write: Callable[[], None]) -> None:
    # Long before somebody else could take the request over.
    give_up = time.monotonic() + ABANDONED_SECONDS / 2
    while time.monotonic() < give_up:
        await asyncio.sleep(_AGAIN_SECONDS)
        if await _written(write):
            return


async def _written(write: Callable[[], None]) -> bool:
    try:
        await asyncio.to_thread(write)
    except errors.DatabaseUnavailable as error:
        cause = str(error.__cause__ or error)
        log.warning("what became of a request with an Idempotency-Key is not written yet", cause=cause)
        return False
    return True


async def _noted(attempt: Attempt, request: Request, handler: Handler) -> tuple[Response, Answer]:
    """The answer of `handler`, ready to be sent; the transaction that carries it out notes that in `attempt`."""
    token = before_commit.set(attempt.done)
    try:
        response = await handler(request)
        answer = Answer(response.status_code, response.headers.get("location"), await _whole(response))
    finally:
        before_commit.reset(token)
    if isinstance(response, StreamingResponse):
        response = Response(answer.body, answer.status, response.headers)
    return response, answer


async def _whole(response: Response) -> bytes:
    if isinstance(response, StreamingResponse):
        return b"".join(
            [piece.encode() if isinstance(piece, str) else bytes(piece) async for piece in response.body_iterator]
        )
    return bytes(response.body)


def _checked(key: str) -> str:
    if not (1 <= len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable() and " " not in key):
        raise errors.IdempotencyKeyInvalid(field="Idempotency-Key")
    return key


def _credential(request: Request) -> bytes:
    return b"|".join(bytes(value) for name, value in request.scope["headers"] if name in _CREDENTIALS)


def _identity(request: Request) -> bytes:
    path: str = request.scope["path"]
    return path.encode() + b"?" + bytes(request.scope["query_string"]) + b"|"


def _replay(answer: Answer) -> Response:
    headers = {**_REPLAYED, **({"location": answer.location} if answer.location else {})}
    return Response(answer.body, answer.status, headers, media_type="application/json")
