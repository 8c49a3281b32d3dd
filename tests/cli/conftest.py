"""The command line under test: an empty directory, an empty environment, and servers that end with their test."""

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from starlette.testclient import TestClient
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from shortener.app import create_app
from shortener.cli import app
from shortener.settings import Settings
from tests.cli.process import Serving, served
from tests.conftest import ADMIN_KEY

MODES = ("local", "remote")

# The tree of all commands takes 30 ms to build: once, and not for every command that a test runs.
vars(testing)["_get_command"] = cache(get_command)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs each test in an empty directory, without settings; what it says about logging ends with it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SHORTENER_")]:
        monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):  # a pipe is a pipe
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    loggers = [logging.getLogger(name) for name in (None, "alembic", "uvicorn", "asyncio")]
    levels, handlers = [logger.level for logger in loggers], loggers[0].handlers[:]
    yield tmp_path
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    structlog.reset_defaults()


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """One command, in this process."""
    return CliRunner().invoke(app, arguments, input=stdin)


def answered(result: Result) -> Any:
    """What a command with --json said."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


def cells(table: str) -> list[list[str]]:
    """The cells of a printed table, which stand at least two spaces apart; an empty one closes up."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()]


@dataclass(frozen=True)
class Instance:
    """A shortener, and the two ways to it: its command line and its API."""

    base_url: str
    #: What commands are told to find it.
    where: Sequence[str]
    api: httpx2.Client

    def cli(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        """One command on this instance."""
        return run(*arguments, *self.where, stdin=stdin)

    def get(self, path: str, **params: str | int) -> Any:
        """What the API says."""
        response = self.api.get(f"/api/v1{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server that many tests share; each uses codes of its own."""
    with served(tmp_path_factory.mktemp("server"), SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving:
        yield serving


@pytest.fixture(params=MODES)
def instance(request: pytest.FixtureRequest, nowhere: Path) -> Iterator[Instance]:
    """Runs a test on this machine's database and on a server."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    if request.param == "remote":
        url = request.getfixturevalue("server").url
        with httpx2.Client(base_url=url, headers=headers) as client:
            yield Instance(url, ("--url", url, "--key", ADMIN_KEY), client)
        return
    (nowhere / "data").mkdir()
    shutil.copy(request.getfixturevalue("sqlite_template"), nowhere / "data" / "shortener.db")
    application = create_app(Settings(_env_file=None, admin_key=ADMIN_KEY))
    with httpx2.Client(
        transport=TestClient(application)._transport, base_url="http://localhost:8000", headers=headers
    ) as client:
        yield Instance("http://localhost:8000", (), client)
    application.state.parts.database.close()
