"""The application before and beside its processes."""

import os
import threading

import pytest
from starlette.testclient import TestClient

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
