"""Bodies that are still coming: how many a worker receives at once, and what their framing may cost."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from shortener import errors
from shortener.domain.visitor import Network, is_within, parse_address

#: Under this name the state of the lifespan has the worker's `IncomingBodies`.
INCOMING_BODIES: Final = "incoming_bodies"
#: Unfinished bodies of one address, and of all, in each worker.
MOST_OF_PEER: Final = 64
MOST_IN_ALL: Final = 1024
#: Bytes of chunk extensions and trailers beside what the chunks' own lengths and line ends take.
MAX_FRAMING_BYTES: Final = 16 * 1024
#: Bytes that a chunk's length and its line ends take: sixteen digits would be a body that nobody admits.
_CHUNK_BYTES = 16


class IncomingBody:
    """A body of which the last byte has not come; counts bytes of it, and bytes of chunked coding around it."""

    __slots__ = ("chunks", "peer", "received", "taken")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        #: Bytes that the connection brought, those of them that are the body, and chunks begun.
        self.received = self.taken = self.chunks = 0

    @property
    def has_too_much_framing(self) -> bool:
        """Whether chunk extensions and trailers are larger than a server puts up with (RFC 9112 section 7.1.1)."""
        return self.received - self.taken - self.chunks * _CHUNK_BYTES > MAX_FRAMING_BYTES


class IncomingBodies:
    """The unfinished bodies of one worker. Used on its event loop only."""

    def __init__(self, trusted_proxies: Sequence[Network]) -> None:
        """`trusted_proxies` bring the bodies of many clients, so they have no limit of their own."""
        self._trusted = trusted_proxies
        self._of_peer: Counter[str] = Counter()
        self._all = 0

    def admit(self, peer: str) -> IncomingBody:
        """A body that begins to come from the address `peer`. Raises TooManyBodies, TooBusy."""
        if self._all >= MOST_IN_ALL:
            raise errors.TooBusy
        if self._of_peer[peer] >= MOST_OF_PEER and not self._is_exempt(peer):
            raise errors.TooManyBodies
        self._all += 1
        self._of_peer[peer] += 1
        return IncomingBody(peer)

    def release(self, body: IncomingBody) -> None:
        """Forgets a body that `admit` has given: it is whole, or will never be."""
        self._all -= 1
        self._of_peer[body.peer] -= 1
        if not self._of_peer[body.peer]:
            del self._of_peer[body.peer]

    def _is_exempt(self, peer: str) -> bool:
        address = parse_address(peer)
        # Without an address it is a socket of this machine, and so a proxy.
        return address is None or is_within(address, self._trusted)
