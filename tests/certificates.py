"""The certificates that HTTP clients trust, read once for all clients of one process of tests.

A client reads them anew, whatever it will ask, which takes 26 ms of CPU (measured). No test asks a server by https.
"""

from functools import cache

from httpx2._transports import default


def share() -> None:
    """Has every client that is created from here on use the certificates that the first one has read."""
    default.create_ssl_context = cache(default.create_ssl_context)  # type: ignore[attr-defined]
