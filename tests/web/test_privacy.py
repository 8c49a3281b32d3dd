"""No full address ever touches the disk: a search through every byte that was written."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from tests.conftest import AUTHORIZED, FIREFOX
from tests.web.waiting import drained

#: Addresses of Google and Quad9, whose countries are known.
VISITORS = {"8.8.4.37": "US", "2001:4860:4860::8844": "US", "9.9.9.251": "US"}


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """An instance behind a proxy that it trusts."""
    from ipaddress import ip_network

    return create_app(settings.model_copy(update={"trusted_proxies": (ip_network("10.0.0.0/8"),)}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(
        app, follow_redirects=False, headers={**AUTHORIZED, "user-agent": FIREFOX}, client=("10.1.2.3", 50000)
    ) as opened:
        yield opened


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_addresses_are_used_and_forgotten(client: TestClient, tmp_path: Path, engine: str) -> None:
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "x"})
    for address in VISITORS:
        for _ in range(2):
            assert client.get("/x", headers={"x-forwarded-for": f"1.2.3.4, {address}"}).status_code == 302
    drained(client)
    answer = client.get("/api/v1/links/x/stats", params={"group_by": "country"}).json()
    assert answer["data"] == [{"value": "US", "clicks": 6, "unique": 3}]
    written = everything_written(tmp_path)
    assert written
    for address in (*VISITORS, "10.1.2.3", "1.2.3.4"):
        assert address.encode() not in written
        if ":" not in address:
            continue
        assert ip_address(address).packed not in written
