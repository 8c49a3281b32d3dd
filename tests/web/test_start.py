"""The application before and beside its processes."""

import asyncio
import gc
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener import app, errors
from shortener.app import create_app
from shortener.services import schedules
from shortener.settings import Settings
from tests.conftest import AUTHORIZED
from tests.server import eventually

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)


def test_making_it_opens_nothing(settings: Settings) -> None:
    """Processes are forked with it: neither threads nor connections would survive that."""
    create_app(settings)  # what is imported or cached at the first time is not meant
    files, threads = set(os.listdir("/proc/self/fd")), threading.enumerate()
    application = create_app(settings)
    assert set(os.listdir("/proc/self/fd")) == files
    assert threading.enumerate() == threads
    application.state.parts.database.close()


def test_it_can_leave_draining_to_others(settings: Settings) -> None:
    with TestClient(create_app(settings, draining=False)) as client:
        assert "drainer" not in {thread.name for thread in threading.enumerate()}
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": "ok", "spool": "ok", "drainer": "drainer unavailable"}
        answer = client.get("/readyz", headers=AUTHORIZED)
        assert answer.json()["checks"]["drainer"] == "The drainer is not running."


def test_a_database_that_is_away_for_a_moment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that begins while the database is restarted must not die of it."""
    left = iter(range(3))

    def read() -> str:
        if next(left, None) is not None:
            raise errors.DatabaseUnavailable
        return "there"

    assert asyncio.run(app._read_in_time(read)) == "there"
    assert next(left, None) is None
    monkeypatch.setattr(app, "_READ_SECONDS", 0.0)
    left = iter(range(10))
    with pytest.raises(errors.DatabaseUnavailable):
        asyncio.run(app._read_in_time(read))


#: By name: what fails when the application starts, in the order in which it is opened.
FAILING = {
    "database": "shortener.app.identify",
    "salts": "shortener.clicks.salt.Salts.refresh",
    "secret": "shortener.services.secret.Secret.read",
    "spool": "shortener.app.open_spool",
    "recorder": "shortener.app.own_traffic.make_recorder",
    "visits": "shortener.app.Visits",
    "live": "shortener.app.Hub",
    "publishing": "shortener.app._published",
    "feed": "shortener.redirect.follower.Follower._head",
    "domains": "shortener.redirect.domains.Domains.refresh",
    "scheduler": "shortener.app.Scheduler",
    "drainer": "shortener.app.Drainer",
}


@pytest.mark.parametrize("failing", FAILING.values(), ids=list(FAILING))
def test_what_a_start_has_opened_is_closed_when_it_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    with TestClient(create_app(settings)):  # what is imported or opened at the first time is not meant
        pass
    application = create_app(settings)
    monkeypatch.setattr(app, "_READ_SECONDS", 0.0)
    threads, files = set(threading.enumerate()), _files()

    def fail(*_: object, **__: object) -> Any:
        raise errors.DatabaseUnavailable

    monkeypatch.setattr(failing, fail)
    with pytest.raises(errors.DatabaseUnavailable), TestClient(application):
        pass
    assert set(threading.enumerate()) == threads
    eventually(lambda: _files() == files)
    assert application.state.parts.recorder is None
    assert application.state.parts.database.engine.pool.checkedout() == 0


def _files() -> list[str]:
    """What the files are that are open."""
    gc.collect()
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # that of the folder itself
            continue
    return sorted(name for name in found if not name.startswith("/proc/"))


def create_domain(client: TestClient) -> None:
    assert client.post("/api/v1/domains", json={"name": "new.example"}).status_code == 201


def delete_domain(client: TestClient) -> None:
    assert client.delete("/api/v1/domains/new.example").status_code == 204


#: By name: what happens to a domain while the scheduler runs, and whether a link may lead to its host then.
HAPPENED = {
    "nothing": ((), True),
    "created": ((create_domain,), False),
    "created-and-deleted": ((create_domain, delete_domain), True),
}


@pytest.mark.parametrize(("happened", "may_lead_there"), HAPPENED.values(), ids=list(HAPPENED))
def test_the_scheduler_sees_domains_as_they_are_now(client: TestClient, happened: Any, may_lead_there: bool) -> None:
    """A change that was allowed when it was scheduled is judged again when it is made."""
    parts = client.app.state.parts  # type: ignore[attr-defined]
    for code in ("sale", "mark"):
        client.post("/api/v1/links", json={"target": "https://example.com/", "code": code}).raise_for_status()
    at = datetime.now(UTC) + timedelta(seconds=1)
    edits = {"sale": "https://new.example/x", "mark": "https://example.com/made"}
    for code, target in edits.items():
        schedules.add(parts.database, parts.base_policy, code, at, {"target": target}, actor="test")
    for act in happened:
        act(client)

    def target_of(code: str) -> str:
        return str(client.get(f"/api/v1/links/{code}").json()["target"])

    eventually(lambda: target_of("mark") == edits["mark"])
    assert (target_of("sale") == edits["sale"]) is may_lead_there


def test_the_scheduler_sees_a_domain_that_was_there_before(settings: Settings) -> None:
    """It was deleted since: links may lead to its host again."""
    with TestClient(create_app(settings), headers=AUTHORIZED) as first:
        create_domain(first)
    with TestClient(create_app(settings), headers=AUTHORIZED) as client:
        delete_domain(client)
        client.post("/api/v1/links", json={"target": "https://example.com/", "code": "sale"}).raise_for_status()
        at = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
        plan = {"at": at, "changes": {"target": "https://new.example/x"}}
        client.post("/api/v1/links/sale/schedule", json=plan).raise_for_status()
        eventually(lambda: client.get("/api/v1/links/sale").json()["target"] == "https://new.example/x")
