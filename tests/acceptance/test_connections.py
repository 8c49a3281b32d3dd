"""Visitors who misbehave on their connections: they get what uvicorn would give or better, others are unharmed."""

import re
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from shortener.clicks.drainer import Drainer
from shortener.storage import visits
from shortener.storage.engine import Database
from shortener.web.protocol import HEAD_SECONDS
from tests.acceptance.visitors import (
    PATIENCE,
    Visitor,
    clicks,
    create,
    page,
    port_of,
    resident,
    visit,
    wait_until_drained,
)
from tests.cli.process import Serving, environment, eventually, served
from tests.conftest import ADMIN_KEY
from tests.ports import free_port
from tests.spools import agreed, count, drain_all, id_of

MEBIBYTE = 2**20
CODES = [f"code{number}" for number in range(10)]
#: Bytes by which a worker may grow, whatever is thrown at it.
MOST_GROWTH = 32 * MEBIBYTE
#: Seconds that a visit may take, at the median, while others misbehave; a hundred times what it takes on a busy day.
PROMPT = 0.05
#: Seconds of misbehaviour after which a connection must be gone: the longest that it has, and a sweep or two.
GONE = HEAD_SECONDS + 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connections")


@pytest.fixture(scope="module")
def serving(folder: Path) -> Iterator[Serving]:
    """One worker, ten links; whatever is done to it, it must not be surprised."""
    with served(folder, SHORTENER_ADMIN_KEY=ADMIN_KEY) as running:
        for code in CODES:
            create(running, code, target_of(code))
        yield running
        assert running.stop() == 0
        log = running.errors.read_text()
        assert "Traceback" not in log, log[-3000:]
        assert "[error" not in log, log[-3000:]


def target_of(code: str) -> str:
    return f"https://example.com/{code}"


@pytest.fixture
def port(serving: Serving) -> int:
    return port_of(serving)


@pytest.fixture
def worker(serving: Serving) -> int:
    return serving.children["worker-1"]


class Counted:
    """Holds the statistics to what a test has seen."""

    def __init__(self, serving: Serving, data: Path) -> None:
        self._serving = serving
        self._data = data
        self._before = self._now()

    def expect(self, seen: Mapping[str, int]) -> None:
        now = self._now()
        assert {code: now[code] - self._before[code] for code in CODES} == {code: seen.get(code, 0) for code in CODES}

    def _now(self) -> dict[str, int]:
        wait_until_drained(f"sqlite:///{self._data / 'shortener.db'}", self._data / "spool")
        return {code: clicks(self._serving, code) for code in CODES}


@pytest.fixture
def counted(serving: Serving, folder: Path) -> Counted:
    return Counted(serving, folder / "data")


OTHERS = [
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""),
    (b"HEAD /code1 HTTP/1.1\r\nHost: a\r\n\r\n", 302, target_of("code1")),
    (b"GET /nobodys HTTP/1.1\r\nHost: a\r\n\r\n", 404, ""),
    (b"POST /code2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", 405, ""),
]


def test_thousands_of_requests_at_once_are_answered_in_order(port: int, counted: Counted) -> None:
    """Those that the edge answers itself and those that routes do, in turn."""
    rounds = 300
    visits = [(visit(code), 302, target_of(code)) for code in CODES]
    asked = [each for pair in zip(visits, OTHERS, strict=False) for each in pair] + visits[len(OTHERS) :]
    with Visitor(port) as visitor:
        sender = threading.Thread(target=visitor.say, args=(b"".join(raw for raw, _, _ in asked) * rounds,))
        sender.start()
        for _ in range(rounds):
            for raw, status, target in asked:
                answer = visitor.hear(to_head=raw.startswith(b"HEAD"))
                assert (answer.status, answer.target) == (status, target)
        sender.join()
    counted.expect(dict.fromkeys(CODES, rounds))


