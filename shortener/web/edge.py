"""The hot path: answers visits straight from the parser, without an ASGI task.

A protocol class for uvicorn. It answers itself only what is plain: GET or HEAD without a body, nothing else pending
on the connection, a link that may be redirected right now or a code that no link has. Everything else it hands over
to uvicorn unchanged, and so to the canonical routes of web/redirects, which say byte for byte the same: one
behaviour, two speeds, and a property test holds both to it.

    data_received → parser → on_headers_complete → cache → outbox → clicks/spool → bytes out
"""

from time import time_ns
from typing import Any
from urllib.parse import unquote

import structlog

from shortener import errors
from shortener.redirect.entry import UNCACHED, Entry, Plain
from shortener.web.clicks import Request
from shortener.web.middleware import MAX_TARGET_BYTES
from shortener.web.outbox import Answer
from shortener.web.prefetches import PURPOSE, SEC_PURPOSE, X_MOZ, X_PURPOSE, is_prefetch
from shortener.web.protocol import BoundedHttpProtocol
from shortener.web.visits import Unknown, Visits

#: With one of these, a request has a body or wants more than an answer.
_LENGTH, _CODING, _EXPECT, _UPGRADE = b"content-length", b"transfer-encoding", b"expect", b"upgrade"
_END, _END_AND_CLOSE = b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"

log = structlog.get_logger()


class EdgeProtocol(BoundedHttpProtocol):
    """One connection. The worker's `Visits` come in the state of its lifespan, under `visits`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._visits: Visits = self.app_state["visits"]
        self._kept = self._visits.cache.get
        self._outbox = self._visits.outbox
        self._known_hosts = self._visits.well_formed_hosts
        #: Whether the last answer has been given.
        self._is_last = False
        self._peer = ""
        #: Whether the present request is uvicorn's to answer.
        self._handed_over = False

    def connection_made(self, transport: Any) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""

    def on_message_begin(self) -> None:
        """The parser: a request begins."""
        # What uvicorn does here, it does when a request is handed over.
        self.url = b""
        self.headers = []
        self._handed_over = False
        # As _begin_head does.
        self._in_head = self._has_asked = True
        self._head_bytes = self._age = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser: a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The parser: the head is whole, and for what is answered here so is the request."""
        self._in_head = False
        try:
            answered = self._answer()
        except Exception as error:  # the parser would take it for the visitor's fault
            log.error("the edge failed, the routes answer instead", cause=repr(error), exc_info=True)
            answered = False
        if not answered:
            self._hand_over()
        self.headers = []  # see _drop_trailers

    def on_body(self, body: bytes) -> None:
        """The parser: a piece of the body."""
        if self._handed_over:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser: the request is whole."""
        self._in_head = False
        if self._handed_over:
            super().on_message_complete()

    def eof_received(self) -> None:
        """The connection: the client sends no more. What it has asked for is answered first."""
        self._outbox.send()
        super().eof_received()

    def shutdown(self) -> None:
        """The server ends: a visit that has been counted is answered first."""
        self._outbox.send()
        super().shutdown()

    def _refuse(self, error: errors.Refused) -> None:
        self._outbox.send()
        super()._refuse(error)

    def _answer(self) -> bool:
        """Answers the request if it is a plain visit; whether nothing is left to do."""
        cycle = self.cycle
        if self._is_last or self.transport.is_closing():
            return True  # asked for behind a request that was to be the last
        if (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            return False
        parser = self.parser
        method = parser.get_method()
        fields = dict(self.headers)
        if _LENGTH in fields or _CODING in fields or _EXPECT in fields or _UPGRADE in fields:
            return False
        is_get = method == b"GET"
        if not is_get and method != b"HEAD":
            return False
        has_purpose = SEC_PURPOSE in fields or PURPOSE in fields or X_MOZ in fields or X_PURPOSE in fields
        if has_purpose and is_get and is_prefetch(fields):
            return False
        version = parser.get_http_version()
        if (version != "1.1" and version != "1.0") or len(self.url) > MAX_TARGET_BYTES:
            return False
        # Nearly always it is one, and known.
        is_usual = fields.get(b"host") in self._known_hosts and len(fields) == len(self.headers)
        if not is_usual and not self._has_one_host(fields):
            return False
        path, _, query = self.url.partition(b"?")
        answer = self._visit(path, Request(self.headers, fields, self._peer, query), is_get=is_get)
        if answer is None:
            return False
        head, body, click = answer
        self._is_last = version != "1.1" or not parser.should_keep_alive()
        end = _END_AND_CLOSE if self._is_last else _END
        self._outbox.put(Answer(self.transport, head + end + body, self._is_last, click))
        self.server_state.total_requests += 1
        return True

    def _has_one_host(self, fields: dict[bytes, bytes]) -> bool:
        """Whether the request has one well-formed Host; of all others the routes say what is wrong."""
        host = fields.get(b"host")
        if host not in self._known_hosts and not (host and self._visits.admits_host(host)):
            return False
        # Of headers that are sent twice `fields` has one only.
        return [name for name, _ in self.headers].count(b"host") == 1

    def _visit(self, path: bytes, request: Request, *, is_get: bool) -> tuple[bytes, bytes, bytes | None] | None:
        """Head of the answer without its end, body, and click if it is one; None if it takes a closer look."""
        visits = self._visits
        domain = visits.domains.of_host(request.fields.get(b"host", b"")) if visits.domains.any else ""
        found = self._kept(domain.encode() + path if domain else path) or visits.find(path, domain)
        if found is None or b"#" in request.query:
            return None
        default_headers = self.server_state.default_headers
        now_ms = time_ns() // 1_000_000
        # By type, the commonest first.
        if type(found) is Plain:
            target_at = found[0] + 1
            of_link, target = found[1:target_at], found[target_at:]
            head = visits.plain_head(default_headers)
        elif type(found) is Unknown:
            where = unquote(path.decode("ascii"))
            return *visits.not_found(found, where, request, default_headers, is_get=is_get), None
        elif type(found) is Entry and not found.is_guarded and found.live_from_ms <= now_ms < found.live_until_ms:
            return self._chosen(found, path, request, now_ms, is_get=is_get)
        else:
            return None
        visits.redirects += 1
        return head + target, b"", visits.pack(of_link, request, now_ms) if is_get else None

    def _chosen(
        self, entry: Entry, path: bytes, request: Request, now_ms: int, *, is_get: bool
    ) -> tuple[bytes, bytes, bytes | None] | None:
        """The same for a live link that is not plain."""
        visits = self._visits
        if entry.steady_from_ms <= now_ms < entry.steady_until_ms:
            location, status, of_link = entry.target, entry.status, entry.click
        elif entry.cache_control == UNCACHED:
            try:
                location, status, of_link = visits.choose(entry, path, request, now_ms, is_get=is_get)
            except errors.Refused:
                return None  # why is the routes' to say
        else:
            return None  # it may be kept until it expires: for how long is the routes' to say
        visits.redirects += 1
        head = visits.head(status, entry.cache_control, self.server_state.default_headers)
        counted = is_get and entry.track
        return head + location.encode(), b"", visits.pack(of_link, request, now_ms) if counted else None

    def _hand_over(self) -> None:
        """Gives the request to uvicorn, as if it had been uvicorn's from the beginning."""
        url, headers = self.url, self.headers
        BoundedHttpProtocol.on_message_begin(self)
        for name, value in headers:
            BoundedHttpProtocol.on_header(self, name, value)
        self.url = url
        self._handed_over = True
        BoundedHttpProtocol.on_headers_complete(self)
