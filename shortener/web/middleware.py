"""What wraps every request. Pure ASGI: the framework's own middleware class costs 190 µs a request."""

import time
from collections.abc import Collection
from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortener import errors, metrics
from shortener.domain import host
from shortener.redirect.entry import UNCACHED
from shortener.web import errors as problems
from shortener.web.responses import is_endless, status_label

#: Label of requests that no route took.
_NO_ROUTE = "none"
#: What the API answers is for one key only, and most caches do not know that X-Api-Key is one.
_API = "/api/"
_PRIVATE = (b"cache-control", UNCACHED.encode())
#: Browsers must not guess content types.
NOSNIFF = (b"x-content-type-options", b"nosniff")
#: Bytes of a request target that are looked at, path and query together; longer ones cost more than a visit may.
MAX_TARGET_BYTES = 16 * 1024
#: Versions of HTTP whose requests may leave out Host; the default domain is meant.
_WITHOUT_HOST = frozenset({"0.9", "1.0"})
_CLOSE = {"connection": "close"}


class _Answered(Exception):
    """What is asked for has been sent: nothing more needs to be made."""


class HeadAsGet:
    """Lets every GET route of the shortener itself answer HEAD too (RFC 9110 section 9.3.2), without the body.

    Of a body that comes in pieces only the first is made: the whole may take minutes, or have no end.
    Short links are left alone: they know HEAD, since it is not a click.
    """

    def __init__(self, app: ASGIApp, reserved: Collection[str]) -> None:
        """`reserved` holds the first path segments of the shortener's own routes."""
        self._app = app
        self._reserved = reserved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or not self._is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({"type": message["type"], "body": b""})
                if message.get("more_body", False):
                    raise _Answered
                return
            await send(message)

        inner = {**scope, "method": "GET"}
        with suppress(_Answered):
            await self._app(inner, receive, send_without_body)
        # For those outside who want to know which route it was.
        scope["route"] = inner.get("route")

    def _is_ours(self, path: str) -> bool:
        return path.split("/", 2)[1:2] != [] and path.split("/", 2)[1] in self._reserved


class Private:
    """Forbids every cache to keep what the API answers, be it an error. Entity tags stay."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [header for header in message["headers"] if header[0].lower() != _PRIVATE[0]]
                message["headers"] = [*others, _PRIVATE]
            await send(message)

        await self._app(scope, receive, send_private)


class WellFormed:
    """Refuses requests whose host is not plain (RFC 9112 section 3.2) or whose target is too long, and closes.

    It also ends a connection after the answer to an offer to upgrade. Only uvicorn's own protocol hands such offers
    on (web/protocol does not), and it takes the body behind one for the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = _refusal(scope)
        if error is not None:
            await problems.respond(Request(scope), error, _CLOSE)(scope, receive, send)
            return
        await self._app(scope, receive, _closing(send) if _offers_upgrade(scope) else send)


def _refusal(scope: Scope) -> errors.Refused | None:
    """Why a request is refused whatever it asks for; None for most."""
    query = scope["query_string"]
    if len(scope.get("raw_path") or b"") + len(query) + bool(query) > MAX_TARGET_BYTES:
        return errors.RequestTargetTooLong()
    sent = [value for name, value in scope["headers"] if name == b"host"]
    if len(sent) == 1 and host.is_well_formed(sent[0]):
        return None
    if not sent and scope["http_version"] in _WITHOUT_HOST:
        return None
    if len(sent) == 1:
        return errors.HostInvalid(
            "The Host header has neither a host name nor an address; right are `go.example` or `go.example:8000`."
        )
    return errors.HostInvalid(f"The request has {len(sent) or 'no'} Host headers; send exactly one.")


def _offers_upgrade(scope: Scope) -> bool:
    # Without the connection option the other header means nothing (RFC 9110 section 7.8).
    return any(name == b"connection" and b"upgrade" in value.lower() for name, value in scope["headers"])


def _closing(send: Send) -> Send:
    """`send`, with the end of the connection after the answer."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return closing


class Observed:
    """Counts and times every request by its route, and forbids browsers to guess content types.

    Of an answer without an end it takes the time until that begins.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()
        began: float | None = None

        async def observe(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                status = message["status"]
                began = time.perf_counter() if is_endless(scope) else None
                if not 300 <= status < 400:
                    message["headers"] = [*message["headers"], NOSNIFF]
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            metrics.REQUESTS.labels(route, status_label(scope, status)).inc()
            metrics.REQUEST_SECONDS.labels(route).observe((began or time.perf_counter()) - started)
