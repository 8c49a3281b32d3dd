"""What no HTTP library sends: bytes straight into the socket of a real server, which must stay up and answer."""

import re
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from shortener.web.middleware import MAX_TARGET_BYTES
from shortener.web.statuses import STATUS_OF_CODE
from tests.conftest import ADMIN_KEY
from tests.server import Server, eventually

LINK = b'{"target": "https://example.com/there", "code": "kept"}'
KEY = b"Authorization: Bearer " + ADMIN_KEY.encode() + b"\r\n"
JSON = b"Content-Type: application/json\r\n"
HOST = b"Host: evil.example\r\n"
CLOSE = b"Connection: close\r\n"
MEBIBYTE = 2**20
#: Bytes by which the server may grow, whatever is thrown at it.
MOST_GROWTH = 10 * MEBIBYTE
#: Seconds until an answer must have come.
PATIENCE = 20.0


@dataclass(frozen=True)
class Reply:
    """An answer, taken apart without any library's good will."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def problem(self) -> dict[str, Any]:
        assert self.values("content-type") == ["application/problem+json"], self
        document: dict[str, Any] = orjson.loads(self.body)
        assert self.status == document["status"] == STATUS_OF_CODE[document["code"]]
        return document


def parse(raw: bytes) -> Reply:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3} .*", first), raw[:200]
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    return Reply(int(first.split()[1]), headers, body)


def one_answer(connection: socket.socket) -> bytes:
    """The next answer on a connection that stays open, as long as its Content-Length says."""
    received = b""
    while not (head := re.match(rb".*?content-length: (\d+)\r\n.*?\r\n\r\n", received, re.DOTALL)):
        part = connection.recv(65_536)
        assert part, f"closed in the middle of an answer: {received!r}"
        received += part
    while len(received) < head.end() + int(head[1]):
        part = connection.recv(65_536)
        assert part, f"closed in the middle of an answer: {received!r}"
        received += part
    return received


@dataclass(frozen=True)
class Target:
    """A running server, and how to reach it."""

    server: Server
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, raw: bytes) -> bytes:
        """All that comes back until the server closes; what cannot be sent any more is not."""
        received = b""
        with self.connect() as connection:
            try:
                connection.sendall(raw)
                while part := connection.recv(65_536):
                    received += part
            except (ConnectionResetError, BrokenPipeError):
                pass
        return received

    def ask(self, method: bytes, path: bytes, more: bytes = b"", body: bytes = b"") -> Reply:
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        return parse(
            self.send(method + b" " + path + b" HTTP/1.1\r\n" + HOST + CLOSE + length + more + b"\r\n" + body)
        )

    def is_well(self) -> bool:
        """Whether the server still answers, from its database, what it always did."""
        ready = self.ask(b"GET", b"/readyz")
        link = self.ask(b"HEAD", b"/kept")
        return (ready.status, link.status, link.values("location")) == (200, 302, ["https://example.com/there"])

    def memory(self) -> int:
        """Resident bytes of the process."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def links(self) -> bytes:
        return self.ask(b"GET", b"/api/v1/links", KEY).body


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Server(tmp_path_factory.mktemp("raw"), SHORTENER_BASE_URL="https://go.example") as server:
        # With a base URL of its own the server prints that one, so the system is asked where it listens.
        opened = Target(server, _port(server.process.pid))
        made = opened.ask(b"POST", b"/api/v1/links", KEY + JSON, LINK)
        assert made.status == 201, made
        # The drainer starts when the worker answers.
        eventually(opened.is_well)
        yield opened
        log = (server.folder / "server.log").read_text()
        assert "Traceback" not in log, log[-3000:]
        assert "[error" not in log, log[-3000:]


def _port(pid: int) -> int:
    """The port a process listens on."""
    sockets = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].partition(":")[2], 16)
    raise AssertionError("the server does not listen")


