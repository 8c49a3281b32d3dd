"""A body behind an offer to upgrade is a body: nothing in it is ever carried out as a request of somebody else's."""

import itertools
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.visitors import Visitor, create, page, port_of
from tests.cli.process import Serving, served
from tests.conftest import ADMIN_KEY

_AUTHORIZED = f"Host: go.example\r\nAuthorization: Bearer {ADMIN_KEY}\r\n".encode()
#: What a stranger wants somebody else to have sent.
_SMUGGLED = b"DELETE /api/v1/links/victim HTTP/1.1\r\n" + _AUTHORIZED + b"\r\n"
_HONEST = b"GET /healthz HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n"
OFFERS = {
    "h2c": b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "h2c of Java": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n",
    "websocket": b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "TLS": b"connection: UPGRADE\r\nupgrade: TLS/1.0\r\n",
    "several": b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c, websocket\r\n",
    "on two lines": b"Connection: upgrade\r\nConnection: keep-alive\r\nUpgrade: a\r\nUpgrade: b\r\n",
    "nonsense": b"Connection: upgrade\r\nUpgrade: \x80;\r\n",
    "the last request": b"Connection: close, upgrade\r\nUpgrade: h2c\r\n",
    "no connection option": b"Upgrade: h2c\r\n",
}
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND"]
PATHS = [b"/kept", b"/nobodys", b"/secret", b"/few", b"/", b"/healthz", b"/static/x", b"/kept+", b"/kept.svg"]
PATHS += [b"/api/v1/links", b"/api/v1/links/kept", b"/api/v1/nothing", b"http://go.example/kept"]


def _framed(coding: str, body: bytes) -> tuple[bytes, bytes]:
    """The header that says how a body is framed, and the body as it is sent."""
    if coding == "length":
        return b"Content-Length: %d\r\n" % len(body), body
    return b"Transfer-Encoding: chunked\r\n", b"%x;e=1\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _everything(offers: dict[str, bytes], methods: list[bytes], paths: list[bytes]) -> list[tuple[str, bytes]]:
    return [
        (f"{name}, {method.decode()} {path.decode()}", b"%b %b HTTP/1.1\r\n" % (method, path) + offer)
        for (name, offer), method, path in itertools.product(offers.items(), methods, paths)
    ]


HEADS = _everything(OFFERS, [b"POST"], [b"/kept", b"/api/v1/links"])
HEADS += _everything({"h2c": OFFERS["h2c"]}, METHODS, PATHS)


@pytest.fixture(scope="module", params=["process", "power", "memory"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder: Path = tmp_path_factory.mktemp("smuggling")
    with served(folder, SHORTENER_ADMIN_KEY=ADMIN_KEY, SHORTENER_CLICK_DURABILITY=request.param) as running:
        create(running, "kept")
        create(running, "victim")
        create(running, "secret", password="s3cret")
        create(running, "few", max_clicks=9)
        yield running
        assert "Traceback" not in running.errors.read_text()


def _said(port: int, pieces: list[bytes], pause: float) -> bytes:
    """What comes back for `pieces`, sent one after the other, until the server closes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                heard += part
    return heard


@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize("cut", ["before the body", "in the body", "in the offer"])
def test_nothing_in_a_body_behind_an_offer_is_carried_out(serving: Serving, coding: str, cut: str) -> None:
    """Every token, method and route."""
    port = port_of(serving)
    framing, body = _framed(coding, _SMUGGLED)
    with Visitor(port) as administrator:
        for name, head in HEADS:
            head = head + _AUTHORIZED + framing + b"\r\n"
            at = {"before the body": len(head), "in the body": len(head) + 9, "in the offer": head.find(b"pgrade")}[
                cut
            ]
            whole = head + body
            heard = _said(port, [whole[:at], whole[at:] + _HONEST], 0.002)
            statuses = re.findall(rb"HTTP/1\.1 (\d{3})", heard)
            assert administrator.call("GET", "/links/victim").status == 200, name
            # The offer's own answer, and that of the request behind it, unless the first closes.
            assert 1 <= len(statuses) <= 2, (name, heard)
            assert len(statuses) == 1 or statuses[1] == b"200", (name, heard)
            assert b"101" not in statuses, (name, heard)
            assert not re.search(rb"HTTP/1\.1 5", heard), (name, heard)


@pytest.mark.parametrize("name", OFFERS)
def test_a_client_that_offers_gets_what_it_asks_for(serving: Serving, name: str) -> None:
    """As Java's own client does with its first POST."""
    body = b'{"target": "https://example.com/"}'
    head = b"POST /api/v1/links HTTP/1.1\r\n" + OFFERS[name] + _AUTHORIZED + b"Content-Type: application/json\r\n"
    with Visitor(port_of(serving)) as client:
        client.say(head + b"Content-Length: %d\r\n\r\n" % len(body))
        time.sleep(0.01)
        client.say(body)
        assert client.hear().status == 201
        if b"close" not in OFFERS[name]:
            assert client.visit("kept").status == 302


def test_offers_one_after_the_other_on_one_connection(serving: Serving) -> None:
    requests = [b"GET /kept HTTP/1.1\r\nHost: a\r\n" + OFFERS["h2c"] + b"\r\n"] * 50
    with Visitor(port_of(serving)) as client:
        client.say(b"".join(requests))
        assert [client.hear().status for _ in requests] == [302] * 50


def test_a_tunnel_is_refused_and_nothing_in_it_is_carried_out(serving: Serving) -> None:
    for target in (b"go.example:80", b"/kept"):
        head = b"CONNECT " + target + b" HTTP/1.1\r\n" + _AUTHORIZED + b"Content-Length: %d\r\n\r\n" % len(_SMUGGLED)
        heard = _said(port_of(serving), [head, _SMUGGLED, _HONEST], 0.01)
        assert re.findall(rb"HTTP/1\.1 (\d{3})", heard) == [b"400"], heard
    assert page(serving, "healthz").status == 200
    with Visitor(port_of(serving)) as administrator:
        assert administrator.call("GET", "/links/victim").status == 200
