"""The HTTP protocol of `shortener serve`: uvicorn's, with limits that it lacks, of size, of number and of time.

A connection that asks for nothing costs as much as one that does; so each has to say what it wants within some
seconds. One sweep a second looks at all of them (`sweep`), since a timer for each request would cost more than the
request itself (measured: 2.3 times nginx instead of 1.7).
"""

import logging
from collections.abc import Iterable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shortener import errors, logs
from shortener.domain import visitor
from shortener.web import errors as problems
from shortener.web import request_head
from shortener.web.incoming import INCOMING_BODIES, IncomingBodies, IncomingBody
from shortener.web.middleware import MAX_TARGET_BYTES, NOSNIFF
from shortener.web.responses import is_endless

#: Bytes of request line and headers. nginx takes 4 × 8 KiB by default, uvicorn's other parser 64 KiB.
MAX_HEAD_BYTES = 64 * 1024
#: Seconds for a whole head, from its first byte or, for the first one, from the beginning of the connection.
HEAD_SECONDS = 10
#: Seconds in which a client has to take a byte of an answer that waits for it; nginx's default (send_timeout).
DEAF_SECONDS = 60
#: Seconds after a refusal for which the client is still read from, so that it reads the refusal and is not reset.
LINGER_SECONDS = 2
#: Seconds that a body has to become whole once the server is to end.
LAST_BODY_SECONDS = 1

_CLOSE = (b"connection", b"close")


class _Nothing:
    """Takes the place of a connection's parser when nothing more on it is read."""

    def feed_data(self, data: bytes) -> None:
        """Throws `data` away."""


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
    """One connection. Refuses what is malformed or too large by a problem document, and closes what is idle."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = False
        self._head_bytes = 0
        #: Whether the present request is uvicorn's and its body is not whole, and that body if it comes in pieces.
        self._in_body = False
        self._body: IncomingBody | None = None
        self._incoming: IncomingBodies = self.app_state[INCOMING_BODIES]
        #: The head of a request whose offer to upgrade is declined, without that offer.
        self._head_without_offer: bytes | None = None
        #: What is said when everything before it has been answered.
        self._refusal: errors.Refused | None = None
        self._is_ending = False
        #: Seconds that the present state has lasted, as counted by sweeps.
        self._age = 0
        self._has_asked = False
        #: Bytes that the client has not taken, and the seconds since it last took any.
        self._untaken = self._deaf = 0

    def connection_made(self, transport: Any) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self.logger = _ConnectionLog(self.logger, self.client[0] if self.client else None)  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._forget_body()

    def on_message_begin(self) -> None:
        """The parser: a request begins."""
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        """The parser: its head is whole."""
        self._in_head = False
        if self.parser.should_upgrade():
            # The parser takes what follows for another protocol; see _decline_upgrade.
            self._head_without_offer = request_head.without_upgrade(
                self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers
            )
            return
        if self.url[:1] != b"/":
            self.url = request_head.take_authority(self.url, self.parser.get_http_version(), self.headers)
        self._in_body = True
        super().on_headers_complete()
        self._drop_trailers()

    def on_chunk_header(self) -> None:
        """The parser: the length of a piece of a chunked body, with its extensions."""
        if self._body is not None:
            self._body.chunks += 1

    def on_body(self, body: bytes) -> None:
        """The parser: a piece of the body."""
        if self._body is not None:
            self._body.taken += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser: the request is whole."""
        if self._head_without_offer is not None:
            return
        self._in_body = False
        self._forget_body()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """uvicorn: an answer has been given."""
        super().on_response_complete()
        if self._refusal is not None and not self._is_answering():
            self._say_refusal(self._refusal)

    def data_received(self, data: bytes) -> None:
        """The connection: bytes have come in."""
        # The piece in which a head begins may hold the end of a body before it, so counting begins with the next.
        if self._in_head:
            self._head_bytes += len(data)
        elif self._body is not None:
            self._body.received += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline_upgrade(memoryview(data)[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse_malformed()
        if self._in_head or self._in_body:
            self._check_unfinished()

    def shutdown(self) -> None:
        """The server ends: waits for answers, but not for who does not take what there is of one without an end."""
        self._is_ending = True
        super().shutdown()
        if not self._is_answering():
            return
        if is_endless(self.scope) and self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._body is not None:
            self.loop.call_later(LAST_BODY_SECONDS, self._give_up, self._body)

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

    def _decline_upgrade(self, rest: memoryview) -> None:
        """Reads the request again that offers to upgrade, without the offer, and `rest` as its body and what follows.

        RFC 9110 section 7.8: a server may ignore an offer. httptools skips the body of a request with one and takes
        what comes next for a request, which lets one sender write the request of another behind the same proxy.
        """
        while self._head_without_offer is not None:
            head, self._head_without_offer = self._head_without_offer, None
            if not head:
                self._refuse(errors.MalformedRequest("This server is no proxy: it has no CONNECT."))
                return
            # The old parser may have seen the end of the connection in the offer.
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            try:
                self.parser.feed_data(head)
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
            except httptools.HttpParserError:
                self._refuse_malformed()

    def _check_unfinished(self) -> None:
        """Refuses a head or body that is not whole and already too large, or one too many."""
        if self._in_head:
            if len(self.url) > MAX_TARGET_BYTES:
                self._refuse(errors.RequestTargetTooLong())
            elif self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(errors.HeadTooLarge())
        elif self._body is None:
            try:
                self._body = self._incoming.admit(self.client[0] if self.client else "")
            except errors.Refused as error:
                self._refuse(error)
        elif self._body.has_too_much_framing:
            self._refuse(errors.BodyTooLarge("The chunk extensions or trailers of the body are larger than 16 KiB."))

    def _give_up(self, body: IncomingBody) -> None:
        if self._body is body:
            self._refuse(errors.BodyIncomplete("The server is stopping, and the body was not whole; send it again."))

    def _forget_body(self) -> None:
        if self._body is not None:
            self._incoming.release(self._body)
            self._body = None

    def _refuse_malformed(self) -> None:
        if self.transport.is_closing():
            return
        self.logger.warning("Invalid HTTP request received.")
        self._refuse(errors.MalformedRequest())

    def _refuse(self, error: errors.Refused) -> None:
        """Answers `error` after what has been asked for before it, and closes; nothing more is read."""
        self.parser = _Nothing()  # type: ignore[assignment]  # of a parser nothing else is asked any more
        is_unfinished = self._in_body
        self._in_head = self._in_body = False
        self._forget_body()
        if is_unfinished:
            self._abandon(error)
        elif self._is_answering():
            self._refusal = error
        else:
            self._say_refusal(error)

    def _abandon(self, error: errors.Refused) -> None:
        """Answers `error` to the request whose body is coming, unless the application has begun to answer it."""
        if self.pipeline or self.cycle.response_started:
            self.transport.close()
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self._say_refusal(error)

    def _say_refusal(self, error: errors.Refused) -> None:
        if self.transport.is_closing():
            return
        response = problems.render(error, as_page=False)
        own_headers = [header for header in response.raw_headers if header != _CLOSE]
        headers = [*self.server_state.default_headers, *own_headers, NOSNIFF, _CLOSE]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        self.transport.write(b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)]))
        if self._is_ending or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)


def sweep(connections: Iterable[Any]) -> None:
    """Once a second: closes those of a worker's connections that have been idle, or busy with a head, too long."""
    for connection in list(connections):
        connection.grow_older()