START = b"GET /kept HTTP/1.1\r\n"
POST = b"POST /kept HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HEADS = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n",
    "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "random": bytes(range(256)) * 4 + b"\r\n\r\n",
    "zeros": b"\0" * 1000 + b"\r\n\r\n",
    "unknown-version": b"GET /kept HTTP/9.9\r\nHost: a\r\n\r\n",
    "lower-case-version": b"GET /kept http/1.1\r\nHost: a\r\n\r\n",
    "no-path": b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "relative-path": b"GET kept HTTP/1.1\r\nHost: a\r\n\r\n",
    "space-in-path": b"GET /ke pt HTTP/1.1\r\nHost: a\r\n\r\n",
    "nul-in-path": b"GET /ke\0pt HTTP/1.1\r\nHost: a\r\n\r\n",
    "high-bytes-in-path": b"GET /k\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "control-in-path": b"GET /k\x1b HTTP/1.1\r\nHost: a\r\n\r\n",
    "only-newlines": b"GET /kept HTTP/1.1\nHost: a\n\n",
    "space-before-colon": START + b"Host : a\r\n\r\n",
    "no-colon": START + b"Host: a\r\nNonsense\r\n\r\n",
    "empty-name": START + b"Host: a\r\n: x\r\n\r\n",
    "folded-line": START + b"Host: a\r\nX: a\r\n b\r\n\r\n",
    "nul-in-value": START + b"Host: a\r\nX: a\0b\r\n\r\n",
    "return-in-value": START + b"Host: a\r\nX: a\rb\r\n\r\n",
    "newline-in-value": START + b"Host: a\r\nX: a\nb\r\n\r\n",
    "high-byte-in-name": START + b"Host: a\r\nX\xff: a\r\n\r\n",
    "length-negative": POST + b"Content-Length: -1\r\n\r\n",
    "length-word": POST + b"Content-Length: x\r\n\r\n",
    "length-signed": POST + b"Content-Length: +1\r\n\r\na",
    "length-beyond-64-bits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "lengths-that-differ": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length-and-chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunk-of-no-number": CHUNKED + b"zz\r\n",
    "chunk-beyond-64-bits": CHUNKED + b"" + b"f" * 17 + b"\r\n",
    "chunk-longer-than-said": CHUNKED + b"1\r\naa\r\n0\r\n\r\n",
    "tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "unknown-method": b"BREW /kept HTTP/1.1\r\nHost: a\r\n\r\n",
    "lower-case-method": b"get /kept HTTP/1.1\r\nHost: a\r\n\r\n",
    "empty-method": b" /kept HTTP/1.1\r\nHost: a\r\n\r\n",
    "path-of-a-mebibyte": b"GET /" + b"a" * MEBIBYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "path-of-marks": b"GET /" + b"%CC%81%CC%96" * 90_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "query-of-a-mebibyte": b"GET /kept?" + b"a" * MEBIBYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("raw", HEADS.values(), ids=HEADS.keys())
def test_malformed_and_oversized_requests_are_refused_or_closed(target: Target, raw: bytes) -> None:
    received = target.send(raw)
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", received)
    # What came before the mistake may have been answered: the head of a body that turns out to be malformed.
    assert not statuses or statuses[-1] == b"400" or int(statuses[0]) in {400, 405, 414, 431}, received[:300]
    assert not re.search(rb"HTTP/1\.1 [235]", received), received[:300]
    assert target.is_well()


def test_requests_that_stop_halfway(target: Target) -> None:
    before = target.links()
    for raw in (
        b"",
        b"G",
        b"\r\n\r\n",
        START,
        START + b"Host: a",
        b"POST /api/v1/links HTTP/1.1\r\n" + HOST + KEY + JSON + b"Content-Length: 100\r\n\r\n",
        b"POST /api/v1/links HTTP/1.1\r\n" + HOST + KEY + JSON + b"Content-Length: 100\r\n\r\n" + LINK,
        b"POST /api/v1/links HTTP/1.1\r\n"
        + HOST
        + KEY
        + JSON
        + b"Transfer-Encoding: chunked\r\n\r\n5\r\n"
        + LINK[:3],
    ):
        with target.connect() as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(65_536):
                received += part
        assert not re.search(rb"HTTP/1\.1 [235]", received), (raw, received)
    assert target.links() == before
    assert target.is_well()