def test_who_never_reads_costs_no_memory(port: int, worker: int, counted: Counted) -> None:
    """Visits of every link in turn until the server takes no more. What it has taken it answers once it is read."""
    before = resident(worker)
    with Visitor(port, buffer=4096) as deaf:
        sent = stuff(deaf)
        grown = resident(worker) - before
        assert sent > 1000
        assert grown < MOST_GROWTH, f"{grown / MEBIBYTE:.0f} MiB for {sent} requests"
        expected = Counter({"code0": latencies(port)[1]})
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEBIBYTE)
        codes = [CODES[number % len(CODES)] for number in range(sent)]
        assert [deaf.hear().target for _ in codes] == [target_of(code) for code in codes]
        expected.update(codes)
    counted.expect(expected)


def stuff(visitor: Visitor) -> int:
    """Sends visits, of one link after the other, until no more is taken for a while; how many were whole."""
    # The last of them must be whole, and what the system keeps by itself is little.
    visitor.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    piece = b"".join(visit(code) for code in CODES) * 20
    total = 0
    visitor.socket.settimeout(0.3)
    try:
        while True:
            total += visitor.socket.send(piece[total % len(piece) :])
    except TimeoutError:
        visitor.socket.settimeout(PATIENCE)
    return total // len(visit(CODES[0]))


def latencies(port: int, visits: int = 200) -> tuple[float, int]:
    """The median of how long a visit takes, seconds, and how many there were."""
    took = []
    with Visitor(port) as visitor:
        for _ in range(visits):
            began = time.monotonic()
            assert visitor.visit("code0").status == 302
            took.append(time.monotonic() - began)
    return statistics.median(took), visits


