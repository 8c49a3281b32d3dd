"""The application before and beside its processes."""

import asyncio
import os
import threading

import pytest
from starlette.testclient import TestClient

from shortener import app, errors
from shortener.app import create_app
from shortener.settings import Settings

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
        assert answer.json()["checks"] == {"database": "ok", "spool": "ok", "drainer": "The drainer is not running."}


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
