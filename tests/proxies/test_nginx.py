"""Behind a real nginx that keeps connections to us open: nobody's body becomes somebody else's request."""

import itertools
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.test_smuggling import OFFERS
from tests.acceptance.visitors import Visitor, create, port_of
from tests.cli.process import Serving, served
from tests.conftest import ADMIN_KEY
from tests.programs import path_of
from tests.proxies.nginx import nginx

#: The lines that every guide to WebSockets behind nginx has, one connection to the upstream, kept open.
_HTTP = """
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream shortener {{ server 127.0.0.1:{upstream}; keepalive 1; }}
"""
_LOCATION = """
    proxy_pass http://shortener;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection {connection};
    proxy_request_buffering {buffering};
"""
_AUTHORIZED = f"Host: go.example\r\nAuthorization: Bearer {ADMIN_KEY}\r\n".encode()
_SMUGGLED = b"DELETE /api/v1/links/victim HTTP/1.1\r\n" + _AUTHORIZED + b"\r\n"


@pytest.fixture(scope="module", params=["process", "power"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    path_of("nginx")
    folder = tmp_path_factory.mktemp("served")
    with served(
        folder,
        SHORTENER_ADMIN_KEY=ADMIN_KEY,
        SHORTENER_TRUSTED_PROXIES="127.0.0.1",
        SHORTENER_CLICK_DURABILITY=request.param,
    ) as running:
        create(running, "victim")
        create(running, "kept")
        yield running


@pytest.fixture(
    scope="module",
    params=itertools.product(["on", "off"], ["$connection_upgrade", '"upgrade"']),
    ids=lambda setting: f"buffering {setting[0]}, connection {setting[1]}",
)
def proxy(
    request: pytest.FixtureRequest, serving: Serving, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of an nginx in front of the server."""
    buffering, connection = request.param
    http = _HTTP.format(upstream=port_of(serving))
    location = _LOCATION.format(connection=connection, buffering=buffering)
    with nginx(tmp_path_factory.mktemp("nginx"), http=http, location=location) as port:
        yield port


@pytest.mark.parametrize("name", OFFERS)
@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize("path", [b"/kept", b"/api/v1/links"])
def test_no_smuggled_request_is_carried_out(
    proxy: int, serving: Serving, path: bytes, coding: str, name: str
) -> None:
    """A stranger's body, then an honest visitor who comes by the same upstream connection."""
    body = _SMUGGLED
    framing = b"Content-Length: %d\r\n\r\n" % len(body)
    if coding == "chunked":
        framing, body = b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with Visitor(proxy) as stranger, Visitor(proxy) as honest:
        stranger.say(b"POST %b HTTP/1.1\r\nHost: go.example\r\n%b%b" % (path, OFFERS[name], framing))
        time.sleep(0.02)
        stranger.say(body)
        assert stranger.hear().status in {401, 404, 405}
        answer = honest.visit("kept")
        assert (answer.status, answer.target) == (302, "https://example.com/")
        assert honest.call("GET", "/links/kept").json()["code"] == "kept"
        assert honest.call("GET", "/links/victim").status == 200
    with Visitor(port_of(serving)) as administrator:
        assert administrator.call("GET", "/links/victim").status == 200


def test_a_client_that_offers_gets_what_it_asks_for(proxy: int) -> None:
    body = b'{"target": "https://example.com/"}'
    for offer in OFFERS.values():
        with Visitor(proxy) as client:
            client.say(
                b"POST /api/v1/links HTTP/1.1\r\n" + offer + _AUTHORIZED + b"Content-Type: application/json\r\n"
            )
            client.say(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            assert client.hear().status == 201