PATHS = {
    "nul": b"/%00",
    "invalid-utf-8": b"/%ff%fe",
    "overlong-slash": b"/%c0%af",
    "surrogate": b"/%ed%a0%80",
    "half-a-character": b"/%e2%80",
    "quoted-dots": b"/%2e%2e",
    "dots": b"/..",
    "dots-and-slash": b"/../",
    "percent-alone": b"/%",
    "percent-and-no-hex": b"/%zz",
    "percent-u": b"/%u0041",
    "percent-twice": b"/a%2562",
    "newline": b"/kept%0d%0aLocation:%20https://evil.example/",
    "escape": b"/%1b[31m",
    "right-to-left": b"/%e2%80%ae",
    "space": b"/%20",
    "backslash": b"/\\evil.example",
    "quoted-backslash": b"/%5cevil.example",
    "parameter": b"/kept;x",
    "plus": b"/a+b",
    "emoji": b"/%f0%9f%98%80",
    "script": b"/%3Cscript%3Ealert(1)%3C/script%3E",
    "markup": b"/<img src=x>".replace(b" ", b"%20"),
    "template": b"/{{7*7}}",
    "64-kilobytes": b"/" + b"a" * 65_000,
    "64-kilobytes-of-marks": b"/" + b"%CC%81%CC%96" * 5_400,
    "64-kilobytes-of-nul": b"/" + b"%00" * 21_000,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("browser", [False, True], ids=["program", "browser"])
def test_garbage_in_paths_is_no_link(target: Target, path: bytes, browser: bool) -> None:
    reply = target.ask(b"GET", path, b"Accept: text/html\r\n" if browser else b"")
    assert reply.status == (404 if len(path) <= MAX_TARGET_BYTES else 414), reply
    assert not reply.values("location")
    assert len(reply.body) < 4000
    if browser:
        assert reply.values("content-type") == ["text/html; charset=utf-8"]
        assert not re.search(rb"<(script|img)[^>]*(alert|src=x)", reply.body)
    else:
        assert reply.problem()["detail"].isprintable()


NOWHERE = {
    "two-slashes": b"//evil.example/",
    "two-slashes-and-dots": b"//evil.example/%2e%2e",
    "slashes-only": b"//",
    "quoted-slash": b"/%2fevil.example/",
    "up-to-a-file": b"/../../etc/passwd",
    "static-and-up": b"/static/../../../etc/passwd",
    "static-and-quoted-up": b"/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "static-and-double-quoted-up": b"/static/%252e%252e/etc/passwd",
    "static-and-backslashes": b"/static/..%5c..%5cetc%5cpasswd",
    "static-absolute": b"/static//etc/passwd",
    "static-nul": b"/static/%00",
    "static-invalid-utf-8": b"/static/%ff",
    "static-very-long": b"/static/" + b"a" * 60_000,
    "static-folder": b"/static/",
    "static-alone": b"/static",
    "api-alone": b"/api",
    "api-quoted": b"/%61pi/v2",
    "api-and-up": b"/api/v1/links/..%2fkeys",
    "admin-and-more": b"/admin/nothing",
    "docs-and-slashes": b"/docs//",
}


@pytest.mark.parametrize("path", NOWHERE.values(), ids=NOWHERE.keys())
def test_paths_that_lead_nowhere(target: Target, path: bytes) -> None:
    reply = target.ask(b"GET", path, KEY)
    assert reply.status == (404 if len(path) <= MAX_TARGET_BYTES else 414), reply
    assert reply.problem()["code"] in {"not-found", "link-not-found", "request-target-too-long"}
    assert not reply.values("location")


PROTECTED = [b"/api/v1/links", b"//api/v1/links", b"/API/v1/links", b"/api/v1/links;x", b"/api/./v1/links"]
PROTECTED += [b"/x/../api/v1/links", b"/api/v1/links%00", b"/api%2fv1%2flinks", b"/api/v1//links", b"/api/v1/links/"]
PROTECTED += [b"http://go.example/api/v1/links", b"/healthz/../api/v1/links", b"/static/../api/v1/links"]


@pytest.mark.parametrize("path", PROTECTED, ids=bytes.decode)
def test_no_way_around_the_key(target: Target, path: bytes) -> None:
    reply = target.ask(b"GET", path)
    assert reply.status in {401, 404}, reply
    assert b"example.com/there" not in reply.body


METHODS = [b"TRACE", b"OPTIONS", b"PROPFIND", b"LOCK", b"PURGE", b"SEARCH", b"SUBSCRIBE", b"M-SEARCH"]


@pytest.mark.parametrize("method", METHODS, ids=bytes.decode)
@pytest.mark.parametrize("path", [b"/kept", b"/nobodys", b"/", b"/api/v1/links", b"/api/v1/links/kept", b"/static/x"])
def test_methods_that_nothing_here_has(target: Target, path: bytes, method: bytes) -> None:
    reply = target.ask(method, path, KEY + b"X-Secret: abc\r\n")
    assert reply.problem()["code"] == "method-not-allowed"
    (allow,) = reply.values("allow")
    assert allow
    assert method.decode() not in allow.split(", ")
    # TRACE would send the request's headers back, keys and all.
    assert ADMIN_KEY.encode() not in reply.body
    assert b"abc" not in reply.body


def test_the_whole_server_has_no_options(target: Target) -> None:
    assert target.ask(b"OPTIONS", b"*").status in {400, 404, 405}


HOSTS = {
    "other": b"Host: evil.example",
    "port": b"Host: evil.example:444",
    "path": b"Host: evil.example/healthz?",
    "user-info": b"Host: go.example@evil.example",
    "empty": b"Host: ",
    "missing": b"X-Nothing: x",
    "twice": b"Host: go.example\r\nHost: evil.example",
    "bytes": b"Host: \xff\xfe",
    "markup": b'Host: "><script>evil.example',
    "long": b"Host: " + b"evil.example" * 1000,
    "forwarded-host": b"Host: go.example\r\nX-Forwarded-Host: evil.example",
    "forwarded": b"Host: go.example\r\nForwarded: host=evil.example;proto=http",
    "other-names": b"Host: go.example\r\nX-Host: evil.example\r\nX-HTTP-Host-Override: evil.example",
    "other-paths": b"Host: go.example\r\nX-Original-URL: //evil.example\r\nX-Rewrite-URL: //evil.example",
    "prefix": b"Host: go.example\r\nX-Forwarded-Prefix: //evil.example\r\nX-Forwarded-Proto: evil.example",
}
ASKED = [b"/kept", b"/kept/", b"/kept?x=//evil.example", b"/", b"/docs", b"/docs/", b"/admin", b"/api/v1/links/"]
ASKED += [b"/static", b"//", b"/nobodys", b"http://evil.example/kept", b"//evil.example/..", b"/api/v1/links/kept"]


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_nothing_is_taken_from_the_host(target: Target, host: bytes) -> None:
    for path in ASKED:
        for more in (b"", b"Accept: text/html\r\n"):
            raw = b"GET " + path + b" HTTP/1.1\r\n" + host + b"\r\n" + KEY + CLOSE + more + b"\r\n"
            reply = parse(target.send(raw))
            assert reply.status < 500
            expected = ["https://example.com/there"] if b"/kept" in path and b"/api" not in path else []
            expected = ["/admin/"] if path == b"/admin" else expected
            if reply.status != 400:
                assert reply.values("location") == expected, (path, reply)
            assert "evil.example" not in "".join(value for _, value in reply.headers), (path, reply)
            assert b"evil.example" not in reply.body, (path, reply)


def test_the_address_of_a_new_link_is_not_taken_from_the_host(target: Target) -> None:
    made = target.ask(b"POST", b"/api/v1/links", KEY + JSON, b'{"target": "https://example.com/", "code": "new"}')
    assert (made.status, made.values("location")) == (201, ["/api/v1/links/new"])
    assert orjson.loads(made.body)["short_url"] == "https://go.example/new"


BREAKS = [b"%0d%0a", b"%0a", b"%0d", b"%E5%98%8A%E5%98%8D", b"%c2%85", b"%e2%80%a8", b"\\r\\n", b"%250d%250a"]


@pytest.mark.parametrize("newline", BREAKS, ids=bytes.decode)
def test_no_header_can_be_smuggled_in(target: Target, newline: bytes) -> None:
    """Everything that is sent back, or could be, with a header behind a line break in it."""
    injected = newline + b"Set-Cookie:%20a=b" + newline + newline + b"<html>"
    plain = injected.replace(b"%20", b" ")
    requests = [
        (b"GET", b"/" + injected, b"", b""),
        (b"GET", b"/kept/" + injected, b"", b""),
        (b"GET", b"/kept?" + injected, b"", b""),
        (b"GET", b"/api/v1/links/" + injected, KEY, b""),
        (b"PUT", b"/api/v1/links/" + injected, KEY + JSON, LINK),
        (b"GET", b"/api/v1/keys/" + injected, KEY, b""),
        (b"GET", b"/api/v1/stats?timezone=" + injected, KEY, b""),
        (b"GET", b"/api/v1/links?cursor=" + injected, KEY, b""),
        (b"GET", b"/static/" + injected, b"", b""),
        (b"POST", b"/api/v1/links", KEY + b"Content-Type: text/" + plain + b"\r\n", LINK),
        (b"GET", b"/kept", b"Referer: https://a.example/" + plain + b"\r\nUser-Agent: " + plain + b"\r\n", b""),
    ]
    for method, path, more, body in requests:
        for browser in (b"", b"Accept: text/html\r\n"):
            reply = target.ask(method, path, more + browser, body)
            names = [name for name, _ in reply.headers]
            assert "set-cookie" not in names, reply
            assert len(names) == len(set(names)), reply
            assert all(value.isprintable() for _, value in reply.headers), reply
            assert len(reply.values("location")) == (reply.status in {301, 302, 303, 307, 308})
            if reply.values("content-type") != ["application/problem+json"]:
                assert b"<html>" not in reply.body, reply


@pytest.mark.parametrize("newline", BREAKS, ids=bytes.decode)
def test_no_header_can_be_stored(target: Target, newline: bytes) -> None:
    """A target may hold percent-encoded line breaks; `Location` says them as they are, in one line."""
    code = b"stored-" + newline.hex().encode()
    raw = b"https://example.com/" + newline + b"Set-Cookie:%20a=b"
    body = orjson.dumps({"target": raw.decode(), "code": code.decode()})
    made = target.ask(b"POST", b"/api/v1/links", KEY + JSON, body)
    if b"\\" in newline:
        assert made.problem()["code"] == "target-characters"
        return
    assert made.status == 201
    reply = target.ask(b"GET", b"/" + code)
    assert reply.values("location") == [raw.decode()]
    assert not reply.values("set-cookie")


def test_headers_sent_twice(target: Target) -> None:
    for twice in (
        b"Content-Type: application/json\r\nContent-Type: text/plain\r\n",
        b"Content-Type: text/plain\r\nContent-Type: application/json\r\n",
        JSON + b"Authorization: Bearer nonsense\r\n",
        JSON + b"X-Api-Key: nonsense\r\n" * 2,
        JSON + b"Accept: text/html\r\n" * 100,
        JSON + b"User-Agent: \xff\xfe\r\n" * 3 + b"Referer: \xff\r\nAccept-Language: \xff\r\nSec-GPC: \xff\r\n",
        JSON + b"X-Forwarded-For: nonsense, \xff\r\n" * 3,
    ):
        reply = target.ask(b"POST", b"/api/v1/links", twice + KEY, b"{}")
        assert 400 <= reply.status < 500, (twice, reply)
        reply.problem()
        assert target.ask(b"GET", b"/kept", twice).status == 302
    assert target.is_well()


def test_a_body_announced_too_large_is_not_waited_for(target: Target) -> None:
    before, links = target.memory(), target.links()
    head = b"POST /api/v1/links HTTP/1.1\r\n" + HOST + KEY + JSON + CLOSE + b"Content-Length: 1073741824\r\n\r\n"
    reply = parse(target.send(head))
    assert reply.status == 413
    assert target.memory() - before < MOST_GROWTH
    assert target.links() == links


def test_a_body_announced_too_large_is_a_problem(target: Target) -> None:
    body = b'{"target": "' + b"a" * 70_000 + b'"}'
    assert target.ask(b"POST", b"/api/v1/links", KEY + JSON, body).problem()["code"] == "body-too-large"


def test_a_gibibyte_in_chunks(target: Target) -> None:
    """The answer comes at once; whatever else is sent is thrown away, or the connection is closed."""
    before, links = target.memory(), target.links()
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    head = b"POST /api/v1/links HTTP/1.1\r\n" + HOST + KEY + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    with target.connect() as connection:
        connection.sendall(head)
        sent = 0
        while not select.select([connection], [], [], 0)[0]:
            assert sent < 64 * MEBIBYTE, "no answer while a body far beyond the limit comes in"
            connection.sendall(chunk)
            sent += 65_536
        assert parse(one_answer(connection)).problem()["code"] == "body-too-large"
        try:
            while sent < 1024 * MEBIBYTE:
                connection.sendall(chunk)
                sent += 65_536
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert target.memory() - before < MOST_GROWTH
    assert target.links() == links
    assert target.is_well()


def test_a_body_that_trickles_in_pieces(target: Target) -> None:
    """Counted as it comes: chunks that are each small, and together too large."""
    pieces = b"".join(b"400\r\n" + b" " * 1024 + b"\r\n" for _ in range(65)) + b"0\r\n\r\n"
    head = b"POST /api/v1/links HTTP/1.1\r\n" + HOST + KEY + JSON + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    assert parse(target.send(head + pieces)).problem()["code"] == "body-too-large"


def test_a_head_without_end(target: Target) -> None:
    before = target.memory()
    with target.connect() as connection:
        connection.sendall(START + HOST)
        try:
            for _ in range(48 * 16):
                connection.sendall(b"X: " + b"a" * 65_536 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert target.memory() - before < MOST_GROWTH
