"""Calls of an application in this process, as if it were a server's. Imported where it is used: httpx2 is heavy."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2

#: Pieces of an answer that may wait to be taken, so that a large one is never whole in memory.
_MOST_WAITING = 2


class InProcess(httpx2.AsyncBaseTransport):
    """Hands on an answer while the application makes it. The client's own kind collects all of it first."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to a request; its body comes when it is read.

        As from a server a fault is an answer with status 500, or one that breaks off, and no exception of ours.
        """
        call = _Call(self._app, request, await request.aread())
        start = await call.next()
        if start is None:
            return httpx2.Response(500, request=request)
        return httpx2.Response(start["status"], headers=start["headers"], stream=_Body(call), request=request)


class _Call:
    """One call of an application, which runs as a task beside whoever takes its messages."""

    def __init__(self, app: Any, request: httpx2.Request, body: bytes) -> None:
        self._unread = [{"type": "http.request", "body": body, "more_body": False}]
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_MOST_WAITING)
        self._is_over = asyncio.Event()
        self._task = asyncio.create_task(self._run(app, _scope(request)))

    async def _run(self, app: Any, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._messages.put)
        except Exception:  # it has logged what it was
            await self._messages.put(None)

    async def _receive(self) -> dict[str, Any]:
        if self._unread:
            return self._unread.pop()
        await self._is_over.wait()
        return {"type": "http.disconnect"}

    async def next(self) -> dict[str, Any] | None:
        """Its next message; None if it has failed."""
        message = await self._messages.get()
        if message is not None and message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_over.set()
        return message

    async def end(self) -> None:
        """Waits until it is done; breaks it off if not all of its answer has been taken."""
        if not self._is_over.is_set():
            self._task.cancel()
        await asyncio.wait([self._task])


class _Body(httpx2.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._call.next()
            if message is None:
                raise httpx2.RemoteProtocolError("the answer broke off")
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return

    async def aclose(self) -> None:
        await self._call.end()


def _scope(request: httpx2.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        # Of this version a disconnect is an exception of `send`, so that nobody listens for it meanwhile.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }
