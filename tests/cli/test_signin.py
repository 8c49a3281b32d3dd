"""`shortener signin`: a link that works, on either database, at the address that `serve` uses."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortener import served
from shortener.app import create_app
from shortener.services import signin_links
from shortener.settings import Settings
from shortener.storage import schema
from shortener.storage.engine import Database
from tests.cli.conftest import run
from tests.client import Client
from tests.postgres import Postgres
from tests.web.browsers import BROWSER, form_in, is_signed_in, send

LINK = re.compile(r"(\S+)(/admin/signin/([A-Za-z0-9_-]{43}))\n")


@pytest.fixture
def database(
    engine: str, nowhere: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """An empty database of either kind, which commands are told of."""
    with ExitStack() as undo:
        url = f"sqlite:///{nowhere}/some.db"
        if engine == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            name = server.create()
            undo.callback(server.drop, name)
            url = server.url(name)
        monkeypatch.setenv("SHORTENER_DATABASE_URL", url)
        opened = Database(url)
        undo.callback(opened.close)
        yield opened


def made() -> re.Match[str]:
    """The link that the command prints, alone on standard output."""
    result = run("signin")
    assert (result.exit_code, result.stderr) == (
        0,
        "Open it within 15 minutes. It works once, and signs you in for 12 hours.\n",
    )
    found = LINK.fullmatch(result.stdout)
    assert found, result.stdout
    return found


def test_the_link_signs_in(database: Database) -> None:
    link = made()
    assert link[1] == "http://localhost:8000"
    with database.read() as connection:
        assert schema.current(connection) == schema.HEAD
    with Client(create_app(Settings()), follow_redirects=False, headers=BROWSER, base_url=link[1]) as browser:
        answer = send(browser, link[2], form_in(browser.get(link[2])).filled())
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
        assert is_signed_in(browser)


def test_each_is_another(database: Database) -> None:
    links = [made()[3] for _ in range(3)]
    assert len(set(links)) == 3
    for link in links:
        signin_links.check(database, link)


def test_its_address(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "data").mkdir()
    served.remember(nowhere / "data", "http://localhost:8123")
    assert made()[1] == "http://localhost:8123"
    monkeypatch.setenv("SHORTENER_BASE_URL", "https://go.example")
    assert made()[1] == "https://go.example"


def test_a_database_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTENER_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    result = run("signin")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "secret" not in str(result.exception)
