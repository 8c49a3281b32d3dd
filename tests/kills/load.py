"""The load: visitors on connections that stay open, and somebody who creates links. All carry on regardless."""

import asyncio
import random
import re
import threading
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType

import orjson

from tests.conftest import ADMIN_KEY, FIREFOX
from tests.kills.ledger import REDIRECTED, UNANSWERED, Ledger, query

#: Visitors at once, and the most requests that each sends in one go without waiting for an answer: a kill then finds
#: some that have been read, some that wait, and some whose answers are on their way.
_VISITORS = 8
_MOST_AT_ONCE = 32
#: Links that get half of the visits; all share the rest.
HOT = 5
#: Seconds between two tries to connect, and between two creations.
_RETRY_SECONDS = 0.01
_CREATE_SECONDS = 0.02
#: Seconds that a visitor pauses at most before the next requests: without a pause the load would take all the time
#: that the server needs to start again.
_PAUSE_SECONDS = 0.03
#: After how many rounds of requests every other visitor leaves at most, and another one comes: so that a worker that
#: has just begun gets its share of them.
_MOST_ROUNDS = 20
#: Seconds without an answer on an open connection after which something hangs. Nothing waits longer than five seconds
#: for a database; the rest is for a busy machine.
_PATIENCE = 20.0
_CREATED = 201
_BROWSER = f"Host: go.example\r\nUser-Agent: {FIREFOX}\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)")
_END = b"\r\n\r\n"

Conversation = Callable[[StreamReader, StreamWriter], Awaitable[None]]


class Silence(Exception):
    """The server has not answered, and the connection holds."""


def target_of(code: str) -> str:
    """Where every link of this test leads."""
    return f"https://example.com/{code}"


class Load:
    """Visits to `codes`, the first of which are hot, on a port of this machine, from a thread. A context manager."""

    def __init__(self, port: int, codes: Sequence[str], dice: random.Random) -> None:
        self.ledger = Ledger()
        #: When the last of the visits that were redirected was asked for, by the monotonic clock. Not when its answer
        #: was read: what a server sent before it was killed may be read long after.
        self.last_asked = 0.0
        self._port = port
        self._codes = list(codes)
        self._dice = dice
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="load")

    def __enter__(self) -> "Load":
        self._running = self._pool.submit(lambda: asyncio.run(self._run()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._pool.shutdown()
        if error is None:
            self._running.result()

    def check(self) -> None:
        """Raises what has ended the load before its time, if anything has."""
        if self._running.done():
            self._running.result()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(_VISITORS // 2):
                group.create_task(self._carry_on(self._visit))
                group.create_task(self._carry_on(self._pass_by))
            group.create_task(self._carry_on(self._create))

    async def _carry_on(self, conversation: Conversation) -> None:
        """Holds a conversation, and another one whenever the connection breaks."""
        while not self._stopping.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.ledger.refused += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            try:
                await conversation(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                self.ledger.broken += 1
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _visit(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Visits links for as long as the connection holds."""
        # A connection is one worker's: what was redirected on it is in that worker's cache.
        known: set[str] = set()
        while not self._stopping.is_set():
            await self._round(reader, writer, known)

    async def _pass_by(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Visits some links and leaves."""
        known: set[str] = set()
        for _ in range(self._dice.randint(1, _MOST_ROUNDS)):
            await self._round(reader, writer, known)

    async def _round(self, reader: StreamReader, writer: StreamWriter, known: set[str]) -> None:
        """Asks for many links in one go, hears all the answers, and pauses."""
        numbers = [self.ledger.ask(self._any_code()) for _ in range(self._dice.randint(1, _MOST_AT_ONCE))]
        requests = [f"GET /{self.ledger.codes[each]}?{query(each)} HTTP/1.1\r\n{_BROWSER}" for each in numbers]
        asked = time.monotonic()
        writer.write("".join(requests).encode())
        for number in numbers:
            status, head, _ = await _answer(reader)
            self._note(number, status, head, known, asked)
        await asyncio.sleep(self._dice.uniform(0, _PAUSE_SECONDS))

    def _note(self, number: int, status: int, head: bytes, known: set[str], asked: float) -> None:
        code = self.ledger.codes[number]
        self.ledger.statuses[number] = status
        if status != REDIRECTED:
            self.ledger.failed_though_known += code in known
        elif head.endswith(f"\r\nlocation: {target_of(code)}{_END.decode()}".encode()):
            known.add(code)
            self.last_asked = max(asked, self.last_asked)
        else:
            self.ledger.wrong.append(f"/{code} was answered with {head!r}")

    def _any_code(self) -> str:
        return self._dice.choice(self._codes[:HOT] if self._dice.random() < 1 / 2 else self._codes)

    async def _create(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Creates links; those that it is told of are visited from then on."""
        while not self._stopping.is_set():
            code = f"made{len(self.ledger.created)}"
            self.ledger.created[code] = UNANSWERED
            body = orjson.dumps({"code": code, "target": target_of(code)})
            head = (
                f"POST /api/v1/links HTTP/1.1\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{_BROWSER}"
            )
            writer.write(head.encode() + body)
            status, _, answer = await _answer(reader)
            self.ledger.created[code] = status
            if status == _CREATED and orjson.loads(answer)["target"] == target_of(code):
                self._codes.append(code)
            await asyncio.sleep(_CREATE_SECONDS)


async def _answer(reader: StreamReader) -> tuple[int, bytes, bytes]:
    """Status, head and body of the next answer.

    Raises IncompleteReadError or OSError where the connection breaks, and Silence where nothing comes.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(_END)
            status = int(head[9:12])
            length = None if status == REDIRECTED else _LENGTH.search(head)
            return status, head, await reader.readexactly(int(length[1])) if length else b""
    except TimeoutError as error:  # which is an OSError, but no broken connection
        raise Silence(f"no answer for {_PATIENCE:.0f} seconds") from error
