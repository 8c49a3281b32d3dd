"""Calls of an application in this process: piece by piece, and what comes of one that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from shortener.cli.in_process import InProcess

Send = Callable[[dict[str, Any]], Awaitable[None]]
START = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"b")]}


def body(piece: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def client(app: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=InProcess(app), base_url="http://here")


async def echo(scope: dict[str, Any], receive: Any, send: Send) -> None:
    asked = await receive()
    told = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {asked['body'].decode()}"
    await send(START)
    await send(body(told.encode(), more=False))
    assert (await receive())["type"] == "http.disconnect"


def test_a_call() -> None:
    async def call() -> httpx2.Response:
        async with client(echo) as opened:
            return await opened.post("/a%2Fb", params={"c": "d"}, content=b"e")

    response = asyncio.run(call())
    assert (response.status_code, response.headers["x-a"], response.text) == (200, "b", "POST /a/b c=d e")


def test_pieces_are_handed_on_as_they_come() -> None:
    made: list[int] = []

    async def endless(_scope: Any, _receive: Any, send: Send) -> None:
        await send(START)
        while True:
            made.append(1)
            await send(body(b"x"))

    async def call() -> None:
        async with client(endless) as opened, opened.stream("GET", "/") as response:
            taken = 0
            async for _ in response.aiter_raw():
                taken += 1
                assert len(made) <= taken + 4
                if taken == 50:
                    return

    asyncio.run(call())
    assert len(made) >= 50


def test_an_answer_that_breaks_off() -> None:
    async def breaking(_scope: Any, _receive: Any, send: Send) -> None:
        await send(START)
        await send(body(b"half"))
        raise RuntimeError

    async def call() -> None:
        async with client(breaking) as opened:
            await opened.get("/")

    with pytest.raises(httpx2.RemoteProtocolError, match="broke off"):
        asyncio.run(call())


def test_a_fault_is_an_answer() -> None:
    async def failing(_scope: Any, _receive: Any, _send: Send) -> None:
        raise RuntimeError

    async def call() -> httpx2.Response:
        async with client(failing) as opened:
            return await opened.get("/")

    assert asyncio.run(call()).status_code == 500


def test_what_comes_after_an_answer_is_done() -> None:
    done: list[int] = []

    async def tidy(_scope: Any, _receive: Any, send: Send) -> None:
        await send(START)
        await send(body(b"", more=False))
        await asyncio.sleep(0.01)
        done.append(1)

    async def call() -> None:
        async with client(tidy) as opened:
            await opened.get("/")
            assert done == [1]

    asyncio.run(call())
