"""A walk: every one of many paths is visited exactly once, on one connection, as wrk cannot do it."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.bench.load import BROWSER, LoadFailed

#: Requests sent at once: few enough for the buffers of a connection, so that neither end waits for the other.
_AT_ONCE = 50
_REST = "".join(f"{name}: {value}\r\n" for name, value in BROWSER.items())
#: Seconds after which a server that says nothing has hung.
_PATIENCE = 30.0
#: What a redirect begins with. It has no body, so that its head is all there is.
_REDIRECT, _END = b"HTTP/1.1 302 ", b"\r\n\r\n"


def walk(url: str, paths: Sequence[str]) -> None:
    """Visits each of `paths` once, all of which redirect. Raises LoadFailed."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), _PATIENCE) as connection:
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            requests = "".join(f"GET {path} HTTP/1.1\r\nHost: go.example\r\n{_REST}\r\n" for path in some)
            connection.sendall(requests.encode())
            _receive(connection, len(some))


def _receive(connection: socket.socket, redirects: int) -> None:
    received = b""
    while received.count(_END) < redirects:
        more = connection.recv(65536)
        if not more:
            raise LoadFailed(f"the connection ended behind {received[-200:]!r}")
        received += more
    if received.count(_REDIRECT) != redirects:
        raise LoadFailed(f"not only redirects: {received[:200]!r}")
