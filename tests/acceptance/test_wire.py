"""What a real server makes of hosts, of bodies that do not come, and of visits that come while it stops."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortener.web.incoming import MAX_FRAMING_BYTES, MOST_OF_PEER
from tests.acceptance.visitors import Visitor, create, port_of, visit
from tests.cli.process import Serving, served
from tests.conftest import ADMIN_KEY

_AUTHORIZED = f"Host: go.example\r\nAuthorization: Bearer {ADMIN_KEY}\r\nContent-Type: application/json\r\n".encode()
_POST = b"POST /api/v1/links HTTP/1.1\r\n" + _AUTHORIZED
#: A head whose body never comes.
_UNFINISHED = _POST + b"Content-Length: 99\r\n\r\n{"


@pytest.fixture(scope="module", params=["process", "power"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """With the edge, and with the routes alone."""
    folder: Path = tmp_path_factory.mktemp("wire")
    with served(folder, SHORTENER_ADMIN_KEY=ADMIN_KEY, SHORTENER_CLICK_DURABILITY=request.param) as running:
        create(running, "kept")
        with Visitor(port_of(running)) as caller:
            assert caller.call("POST", "/domains", {"name": "own.example"}).status == 201
            link = {"target": "https://example.com/own", "code": "kept", "domain": "own.example"}
            assert caller.call("POST", "/links", link).status == 201
        yield running
        assert "Traceback" not in running.errors.read_text()


DEFAULT, OWN = "https://example.com/", "https://example.com/own"
#: What is asked for and by which headers, and where it leads; None for 400.
HOSTS: dict[str, tuple[bytes, str | None]] = {
    "of a domain": (b"GET /kept HTTP/1.1\r\nHost: own.example\r\n", OWN),
    "in capitals, with port": (b"GET /kept HTTP/1.1\r\nhost: OWN.example:8000\r\n", OWN),
    "white space around it": (b"GET /kept HTTP/1.1\r\nHost: \t own.example \t \r\n", OWN),
    "a dot at the end": (b"GET /kept HTTP/1.1\r\nHost: own.example.\r\n", OWN),
    "of nobody": (b"GET /kept HTTP/1.1\r\nHost: evil.example\r\n", DEFAULT),
    "with an underscore": (b"GET /kept HTTP/1.1\r\nHost: web_1:8000\r\n", DEFAULT),
    "an address": (b"GET /kept HTTP/1.1\r\nHost: [::1]:8000\r\n", DEFAULT),
    "none, HTTP/1.0": (b"GET /kept HTTP/1.0\r\n", DEFAULT),
    "one, HTTP/1.0": (b"GET /kept HTTP/1.0\r\nHost: own.example\r\n", OWN),
    "absolute target": (b"GET http://own.example/kept HTTP/1.1\r\nHost: go.example\r\n", OWN),
    "absolute target of nobody": (b"GET http://go.example:80/kept HTTP/1.1\r\nHost: own.example\r\n", DEFAULT),
    "absolute target, HTTP/1.0": (b"GET http://own.example/kept HTTP/1.0\r\n", OWN),
    "none": (b"GET /kept HTTP/1.1\r\n", None),
    "none, absolute target": (b"GET http://own.example/kept HTTP/1.1\r\n", None),
    "two": (b"GET /kept HTTP/1.1\r\nHost: own.example\r\nHost: go.example\r\n", None),
    "twice the same": (b"GET /kept HTTP/1.1\r\nHost: own.example\r\nHost: own.example\r\n", None),
    "two, HTTP/1.0": (b"GET /kept HTTP/1.0\r\nHost: own.example\r\nHost: go.example\r\n", None),
    "two, absolute target": (b"GET http://own.example/kept HTTP/1.1\r\nHost: a\r\nHost: b\r\n", None),
    "malformed, absolute target": (b"GET http://own.example/kept HTTP/1.1\r\nHost: a b\r\n", None),
    "user, absolute target": (b"GET http://me@own.example/kept HTTP/1.1\r\nHost: own.example\r\n", None),
    "empty": (b"GET /kept HTTP/1.1\r\nHost:\r\n", None),
    "two in one": (b"GET /kept HTTP/1.1\r\nHost: own.example, go.example\r\n", None),
    "with a comma": (b"GET /kept HTTP/1.1\r\nHost: own.example,go.example\r\n", None),
    "with a path": (b"GET /kept HTTP/1.1\r\nHost: own.example/x\r\n", None),
    "with a user": (b"GET /kept HTTP/1.1\r\nHost: me@own.example\r\n", None),
    "with a scheme": (b"GET /kept HTTP/1.1\r\nHost: http://own.example\r\n", None),
    "with a word for a port": (b"GET /kept HTTP/1.1\r\nHost: own.example:http\r\n", None),
    "with a port too high": (b"GET /kept HTTP/1.1\r\nHost: own.example:65536\r\n", None),
    "half an address": (b"GET /kept HTTP/1.1\r\nHost: [::1\r\n", None),
    "no address in brackets": (b"GET /kept HTTP/1.1\r\nHost: [own.example]\r\n", None),
    "UTF-8": (b"GET /kept HTTP/1.1\r\nHost: b\xc3\xbccher.example\r\n", None),
    "too long": (b"GET /kept HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n", None),
}
#: Pages for which the host matters too.
_PAGES = [b"/", b"/kept+", b"/kept.svg", b"/docs", b"/api/v1/links", b"/static/x", b"/nobodys"]


@pytest.mark.parametrize("name", HOSTS)
def test_hosts(serving: Serving, name: str) -> None:
    head, target = HOSTS[name]
    with Visitor(port_of(serving)) as visitor:
        visitor.say(head + b"\r\n")
        answer = visitor.hear()
        assert (answer.status, answer.target) == ((302, target) if target else (400, ""))
        if target is None:
            assert answer.json()["code"] == "host-invalid"
    if target is None:
        for path in _PAGES:
            with Visitor(port_of(serving)) as visitor:
                visitor.say(head.replace(b"/kept", path, 1) + b"\r\n")
                assert visitor.hear().status == 400, path


def test_a_page_is_of_the_host_that_the_target_names(serving: Serving) -> None:
    for said in (
        b"GET http://own.example/kept+ HTTP/1.1\r\nHost: go.example\r\n\r\n",
        b"GET /kept+ HTTP/1.1\r\nHost: own.example \r\n\r\n",
    ):
        with Visitor(port_of(serving)) as visitor:
            visitor.say(said)
            assert visitor.hear().json()["target"] == OWN


#: Routes that write, each by a method of its own or more.
WRITING = ["POST /links", "PUT /links/kept", "PATCH /links/kept", "DELETE /links/kept", "POST /links/bulk"]
WRITING += ["POST /links/kept/aliases", "POST /links/kept/revert", "POST /links/kept/explain", "POST /tags"]
WRITING += ["PATCH /tags/x", "POST /tags/x/merge", "POST /domains", "PATCH /domains/own.example", "POST /keys"]
WRITING += ["DELETE /keys/x", "DELETE /orphans/clicks"]


def test_a_body_that_never_comes(serving: Serving) -> None:
    """Without a key it is not waited for; with one for ten seconds."""
    with ExitStack() as stack:
        waiting: dict[str, Visitor] = {}
        for route in WRITING:
            method, path = route.encode().split()
            line = method + b" /api/v1" + path + b" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            framing = b"Transfer-Encoding: chunked\r\n\r\n" if len(waiting) % 2 else b"Content-Length: 9\r\n\r\n"
            with Visitor(port_of(serving)) as stranger:
                stranger.say(line + framing)
                assert stranger.hear().status == 401, route
            client = waiting[route] = stack.enter_context(Visitor(port_of(serving)))
            client.say(line + f"Authorization: Bearer {ADMIN_KEY}\r\n".encode() + framing)
        began = time.monotonic()
        for route, client in waiting.items():
            answer = client.hear()
            assert (answer.status, answer.json()["code"]) == (408, "body-incomplete"), route
            assert b"\r\nconnection: close" in answer.head
            assert not client.socket.recv(1)
        assert 8 < time.monotonic() - began < 15


def test_too_many_bodies_of_one_peer(serving: Serving) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_PEER):
            stack.enter_context(Visitor(port_of(serving))).say(_UNFINISHED)
        time.sleep(0.2)
        with Visitor(port_of(serving)) as other:
            other.say(_UNFINISHED)
            answer = other.hear()
            assert (answer.status, answer.json()["code"]) == (429, "too-many-bodies")
            assert b"\r\nretry-after: " in answer.head
        with Visitor(port_of(serving)) as visitor:
            assert visitor.visit("kept").status == 302
    time.sleep(0.2)
    with Visitor(port_of(serving)) as again:
        assert again.call("POST", "/links", {"target": "https://example.com/"}).status == 201


@pytest.mark.parametrize("part", ["extension", "extensions", "trailers"])
def test_what_stands_around_a_body_is_bounded(serving: Serving, part: str) -> None:
    pieces = {
        "extension": [b"1;"] + [b"x" * 1024] * 200,
        "extensions": [b"1;" + b"x" * 1024 + b"\r\n \r\n"] * 200,
        "trailers": [b"0\r\n"] + [b"X: " + b"x" * 1024 + b"\r\n"] * 200,
    }[part]
    with Visitor(port_of(serving)) as client:
        client.say(_POST + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            for piece in pieces:
                time.sleep(0.001)
                client.say(piece)
                sent += len(piece)
        except ConnectionError:
            pass
        answer = client.hear()
        assert (answer.status, answer.json()["code"]) == (413, "body-too-large")
        assert sent > MAX_FRAMING_BYTES


MALFORMED = {
    "UTF-8 in the path": (b"GET /gr\xc3\xbc\xc3\x9fe HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "UTF-8 in the query": (b"GET /kept?\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "Latin-1 in the path": (b"GET /\xfc HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "UTF-8 behind an answer": (visit("kept") + b"GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "UTF-8 behind a page": (b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\nGET /\xc3\xbc HTTP/1.1\r\n\r\n", 400),
    "an unknown method": (b"BREW /kept HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 99 + b"\r\n\r\n", 400),
    "a long target": (b"GET /" + b"a" * 2**14 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long query": (b"GET /kept?" + b"a&" * 2**13 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a very long target": (b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long target without an end": (b"GET /" + b"a" * 2**17, 414),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_gets_a_problem_document(serving: Serving, name: str) -> None:
    said, status = MALFORMED[name]
    with Visitor(port_of(serving)) as client:
        client.say(said)
        answers = [client.hear() for _ in range(2 if b"behind" in name.encode() else 1)]
    assert answers[-1].status == status
    assert answers[-1].json()["status"] == status
    assert b"content-type: application/problem+json" in answers[-1].head
    assert all(answer.status in (200, 302) for answer in answers[:-1])


@pytest.mark.parametrize("durability", ["process", "power"])
def test_an_unfinished_body_does_not_hold_up_the_end(tmp_path: Path, durability: str) -> None:
    with served(tmp_path, SHORTENER_ADMIN_KEY=ADMIN_KEY, SHORTENER_CLICK_DURABILITY=durability) as serving:
        with ExitStack() as stack:
            waiting = [stack.enter_context(Visitor(port_of(serving))) for _ in range(20)]
            for number, client in enumerate(waiting):
                client.say(_UNFINISHED if number % 2 else _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab")
            time.sleep(0.3)
            began = time.monotonic()
            assert serving.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began < 6
            assert {client.hear().status for client in waiting} == {408}
        assert serving.errors.read_text() == ""


def test_a_body_that_is_nearly_whole_is_waited_for_at_the_end(tmp_path: Path) -> None:
    body = b'{"target": "https://example.com/"}'
    with served(tmp_path, SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving, Visitor(port_of(serving)) as client:
        client.say(_POST + b"Content-Length: %d\r\n\r\n" % len(body) + body[:9])
        time.sleep(0.2)
        serving.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.say(body[9:])
        assert client.hear().status == 201
        assert re.search(rb"\r\nconnection: close", client.unheard) is None
