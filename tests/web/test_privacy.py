"""No full address ever touches the disk: a search through every byte that was written. What is forgotten is gone."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from shortener.app import create_app, make_drainer
from shortener.clicks import segment
from shortener.domain import period
from shortener.settings import Settings
from shortener.storage.click_tables import salt, visitor_day
from shortener.storage.engine import Database
from tests import written
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX
from tests.spools import now_ms
from tests.web.waiting import drained

#: Addresses of Google and Quad9, whose countries are known.
VISITORS = {"8.8.4.37": "US", "2001:4860:4860::8844": "US", "9.9.9.251": "US"}
#: Of the proxy, and of what a visitor made up.
OTHERS = ("10.1.2.3", "1.2.3.4")


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """An instance behind a proxy that it trusts."""
    return create_app(settings.model_copy(update={"trusted_proxies": (ip_network("10.0.0.0/8"),)}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with Client(
        app, follow_redirects=False, headers={**AUTHORIZED, "user-agent": FIREFOX}, client=("10.1.2.3", 50000)
    ) as opened:
        yield opened


def test_addresses_are_used_and_forgotten(client: TestClient, database: Database, tmp_path: Path) -> None:
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "x"})
    for address in VISITORS:
        for _ in range(2):
            assert client.get("/x", headers={"x-forwarded-for": f"1.2.3.4, {address}"}).status_code == 302
    drained(client)
    answer = client.get("/api/v1/links/x/stats", params={"group_by": "country"}).json()
    assert answer["data"] == [{"value": "US", "clicks": 6, "unique": 3}]
    everything = written.in_folder(tmp_path) + written.in_tables(database)
    assert FIREFOX.encode() in everything, "the spool is searched"
    assert b"https://example.com/" in everything, "the tables are searched"
    for address in (*VISITORS, *OTHERS):
        assert not [form for form in written.forms(address) if form in everything], address
    spool = written.in_folder(tmp_path, f"*{segment.SUFFIX}")
    for address in (*VISITORS, *OTHERS):
        assert not written.is_packed_in(address, spool), address


def test_after_two_days_nobody_can_be_known_again(
    settings: Settings, database: Database, app: FastAPI, tmp_path: Path, engine: str
) -> None:
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(app, follow_redirects=False, headers=headers, client=("10.1.2.3", 50000)) as client:
        client.post("/api/v1/links", json={"target": "https://example.com/", "code": "x"})
        for address in VISITORS:
            assert client.get("/x", headers={"x-forwarded-for": address}).status_code == 302
        drained(client)
    with database.read() as connection:
        salts = {row.day: bytes(row.salt) for row in connection.execute(select(salt))}
        hashes = connection.execute(select(visitor_day.c.hash)).scalars().all()
    assert len(hashes) == 3
    today = period.day_of(now_ms())
    assert today in salts
    if engine == "sqlite":
        kept = written.in_folder(tmp_path, "shortener.db*")
        assert salts[today] in kept
        assert all(number.to_bytes(8, "big") in kept for number in hashes)
    with time_machine.travel(period.from_ms(now_ms() + 2 * period.DAY_MS), tick=False):
        drainer = make_drainer(settings, database)
        assert drainer.elected()
        drainer.step()
        drainer.close()
    with database.read() as connection:
        assert connection.execute(select(visitor_day)).all() == []
        assert [day for day in connection.execute(select(salt.c.day)).scalars() if day <= today] == []
    if engine == "sqlite":
        # Not even in pages that are free now, or in the log.
        assert salts[today] not in written.in_folder(tmp_path)
        kept = written.in_folder(tmp_path, "shortener.db*")
        assert not [number for number in hashes if number.to_bytes(8, "big") in kept]
