"""The sweep: which connections it closes, after how many seconds, and which it leaves alone. A sweep is a second."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvicorn
import uvloop
from uvicorn.server import ServerState

from shortener import logs
from shortener.web import protocol
from shortener.web.incoming import INCOMING_BODIES, IncomingBodies
from shortener.web.protocol import DEAF_SECONDS, HEAD_SECONDS, BoundedHttpProtocol, sweep
from shortener.web.responses import mark_endless

KEEP_ALIVE_SECONDS = 5
#: More than the kernel takes for a client that does not read.
MUCH = b"x" * 2**20


class Server:
    """A server whose seconds pass when the test says so."""

    def __init__(self, address: str) -> None:
        self.loop = uvloop.new_event_loop()
        self.address = address
        self.state = ServerState()
        self.answer = asyncio.Event()
        self.piece = b""
        self.config = uvicorn.Config(
            self._app,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self.config.load()

    async def _app(self, scope: dict[str, Any], _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["path"] == "/slow":
            await self.answer.wait()
        if scope["path"] == "/endless":
            mark_endless(scope)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.piece, "more_body": True})
            await self.answer.wait()
            await send({"type": "http.response.body", "body": b""})
            return
        body = MUCH if scope["path"] == "/much" else b""
        headers = [(b"content-length", str(len(body) * 20).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(19):
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": body})

    async def start(self) -> None:
        def protocol() -> BoundedHttpProtocol:
            return BoundedHttpProtocol(
                config=self.config,
                server_state=self.state,
                app_state={INCOMING_BODIES: IncomingBodies(())},
                _loop=self.loop,
            )

        self.server = await self.loop.create_unix_server(protocol, self.address)

    async def connection(self, said: bytes) -> socket.socket:
        opened = socket.socket(socket.AF_UNIX)
        opened.setblocking(False)
        await self.loop.sock_connect(opened, self.address)
        if said:
            await self.loop.sock_sendall(opened, said)
        await self.settle()
        return opened

    async def settle(self) -> None:
        """Lets everything happen that is ready to."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def seconds(self, number: int) -> None:
        for _ in range(number):
            sweep(self.state.connections)
        await self.settle()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(str(tmp_path / "server"))
    made.loop.run_until_complete(made.start())
    yield made
    for connection in list(made.state.connections):
        connection.transport.abort()
    made.answer.set()
    made.server.close()
    made.loop.run_until_complete(made.settle())
    made.loop.close()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        pytest.param(b"", HEAD_SECONDS, id="silent"),
        pytest.param(b"\r\n\r\n", HEAD_SECONDS, id="saying nothing"),
        pytest.param(b"GET / HT", HEAD_SECONDS, id="in a head"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", HEAD_SECONDS, id="in the headers"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\nGET", HEAD_SECONDS, id="in the next head"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", KEEP_ALIVE_SECONDS, id="answered"),
        pytest.param(b"GET /much HTTP/1.1\r\n\r\n", DEAF_SECONDS, id="deaf"),
        pytest.param(b"GET /slow HTTP/1.1\r\n\r\n", None, id="waiting for its answer"),
        pytest.param(b"GET /endless HTTP/1.1\r\n\r\n", None, id="at an answer without an end"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", KEEP_ALIVE_SECONDS, id="in its body"),
    ],
)
def test_how_long_a_connection_may_be(server: Server, said: bytes, seconds: int | None) -> None:
    async def wait() -> None:
        with await server.connection(said):
            await server.seconds(100 if seconds is None else seconds)
            assert len(server.state.connections) == 1
            if seconds is not None:
                await server.seconds(1)
                assert len(server.state.connections) == 0

    server.loop.run_until_complete(wait())


def test_who_takes_a_little_now_and_then_is_not_deaf(server: Server) -> None:
    async def wait() -> None:
        with await server.connection(b"GET /much HTTP/1.1\r\n\r\n") as connection:
            for _ in range(3):
                await server.seconds(DEAF_SECONDS - 1)
                for _ in range(20):
                    await server.loop.sock_recv(connection, 2**16)
                    await server.settle()
            assert len(server.state.connections) == 1

    server.loop.run_until_complete(wait())


def test_a_request_begins_its_time_anew(server: Server) -> None:
    async def wait() -> None:
        with await server.connection(b"GET / HTTP/1.1\r\n\r\n") as connection:
            for _ in range(3):
                await server.seconds(KEEP_ALIVE_SECONDS)
                await server.loop.sock_sendall(connection, b"GET / HTTP/1.1\r\n\r\n")
                await server.settle()
            assert len(server.state.connections) == 1

    server.loop.run_until_complete(wait())


@pytest.mark.parametrize(
    ("path", "piece", "is_waited_for"),
    [
        pytest.param(b"/slow", b"", True, id="an answer that takes its time"),
        pytest.param(b"/much", b"", True, id="an answer that is not taken"),
        pytest.param(b"/endless", b"x", True, id="an endless one that is taken, which the application ends"),
        pytest.param(b"/endless", MUCH * 20, False, id="an endless one that is not taken"),
    ],
)
def test_whom_a_server_that_ends_waits_for(server: Server, path: bytes, piece: bytes, is_waited_for: bool) -> None:
    server.piece = piece

    async def wait() -> None:
        with await server.connection(b"GET " + path + b" HTTP/1.1\r\n\r\n"):
            (connection,) = server.state.connections
            connection.shutdown()
            await server.settle()
            assert (len(server.state.connections) == 1) is is_waited_for

    server.loop.run_until_complete(wait())


BAD_REQUESTS = {
    "garbage": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "no-version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "bad-header": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "websocket": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "h2c": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("said", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_lines_about_bad_requests_are_bounded(
    server: Server, said: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "bad_requests", logs.Bounded())

    async def send() -> None:
        for _ in range(50):
            with await server.connection(said):
                pass

    with structlog.testing.capture_logs() as lines:
        server.loop.run_until_complete(send())
    # A new second begins a few times on a busy machine.
    assert len(lines) <= 5 * logs.LINES_A_SECOND
    assert all(line["source"] == "unknown" for line in lines)  # of a Unix socket
    assert not caplog.records
    text = str(lines).lower()
    assert not any(word in text for word in ("websocket", "pip", "install", "wsproto"))


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
    ],
)
def test_they_name_the_network(peer: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "bad_requests", logs.Bounded())
    with structlog.testing.capture_logs() as lines:
        protocol._ConnectionLog(logging.getLogger("uvicorn.error"), peer).warning("Invalid HTTP request received.")
    assert [line["source"] for line in lines] == [source]
    assert peer not in str(lines)
