"""Behind a real nginx that keeps connections to us open: nobody's body becomes somebody else's request."""

import itertools
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.test_smuggling import OFFERS
from tests.acceptance.visitors import Visitor, create, port_of
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY
from tests.programs import path_of

#: The lines that every guide to WebSockets behind nginx has, one connection to the upstream, kept open.
_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream shortener {{ server 127.0.0.1:{upstream}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://shortener;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection {connection};
            proxy_request_buffering {buffering};
        }}
    }}
}}
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
    folder: Path = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    buffering, connection = request.param
    text = _CONFIGURATION.format(
        folder=folder, upstream=port_of(serving), port=port, connection=connection, buffering=buffering
    )
    (folder / "nginx.conf").write_text(text)
    command = [path_of("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            eventually(lambda: _answers(port))
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


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