#: How a connection begins, what it goes on with, a byte a second, and how many do so at once.
_ASKED = b"HEAD /code0 HTTP/1.1\r\nHost: a\r\n\r\n"
_CHUNKED = b"POST /code0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
TRICKLES = {
    "request line": (b"GET /", b"a" * 60, 150),
    "header": (b"GET /code0 HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 60, 150),
    "many headers": (b"GET /code0 HTTP/1.1\r\n", b"a:\r\n" * 20, 100),
    "second request": (_ASKED, b"GET /" + b"a" * 60, 50),
    "empty lines": (b"", b"\r\n" * 40, 50),
    "empty lines after a request": (_ASKED, b"\r\n" * 40, 10),
    "length of a chunk": (_CHUNKED, b"0" * 60, 10),
    "extension of a chunk": (_CHUNKED + b"4;", b"a" * 60, 10),
    "chunk": (_CHUNKED + b"ff\r\n", b"a" * 60, 10),
    "trailers": (_CHUNKED + b"0\r\n", b"a:\r\n" * 20, 10),
    "body": (b"POST /code0 HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", b"a" * 60, 10),
    "nothing": (b"", b"", 50),
}


def test_hundreds_that_trickle(port: int, worker: int, counted: Counted) -> None:
    """A byte a second each. They are closed in time, and good visitors do not notice them."""
    alone, visits = latencies(port)
    before = resident(worker)
    with ExitStack() as stack:
        trickling = {
            stack.enter_context(Visitor(port)): (name, begun, rest)
            for name, (begun, rest, times) in TRICKLES.items()
            for _ in range(times)
        }
        assert len(trickling) >= 500
        began = time.monotonic()
        for visitor, (_, begun, _) in trickling.items():
            visitor.say(begun)
        among = []
        for second in range(GONE):
            among.append(latencies(port)[0])
            visits += 200
            for visitor in [visitor for visitor in trickling if is_closed(visitor)]:
                del trickling[visitor]
            for visitor, (_, _, rest) in trickling.items():
                tell(visitor, rest[second : second + 1])
            time.sleep(max(0.0, began + second + 1 - time.monotonic()))
        assert not Counter(name for visitor, (name, _, _) in trickling.items() if not is_closed(visitor))
        assert resident(worker) - before < MOST_GROWTH
    assert statistics.median(among) < max(5 * alone, PROMPT), (alone, among)
    assert max(among) < PATIENCE / 10
    counted.expect({"code0": visits})


def tell(visitor: Visitor, raw: bytes) -> None:
    with suppress(ConnectionError):
        visitor.say(raw)


def is_closed(visitor: Visitor) -> bool:
    """Whether the server has closed; what it has said before that is thrown away."""
    try:
        while select.select([visitor.socket], [], [], 0)[0]:
            if not visitor.socket.recv(65_536):
                return True
    except ConnectionError:
        return True
    return False


def test_bodies_that_trickle_into_the_api(port: int, serving: Serving) -> None:
    """Some are waited for, the others refused; good callers do not notice them."""
    head = f"POST /api/v1/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_KEY}\r\n".encode()
    head += b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(Visitor(port)).say(head)
        with Visitor(port) as other:
            assert other.call("GET", "/links").status == 200
            assert other.visit("nobodys").status == 404
        assert page(serving, "readyz").status == 200


@pytest.mark.parametrize("rude", [False, True], ids=["closed", "reset"])
def test_who_leaves_in_the_middle(port: int, serving: Serving, counted: Counted, rude: bool) -> None:
    """At every tenth byte of a visit, and of a call with a body. Only whole visits count."""
    call = b"POST /api/v1/links HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    call += f"Authorization: Bearer {ADMIN_KEY}\r\n".encode() + b'{"target": "https'
    for raw in (visit("code0"), call):
        for end in range(0, len(raw), 10):
            with Visitor(port) as leaving:
                if rude:
                    leaving.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                leaving.say(raw[:end])
    assert page(serving, "readyz").status == 200
    counted.expect({})


@contextmanager
def plain_uvicorn(folder: Path, database: Path) -> Iterator[int]:
    """The application as plain uvicorn serves it, on the same database; its port."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "shortener.app:create_app", "--port", str(port)]
    settings = {"SHORTENER_DATABASE_URL": f"sqlite:///{database}", "SHORTENER_DATA_DIR": str(folder)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment(**settings), stdout=log, stderr=log) as process,
    ):
        try:
            eventually(lambda: "running on" in (folder / "log").read_text(), within=PATIENCE)
            yield port
        finally:
            process.terminate()


_GET, _HOST = b"GET /code0 HTTP/1.1\r\n", b"Host: a\r\n"
_WHOLE = _GET + _HOST + b"\r\n"
#: What is sent, and whether the visitor then says that nothing more comes.
CONVERSATIONS = {
    "nothing": (b"", True),
    "half a line": (b"GET /co", True),
    "half a head": (_GET + _HOST, True),
    "whole": (_WHOLE, True),
    "whole, and waits": (_WHOLE, False),
    "two at once": (_WHOLE * 2, True),
    "one and a half": (_WHOLE + _GET, True),
    "one and a half, and waits": (_WHOLE + _GET, False),
    "last one": (_GET + _HOST + b"Connection: close\r\n\r\n", False),
    "last one, and another": (_GET + _HOST + b"Connection: close\r\n\r\n" + _WHOLE, False),
    "old": (b"GET /code0 HTTP/1.0\r\n\r\n", False),
    "old, kept alive": (b"GET /code0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    "bare newlines": (_WHOLE.replace(b"\r", b""), False),
    "bare newline in the middle": (_GET + _HOST + b"Host: a\nX: b\r\n\r\n", False),
    "empty lines before": (b"\r\n\r\n" + _WHOLE, False),
    "nul in the path": (b"GET /co\0de HTTP/1.1\r\n\r\n", False),
    "nul in a header": (_GET + _HOST + b"X: \0\r\n\r\n", False),
    "nul behind": (_WHOLE + b"\0", False),
    "garbage": (b"\xff\xfe\x00\r\n\r\n", False),
    "garbage behind": (_WHOLE + b"\xff\xfe\x00\r\n\r\n", False),
    "body of a visit": (_GET + _HOST + b"Content-Length: 4\r\n\r\nbody" + _WHOLE, False),
    "half a body": (_GET + _HOST + b"Content-Length: 9\r\n\r\nbody", True),
    "half a body, and waits": (_GET + _HOST + b"Content-Length: 9\r\n\r\nbody", False),
    "chunks": (_GET + _HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + _WHOLE, False),
    "broken chunks": (_GET + _HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", False),
    "wants to be told to go on": (_GET + _HOST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", False),
    "wants another protocol": (_GET + _HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", False),
}
#: A visit that is whole is answered, whatever comes behind it: with uvicorn that closes before the answer is ready.
#: Behind an offer to upgrade the connection stays; uvicorn's own has to end, as it would take a body for a request.
BETTER = {
    "whole": (["302"], True),
    "two at once": (["302", "302"], True),
    "one and a half": (["302"], True),
    "nul behind": (["302", "400"], True),
    "garbage behind": (["302", "400"], True),
    "wants another protocol": (["302"], False),
}


def test_conversations_end_as_with_plain_uvicorn(folder: Path, port: int, tmp_path: Path) -> None:
    with plain_uvicorn(tmp_path, folder / "data" / "shortener.db") as other:
        ours, theirs = outcomes(port), outcomes(other)
    assert ours == theirs | BETTER


def outcomes(port: int) -> dict[str, tuple[list[str], bool]]:
    """By conversation the statuses that came, and whether the server has closed."""
    with ExitStack() as stack:
        visitors = {name: stack.enter_context(Visitor(port)) for name in CONVERSATIONS}
        for name, visitor in visitors.items():
            raw, ends = CONVERSATIONS[name]
            visitor.say(raw)
            if ends:
                visitor.socket.shutdown(socket.SHUT_WR)
        # All of them at once, and well before any of them is closed for being idle.
        deadline = time.monotonic() + 1.5
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(left)
        return {name: outcome(visitor) for name, visitor in visitors.items()}


def outcome(visitor: Visitor) -> tuple[list[str], bool]:
    received, closed = b"", False
    try:
        while not closed and select.select([visitor.socket], [], [], 0)[0]:
            part = visitor.socket.recv(65_536)
            received, closed = received + part, not part
    except ConnectionError:
        closed = True
    return re.findall(r"HTTP/1\.1 (\d{3})", received.decode("latin-1")), closed


class Regular:
    """A visitor with a link of his own, who comes again and again, `together` visits at once, until he is cut off."""

    def __init__(self, port: int, code: str, together: int) -> None:
        self.visitor = Visitor(port)
        self.code = code
        self.sent = self.answered = 0
        self.torn = b""
        self.together = together
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self.visitor:
            try:
                while True:
                    self.sent += self.together
                    self.visitor.say(visit(self.code) * self.together)
                    for _ in range(self.together):
                        assert self.visitor.hear().status == 302
                        self.answered += 1
            except ConnectionError:
                self.torn = self.visitor.unheard


def test_the_end_under_load(tmp_path: Path) -> None:
    """Every visit that was answered is counted, no answer is torn, and the server ends well."""
    plans = {f"one{number}": 1 for number in range(8)} | {f"many{number}": 20 for number in range(4)}
    with served(tmp_path, "--port", "0", "--workers", "2", SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving:
        for code in plans:
            create(serving, code)
        regulars = [Regular(port_of(serving), code, together) for code, together in plans.items()]
        eventually(lambda: all(regular.answered > 100 for regular in regulars))
        assert serving.stop(signal.SIGTERM) == 0
        for regular in regulars:
            regular.thread.join(PATIENCE)
        assert serving.errors.read_text() == ""
    found = drained_by_hand(tmp_path / "data", plans)
    for regular in regulars:
        assert regular.answered <= found[regular.code] <= regular.sent
        # Who asks for one thing at a time never gets half of it.
        assert not regular.torn or regular.together > 1


def drained_by_hand(data: Path, codes: Collection[str]) -> dict[str, int]:
    """The clicks of links, by code, of a server that has ended; what it has left in the spool included."""
    database = Database(f"sqlite:///{data / 'shortener.db'}")
    drainer = Drainer(data / "spool", database, id_of(database))
    drain_all(drainer)
    drainer.close()
    with database.read() as connection:
        found = {code: visits.visited(connection, "", code) for code in codes}
    clicked = {code: count(database, link.id) for code, link in found.items() if link is not None}
    assert agreed(database) == sum(clicked.values())
    database.close()
    return clicked
