"""The HTTP protocol of `shortener serve`: uvicorn's, with limits that it lacks, of size and of time.

A connection that asks for nothing costs as much as one that does; so each has to say what it wants within some
seconds. One sweep a second looks at all of them (`sweep`), since a timer for each request would cost more than the
request itself (measured: 2.3 times nginx instead of 1.7).
"""

import logging
from collections.abc import Iterable
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shortener import errors, logs
from shortener.domain import visitor
from shortener.web import errors as problems
from shortener.web.responses import ProblemResponse, is_endless

#: Bytes of request line and headers. nginx takes 4 × 8 KiB by default, uvicorn's other parser 64 KiB.
MAX_HEAD_BYTES = 64 * 1024
#: Seconds for a whole head, from its first byte or, for the first one, from the beginning of the connection.
HEAD_SECONDS = 10
#: Seconds in which a client has to take a byte of an answer that waits for it; nginx's default (send_timeout).
DEAF_SECONDS = 60


bad_requests = logs.Bounded()


class _ConnectionLog:
    """Takes the place of uvicorn's logger at one connection: its warnings are about what strangers have sent."""

    def __init__(self, logger: logging.Logger, peer: str | None) -> None:
        self._logger = logger
        self._peer = peer
        self.level = logger.level

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)

    def warning(self, message: str) -> None:
        """Logs a warning with the network that it is about, unless there have been too many."""
        source = visitor.network_bytes(visitor.parse_address(self._peer or ""))
        bad_requests.warning(message, source=visitor.network_text(source))


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 431 and closes once a head that has no end yet is larger than MAX_HEAD_BYTES; closes when idle."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        #: Whether what comes is a head, or stands between the pieces of a chunked body, where it is bounded alike.
        self._in_head = False
        self._head_bytes = 0
        #: Seconds that the present state has lasted, as counted by sweeps.
        self._age = 0
        self._has_asked = False
        #: Bytes that the client has not taken, and the seconds since it last took any.
        self._untaken = self._deaf = 0

    def connection_made(self, transport: Any) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self.logger = _ConnectionLog(self.logger, self.client[0] if self.client else None)  # type: ignore[assignment]

    def on_message_begin(self) -> None:
        """The parser: a request begins."""
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        """The parser: its head is whole."""
        self._in_head = False
        super().on_headers_complete()
        self._drop_trailers()

    def on_chunk_header(self) -> None:
        """The parser: the length of a piece of a chunked body. Behind the last one come trailers."""
        self._in_head = True

    def on_body(self, body: bytes) -> None:
        """The parser: a piece of the body."""
        self._in_head, self._head_bytes = False, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser: the request is whole."""
        self._in_head = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """The connection: bytes have come in."""
        # The piece in which a head begins may hold the end of a body before it, so counting begins with the next.
        if self._in_head:
            self._head_bytes += len(data)
        HttpToolsProtocol.data_received(self, data)  # by name: super() would be an object more for every request
        if self._head_bytes > MAX_HEAD_BYTES and self._in_head and not self.transport.is_closing():
            self._refuse()

    def shutdown(self) -> None:
        """The server ends: waits for answers, but not for who does not take what there is of one without an end."""
        super().shutdown()
        if self._is_answering() and is_endless(self.scope) and self.transport.get_write_buffer_size():
            self.transport.abort()

    def grow_older(self) -> None:
        """Another second has passed: closes the connection if it has been waited for long enough."""
        if self.transport is None or self._is_deaf():
            return
        self._age += 1
        if self.transport.is_closing() or self._is_answering():
            self._age = 0
        elif self._age > (self.timeout_keep_alive if self._has_asked and not self._in_head else HEAD_SECONDS):
            self.transport.close()

    def _is_deaf(self) -> bool:
        """Whether the client has taken nothing for too long; then nothing more is said to it."""
        untaken = self.transport.get_write_buffer_size()
        self._deaf = self._deaf + 1 if untaken and untaken == self._untaken else 0
        self._untaken = untaken
        if self._deaf < DEAF_SECONDS:
            return False
        self.transport.abort()
        return True

    def _unsupported_upgrade_warning(self) -> None:
        self.logger.warning("An offer to upgrade to another protocol was ignored.")

    def _begin_head(self) -> None:
        self._in_head = self._has_asked = True
        self._head_bytes = self._age = 0

    def _drop_trailers(self) -> None:
        # The headers so far are the scope's list. What comes behind a chunked body must not pass for more of them.
        self.headers = []

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self) -> None:
        if self._is_answering():
            self.transport.close()
            return
        document = problems.problem(errors.HeadTooLarge())
        body = orjson.dumps(document)
        head = (
            f"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: {ProblemResponse.media_type}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def sweep(connections: Iterable[Any]) -> None:
    """Once a second: closes those of a worker's connections that have been idle, or busy with a head, too long."""
    for connection in list(connections):
        connection.grow_older()
