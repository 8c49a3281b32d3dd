"""Visitors by hand: connections that say exactly what a test wants, and what can be seen of a server from outside."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shortener.clicks import frame, segment
from shortener.storage import clicks as rows
from shortener.storage.engine import Database
from tests.cli.process import Serving, eventually
from tests.conftest import ADMIN_KEY, FIREFOX

#: Seconds until an answer must have come.
PATIENCE = 20.0
#: Connections opened at most until every worker has got one.
_MOST_CONNECTIONS = 400
#: A browser, as little of it as is needed: what has no user agent is counted as a robot.
BROWSER = f"Host: go.example\r\nUser-Agent: {FIREFOX}\r\n".encode()
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: ([^\r]*)", re.IGNORECASE)
_LISTENING = "0A"


class Answer(NamedTuple):
    """An answer, taken apart."""

    status: int
    head: bytes
    body: bytes

    @property
    def target(self) -> str:
        """Where it leads, or nothing."""
        found = _LOCATION.search(self.head)
        return found[1].decode() if found else ""

    def json(self) -> Any:
        return orjson.loads(self.body)


class Visitor:
    """A connection that stays open."""

    def __init__(self, port: int, *, buffer: int | None = None) -> None:
        """`buffer` is how many bytes the system takes in before anybody reads them, if not as many as it likes."""
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        self._received, self._at = b"", 0

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def hear(self, *, to_head: bool = False) -> Answer:
        """The next answer. Raises ConnectionError where the server closes before it."""
        while (answer := self._next(to_head=to_head)) is None:
            part = self.socket.recv(262_144)
            if not part:
                raise ConnectionResetError("closed by the server")
            self._received = self.unheard + part
            self._at = 0
        return answer

    @property
    def unheard(self) -> bytes:
        """What has come and is no whole answer."""
        return self._received[self._at :]

    def _next(self, *, to_head: bool) -> Answer | None:
        end = self._received.find(b"\r\n\r\n", self._at)
        if end < 0:
            return None
        head = self._received[self._at : end]
        found = None if to_head else _LENGTH.search(head)
        behind = end + 4 + (int(found[1]) if found else 0)
        if behind > len(self._received):
            return None
        self._at = behind
        return Answer(int(head[9:12]), head, self._received[end + 4 : behind])

    def visit(self, code: str) -> Answer:
        self.say(visit(code))
        return self.hear()

    def call(self, method: str, path: str, content: Any = None, key: str = ADMIN_KEY) -> Answer:
        """A call of the API."""
        body = b"" if content is None else orjson.dumps(content)
        self.say(
            f"{method} /api/v1{path} HTTP/1.1\r\nHost: go.example\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return self.hear()

    def worker(self, serving: Serving) -> int:
        """The number of the process at the other end."""
        mine, its = self.socket.getsockname()[1], self.socket.getpeername()[1]
        # The table is not of one moment: while others come and go, a line may be in it twice.
        (inode,) = {inode for local, remote, inode in _connections() if (local, remote) == (its, mine)}
        for name, pid in serving.children.items():
            if name.startswith("worker") and f"socket:[{inode}]" in _open_files(pid):
                return pid
        raise AssertionError("no worker has accepted this connection")


def visit(code: str) -> bytes:
    """A visit, as it is sent."""
    return f"GET /{code} HTTP/1.1\r\n".encode() + BROWSER + b"\r\n"


@contextmanager
def visitor_of_every_worker(serving: Serving) -> Iterator[dict[int, Visitor]]:
    """A connection with each worker of a server, by the worker's number."""
    wanted = {pid for name, pid in serving.children.items() if name.startswith("worker")}
    found: dict[int, Visitor] = {}
    with ExitStack() as others:
        for _ in range(_MOST_CONNECTIONS):
            opened = others.enter_context(Visitor(port_of(serving)))
            # Only an answer shows that it has been accepted.
            assert opened.visit("nobodys").status == 404
            found.setdefault(opened.worker(serving), opened)
            if found.keys() == wanted:
                break
        assert found.keys() == wanted, "some worker accepts nothing"
        yield found


def port_of(serving: Serving) -> int:
    return int(serving.url.rpartition(":")[2])


def create(serving: Serving, code: str, target: str = "https://example.com/", **fields: Any) -> None:
    with Visitor(port_of(serving)) as caller:
        answer = caller.call("POST", "/links", {"target": target, "code": code, **fields})
        assert answer.status == 201, answer


def clicks(serving: Serving, code: str) -> int:
    """What the API says that a link was clicked."""
    with Visitor(port_of(serving)) as caller:
        return int(caller.call("GET", f"/links/{code}").json()["clicks"])


def metrics(serving: Serving) -> dict[str, float]:
    """Every number of the metrics page, by name and labels."""
    lines = page(serving, "metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def page(serving: Serving, path: str) -> Answer:
    with Visitor(port_of(serving)) as caller:
        key = f"Authorization: Bearer {ADMIN_KEY}\r\n"  # /readyz says why to administrators only
        caller.say(f"GET /{path} HTTP/1.1\r\nHost: go.example\r\n{key}\r\n".encode())
        return caller.hear()


def resident(pid: int) -> int:
    """Bytes of memory that a process has in use."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def wait_until_drained(database_url: str, *spools: Path, within: float = PATIENCE) -> None:
    """Waits until everything that is in these spools now is in the tables; so nothing can come on top of it."""
    written = [found for spool in spools for found in _ends(spool)]
    database = Database(database_url)

    def done() -> bool:
        with database.read() as connection:
            return all((rows.mark(connection, segment_id) or 0) >= end for segment_id, end in written)

    try:
        eventually(done, within=within)
    finally:
        database.close()


def _ends(spool: Path) -> Iterator[tuple[bytes, int]]:
    """The segments of a spool with clicks in them, and where those end."""
    for path in spool.glob(f"*{segment.SUFFIX}"):
        data = path.read_bytes()
        header = segment.unpack_header(data)
        assert header is not None
        _, length = frame.read_all(data[segment.HEADER_SIZE :], header.seed, len(data))
        if length:
            yield header.segment_id, segment.HEADER_SIZE + length


def _connections() -> Iterator[tuple[int, int, str]]:
    """Both ports and the inode of every TCP connection of this machine, seen from each of its ends."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] != _LISTENING:
            yield int(fields[1].rpartition(":")[2], 16), int(fields[2].rpartition(":")[2], 16), fields[9]


def _open_files(pid: int) -> set[str]:
    return {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
