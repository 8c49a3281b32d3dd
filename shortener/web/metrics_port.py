"""The metrics on a port of their own, for networks where only the monitoring reaches it."""

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from shortener import metrics

#: Seconds that a client has for its request.
_REQUEST_SECONDS = 10


def serve(listener: socket.socket) -> None:
    """Answers `GET /metrics` on `listener`, which is listening already, for ever."""
    with ThreadingHTTPServer(listener.getsockname()[:2], _Handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_SECONDS

    def do_GET(self) -> None:
        """The metrics, or that there is nothing else."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """The same without the body."""
        self._answer(with_body=False)

    def version_string(self) -> str:
        """The name of the server, for its `Server` header."""
        return "shortener"

    def log_message(self, format: str, *arguments: Any) -> None:  # the base class names it so
        """Logs nothing: requests are not logged anywhere, and a bad one here is the operator's own."""

    def _answer(self, *, with_body: bool) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = metrics.page()
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", CONTENT_TYPE_LATEST)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(body)
