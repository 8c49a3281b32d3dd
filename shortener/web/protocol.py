"""The HTTP protocol of `shortener serve`: uvicorn's, with a limit on the head of a request, which it lacks."""

from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shortener import errors
from shortener.web import errors as problems
from shortener.web.responses import ProblemResponse

#: Bytes of request line and headers. nginx takes 4 × 8 KiB by default, uvicorn's other parser 64 KiB.
MAX_HEAD_BYTES = 64 * 1024


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 431 and closes once a head that has no end yet is larger than MAX_HEAD_BYTES."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = False
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """The parser: a request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """The parser: its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser: a header. Those behind a chunked body are dropped: they must not pass for the request's own."""
        if self._in_head:
            super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """The connection: bytes have come in."""
        # The piece in which a head begins may hold the end of a body before it, so counting begins with the next.
        was_in_head = self._in_head
        super().data_received(data)
        if self._in_head and was_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse()

    def _refuse(self) -> None:
        document = problems.problem(errors.HeadTooLarge())
        body = orjson.dumps(document)
        head = (
            f"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: {ProblemResponse.media_type}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
