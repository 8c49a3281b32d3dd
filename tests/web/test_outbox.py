"""The outbox: what of a turn of the event loop happens in which order."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from shortener.clicks.spool import Spool
from shortener.web.outbox import Answer, Outbox


class World:
    """A spool and connections that note what is done with them, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def append_together(self, payloads: Sequence[bytes]) -> None:
        self.done.append(("clicks", *payloads))

    def outbox(self) -> Outbox:
        return Outbox(cast(Spool, self))

    def connection(self, name: str, *, is_closing: bool = False) -> asyncio.Transport:
        return cast(asyncio.Transport, _Connection(self, name, is_closing))


class _Connection:
    def __init__(self, world: World, name: str, is_closing: bool) -> None:
        self._world, self._name, self._is_closing = world, name, is_closing

    def is_closing(self) -> bool:
        return self._is_closing

    def write(self, data: bytes) -> None:
        self._world.done.append((self._name, data))

    def close(self) -> None:
        self._world.done.append((self._name, "closed"))


@pytest.fixture
def world() -> World:
    return World()


def test_a_turns_clicks_are_written_together_and_then_its_answers_are_sent(world: World) -> None:
    async def turn() -> None:
        outbox = world.outbox()
        first, second = world.connection("first"), world.connection("second")
        outbox.put(Answer(first, b"one", is_last=False, click=b"1"))
        outbox.put(Answer(first, b"two", is_last=False, click=None))
        outbox.put(Answer(second, b"three", is_last=True, click=b"3"))
        asyncio.get_running_loop().call_soon(world.done.append, ("afterwards",))
        assert world.done == []
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert world.done == [
        ("clicks", b"1", b"3"),
        ("first", b"one"),
        ("first", b"two"),
        ("second", b"three"),
        ("second", "closed"),
        ("afterwards",),
    ]


def test_every_turn_is_one_of_its_own(world: World) -> None:
    async def turns() -> None:
        outbox = world.outbox()
        for number in (b"1", b"2"):
            outbox.put(Answer(world.connection("one"), number, is_last=False, click=number))
            await asyncio.sleep(0)

    asyncio.run(turns())
    assert world.done == [("clicks", b"1"), ("one", b"1"), ("clicks", b"2"), ("one", b"2")]


def test_answers_without_clicks_write_none(world: World) -> None:
    async def turn() -> None:
        world.outbox().put(Answer(world.connection("one"), b"404", is_last=False, click=None))
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert world.done == [("one", b"404")]


def test_who_is_gone_gets_nothing_and_is_counted(world: World) -> None:
    async def turn() -> None:
        outbox = world.outbox()
        outbox.put(Answer(world.connection("gone", is_closing=True), b"one", is_last=True, click=b"1"))
        outbox.put(Answer(world.connection("here"), b"two", is_last=False, click=None))
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert world.done == [("clicks", b"1"), ("here", b"two")]


def test_sending_early_sends_once(world: World) -> None:
    async def turn() -> None:
        outbox = world.outbox()
        outbox.put(Answer(world.connection("one"), b"one", is_last=False, click=b"1"))
        outbox.send()
        assert world.done == [("clicks", b"1"), ("one", b"one")]
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert world.done == [("clicks", b"1"), ("one", b"one")]
