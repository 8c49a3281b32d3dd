"""Bodies that come slowly or never: after how long they are given up, and which slow ones pass."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from shortener import errors
from shortener.domain.visitor import Network
from shortener.settings import Settings
from shortener.web import bodies
from shortener.web.incoming import MOST_IN_ALL, MOST_OF_PEER, IncomingBodies

KIB = 1024
MOST = 20 * KIB * KIB


class _Clock(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        waiting = [timer.when() for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        if not self._ready and waiting:  # type: ignore[attr-defined]  # as the standard library names them
            self._now = max(self._now, min(waiting))
        super()._run_once()  # type: ignore[misc]


def _read(pieces: Sequence[tuple[float, int]], *, ends: bool = True) -> tuple[float, int | None]:
    """Seconds until a body is read or given up, and its length; `pieces`: the seconds before each, and its bytes."""
    coming = iter(pieces)

    async def receive() -> Message:
        pause, size = next(coming, (0.0, 0) if ends else (1e9, 0))
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(size)}

    async def run() -> tuple[float, int | None]:
        request = Request({"type": "http", "headers": [], "method": "POST"}, receive)
        try:
            length: int | None = len(await bodies.read(request, MOST))
        except errors.BodyIncomplete:
            length = None
        return asyncio.get_running_loop().time(), length

    with asyncio.Runner(loop_factory=_Clock) as runner:
        return runner.run(run())


SLOW: dict[str, tuple[list[tuple[float, int]], float]] = {
    "never a byte": ([], 10),
    "a piece and nothing more": ([(1, 100)], 10),
    "much and nothing more": ([(1, 100 * KIB)], 11),
    "a byte a second": ([(1, 1)] * 100, 10),
    "a byte every nine seconds": ([(9, 1)] * 100, 10),
    "nearly a kibibyte a second": ([(1, 1000)] * 100, 10),
    "fast, then a byte a second": ([(0.1, KIB)] * 100 + [(1, 1)] * 100, 20),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_body_that_does_not_come_is_given_up(name: str) -> None:
    pieces, seconds = SLOW[name]
    took, length = _read(pieces, ends=False)
    assert length is None
    assert took == pytest.approx(seconds, abs=0.2)


PASSING: dict[str, list[tuple[float, int]]] = {
    "at once": [(0, 5)],
    "a small one at the last second": [(4.9, 10), (4.9, 10)],
    "ten megabytes over a slow line": [(0.5, 8 * KIB)] * 1280,
    "ten megabytes in bursts": [(9, 100 * KIB)] * 100,
    "two kibibytes a second": [(1, 2 * KIB)] * 60,
    "nothing": [],
}


@pytest.mark.parametrize("name", PASSING)
def test_a_slow_body_passes(name: str) -> None:
    pieces = PASSING[name]
    assert _read(pieces)[1] == sum(size for _, size in pieces)


def _trusting(networks: str) -> Sequence[Network]:
    return Settings(_env_file=None, trusted_proxies=networks).trusted_proxies


@pytest.mark.parametrize(
    ("trusted", "peer", "most"),
    [
        pytest.param("", "203.0.113.7", MOST_OF_PEER, id="a stranger"),
        pytest.param("10.0.0.0/8", "203.0.113.7", MOST_OF_PEER, id="a stranger beside a proxy"),
        pytest.param("10.0.0.0/8", "10.1.2.3", MOST_IN_ALL, id="a trusted proxy"),
        pytest.param("10.0.0.0/8", "::ffff:10.1.2.3", MOST_IN_ALL, id="a trusted proxy, mapped into IPv6"),
        pytest.param("", "2001:db8::1", MOST_OF_PEER, id="a stranger with IPv6"),
        pytest.param("", "", MOST_IN_ALL, id="a socket of this machine"),
    ],
)
def test_how_many_bodies_of_one_peer_may_be_unfinished(trusted: str, peer: str, most: int) -> None:
    incoming = IncomingBodies(_trusting(trusted))
    bodies_of_peer = [incoming.admit(peer) for _ in range(most)]
    with pytest.raises((errors.TooManyBodies, errors.TooBusy)):
        incoming.admit(peer)
    if most < MOST_IN_ALL:
        incoming.admit("198.51.100.1")
    incoming.release(bodies_of_peer.pop())
    incoming.admit(peer)


def test_how_many_bodies_may_be_unfinished_in_all() -> None:
    incoming = IncomingBodies(())
    admitted = [incoming.admit(f"203.0.113.{number // MOST_OF_PEER}") for number in range(MOST_IN_ALL)]
    with pytest.raises(errors.TooBusy):
        incoming.admit("198.51.100.1")
    for body in admitted:
        incoming.release(body)
    for _ in range(MOST_IN_ALL // MOST_OF_PEER):
        incoming.admit("203.0.113.0")


def test_framing_is_bounded_and_not_counted_for_honest_chunks() -> None:
    body = IncomingBodies(()).admit("203.0.113.7")
    for _ in range(100_000):  # chunks of one byte
        body.received, body.taken, body.chunks = body.received + 6, body.taken + 1, body.chunks + 1
    assert not body.has_too_much_framing
    body.received += 100_000 * 16
    assert body.has_too_much_framing
