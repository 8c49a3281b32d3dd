"""Nobody's address is written down: a real server, visits of every kind, a death in the midst, and a byte search."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from shortener.clicks import segment
from shortener.storage.engine import Database
from tests import written
from tests.conftest import ENGINES, FIREFOX
from tests.postgres import Postgres
from tests.server import Server, eventually

#: Of visitors, through a proxy that is trusted.
VISITORS = ("203.0.113.77", "198.51.100.201", "2001:db8:77aa:1::beef", "2400:cb00:2048:1::6814:55aa")
#: What visitors say about themselves, which nobody vouches for.
CLAIMED = ("100.70.81.92", "2001:db8:dead::77")
#: What is sent, by name: method, path and what else.
VISITS: dict[str, tuple[str, str, dict[str, str]]] = {
    "a link": ("GET", "/plain", {}),
    "a link with rules": ("GET", "/ruled?a=b", {}),
    "one that must not be tracked": ("GET", "/plain", {"dnt": "1"}),
    "a look at it": ("HEAD", "/plain", {}),
    "a robot": ("GET", "/plain", {"user-agent": "curl/8"}),
    "a link with a limit": ("GET", "/few", {}),
    "a link with a password, not said": ("GET", "/locked", {}),
    "a link with a password, wrong": ("GET", "/locked", {"x-link-password": "wrong"}),
    "a link with a password, right": ("GET", "/locked", {"x-link-password": "open sesame"}),
    "an unknown code": ("GET", "/nowhere", {}),
    "an unknown path": ("GET", "/nowhere/at/all", {}),
    "a wrong method": ("POST", "/plain", {}),
    "a preview": ("GET", "/plain+", {}),
    "a QR code": ("GET", "/plain.svg", {}),
    "a page of ours": ("GET", "/docs", {}),
    "a wrong key": ("GET", "/api/v1/links", {"authorization": "Bearer nonsense"}),
    "a bad body": ("POST", "/api/v1/links", {"content-type": "application/json"}),
    "a path that cannot be read": ("GET", "/%ff%fe", {}),
}


@pytest.fixture(params=ENGINES)
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What a server is told; on PostgreSQL with a server of its own, whose files can be searched."""
    always = {"SHORTENER_TRUSTED_PROXIES": "127.0.0.0/8", "SHORTENER_LOG_LEVEL": "debug"}
    if request.param == "sqlite":
        yield always
        return
    postgres = Postgres()
    yield {**always, "SHORTENER_DATABASE_URL": postgres.url(postgres.create())}
    postgres.stop()


def test_no_address_is_anywhere(tmp_path: Path, environment: dict[str, str]) -> None:
    with Server(tmp_path, **environment) as server:
        make_links(server)
        visit_all(server)
        say_nonsense(server)
        eventually(lambda: counted(server) >= len(VISITORS))
        # With clicks in the spool, and pages in the log.
        visit_all(server)
        server.kill()
        search(tmp_path, environment)
        server.start()
        visit_all(server)
        eventually(lambda: counted(server) >= 3 * len(VISITORS))
    search(tmp_path, environment)


def make_links(server: Server) -> None:
    rule = {"conditions": [{"type": "ip-address", "value": "203.0.113.0/24"}], "target": "https://example.com/rule"}
    with server.client() as api:
        for fields in (
            {"code": "plain"},
            {"code": "ruled", "rules": [rule]},
            {"code": "few", "max_clicks": 3},
            {"code": "locked", "password": "open sesame"},
        ):
            made = api.post("/api/v1/links", json={"target": "https://example.com/", **fields})
            assert made.status_code == 201, made.text


def visit_all(server: Server) -> None:
    with httpx2.Client(base_url=server.url, trust_env=False, headers={"user-agent": FIREFOX}) as visitor:
        for address in VISITORS:
            for method, path, headers in VISITS.values():
                said = {**headers, "x-forwarded-for": f"{CLAIMED[0]}, {CLAIMED[1]}, {address}"}
                said |= {"forwarded": f"for={CLAIMED[0]}", "x-real-ip": CLAIMED[1]}
                assert visitor.request(method, path, headers=said).status_code < 500, path


def say_nonsense(server: Server) -> None:
    """What no parser takes, with an address in it."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    for request in (
        f"GET /plain HTTP/1.1\r\nX-Forwarded-For {VISITORS[0]}\r\n\r\n",
        f"NONSENSE\r\nX-Forwarded-For: {VISITORS[0]}\r\n\r\n",
        f"GET /plain HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {VISITORS[1]}\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass


def counted(server: Server) -> int:
    with server.client() as api:
        answer = api.get("/api/v1/links/plain/stats", params={"interval": "24h"})
        return int(answer.json()["totals"]["clicks"])


def search(folder: Path, environment: dict[str, str]) -> None:
    url = environment.get("SHORTENER_DATABASE_URL", f"sqlite:///{folder / 'data' / 'shortener.db'}")
    database = Database(url)
    everything = written.in_tables(database) + written.in_folder(folder)
    database.close()
    if "SHORTENER_DATABASE_URL" in environment:
        everything += written.in_folder(Path(url.partition("host=")[2]), "[!.]*")
    for mark in (FIREFOX.encode(), b"/nowhere"):
        assert mark in everything
    for address in (*VISITORS, *CLAIMED):
        assert not [form for form in written.forms(address) if form in everything], address
    spool = written.in_folder(folder, f"*{segment.SUFFIX}")
    for address in (*VISITORS, *CLAIMED):
        assert not written.is_packed_in(address, spool), address
