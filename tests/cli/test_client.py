"""How commands reach the API: whom they ask, and what they say of a bad answer."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shortener import __version__, cli, errors
from shortener.storage.engine import BUSY_TIMEOUT_MS, sqlite_module
from tests.cli.conftest import answered, run
from tests.cli.process import Serving, ended
from tests.conftest import ADMIN_KEY
from tests.ports import free_port


@contextmanager
def stranger(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[str]:
    """A server that gives everybody one answer; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


STRANGERS = {
    "no JSON": (200, b"<html>"),
    "no JSON, not found": (404, b"<html>"),
    "other JSON": (404, b'{"message": "no"}'),
    "a list": (500, b"[1]"),
    "a redirect": (301, b""),
    "a proxy without anything behind it": (502, b"Bad Gateway"),
}


@pytest.mark.parametrize(("status", "body"), STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers(status: int, body: bytes) -> None:
    with stranger(status, body, {"location": "https://elsewhere.example/"} if status == 301 else None) as url:
        result = run("link", "show", "x", "--url", url, "--key", "k")
    assert (result.exit_code, result.stdout) == (1, "")
    expected = f"{url}/api/v1/links/x answered {status}, but not as a shortener does; is the address right?"
    assert result.stderr == f"shortener: {expected}\n"


#: Command → what a server answers it, and what is said then.
WORDS = {
    "an import of the same": (
        ("link", "import", "links.json"),
        409,
        {
            "code": "idempotency-key-spent",
            "detail": "A request with this Idempotency-Key is still being carried out.",
        },
        "An import of the same links is still being carried out.",
    ),
    "a key that is used": (
        ("link", "create", "https://example.com/", "--idempotency-key", "a"),
        409,
        {
            "code": "idempotency-key-spent",
            "detail": "A request with this Idempotency-Key is still being carried out.",
        },
        "A request with this --idempotency-key is still being carried out.",
    ),
    "a change meanwhile": (
        ("link", "edit", "x", "--title", "y", "--if-match", "2"),
        412,
        {
            "code": "version-mismatch",
            "detail": 'The link is at "7-3", not "7-2": read it again.',
            "errors": [{"field": "If-Match", "code": "version-mismatch", "message": "…"}],
        },
        "--if-match: The link has been changed since you looked at it: look at it again before you change it.",
    ),
    "a switch that is off": (
        ("link", "create", "https://example.com/", "--disable"),
        422,
        {"detail": "…", "errors": [{"field": "enabled", "code": "x", "message": "`enabled` and `rules`"}]},
        "--disable: --disable and --rules",
    ),
    "one of several": (
        ("link", "create", "https://example.com/", "--tag", "a", "--tag", "b"),
        422,
        {"detail": "…", "errors": [{"field": "tags.1", "code": "x", "message": "no"}]},
        "--tag: no",
    ),
}


@pytest.mark.parametrize(("command", "status", "problem", "said"), WORDS.values(), ids=WORDS.keys())
def test_messages_name_what_was_typed(
    nowhere: Path, command: tuple[str, ...], status: int, problem: dict[str, object], said: str
) -> None:
    (nowhere / "links.json").write_text('[{"target": "https://example.com/"}]')
    with stranger(status, json.dumps(problem).encode()) as url:
        result = run(*command, "--url", url)
    assert result.stderr == f"shortener: {said}\n"


def test_a_server_fault_is_exit_code_1() -> None:
    with stranger(503, b'{"detail": "The database cannot be reached right now."}') as url:
        result = run("link", "show", "x", "--url", url)
    assert (result.exit_code, result.stderr) == (1, "shortener: The database cannot be reached right now.\n")


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = run("link", "list", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"shortener: {url} does not answer: ")
    assert result.stderr.count("\n") == 1


BAD_INPUT = {
    "no scheme": (("--url", "localhost:8000"), "shortener: --url localhost:8000: "),
    "another scheme": (("--url", "ftp://localhost"), "shortener: --url ftp://localhost: "),
    "a port that is none": (("--url", "http://localhost:port"), "shortener: --url http://localhost:port: "),
    "a key of two lines": (("--url", "SERVER", "--key", "a\nb"), "shortener: --key contains a character that no key"),
}


@pytest.mark.parametrize(("options", "message"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_addresses_and_keys(server: Serving, options: tuple[str, ...], message: str) -> None:
    result = run("link", "list", *(server.url if option == "SERVER" else option for option in options))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_the_environment_says_whom_to_ask(server: Serving, monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    monkeypatch.setenv("SHORTENER_API_URL", f"{server.url}/")
    assert run("link", "list").exit_code == 4
    monkeypatch.setenv("SHORTENER_API_KEY", ADMIN_KEY)
    made = answered(run("link", "create", "https://example.com/", "--json"))
    assert made["short_url"].startswith(f"{server.url}/")
    assert list(nowhere.iterdir()) == []


def test_local_commands_need_no_key_and_keep_the_preset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTENER_ADMIN_KEY", "ключ" * 8)
    assert run("link", "create", "https://example.com/", "--code", "mine").stdout == "http://localhost:8000/mine\n"
    assert answered(run("key", "list", "--json")) == []


def test_a_locked_database_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    monkeypatch.setattr("shortener.storage.engine.BUSY_TIMEOUT_MS", BUSY_TIMEOUT_MS // 100)
    lock = sqlite_module().connect("data/shortener.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    result = run("link", "create", "https://example.com/", "--json")
    lock.close()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("shortener: The database is locked by another writer; try again shortly.\n")


def test_a_fault_of_ours_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("shortener.services.listing.list_links", broken)
    result = run("link", "list", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("shortener: Something went wrong on our side; it has been logged.\n")
    assert "ZeroDivisionError" in result.stderr


def test_a_locked_database_cannot_be_migrated(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    monkeypatch.setattr("shortener.storage.engine.BUSY_TIMEOUT_MS", BUSY_TIMEOUT_MS // 100)
    lock = sqlite_module().connect("locked.db", isolation_level=None)
    lock.execute("PRAGMA journal_mode=WAL")
    lock.execute("BEGIN IMMEDIATE")
    monkeypatch.setenv("SHORTENER_DATABASE_URL", "sqlite:///locked.db")
    result = run("db", "upgrade")
    lock.close()
    assert isinstance(result.exception, errors.StartFailed)
    assert str(result.exception) == "the database sqlite:///locked.db cannot be migrated: database is locked"


def test_main_turns_failures_into_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nowhere: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["shortener", "db", "current"])
    monkeypatch.setenv("SHORTENER_CODE_LENGTH", "1")
    with pytest.raises(SystemExit) as ending:
        cli.main()
    assert ending.value.code == 1
    assert capsys.readouterr().err.startswith("shortener: bad setting SHORTENER_CODE_LENGTH: ")


START_FAILURES = {
    "a folder for a database": ({"DATABASE_URL": "sqlite:///folder"}, "cannot be opened: unable to open"),
    "a text for a database": ({"DATABASE_URL": "sqlite:///text"}, "cannot be opened: file is not a database"),
    "a file for the data directory": ({"DATA_DIR": "text"}, "the database cannot be opened: File exists: text"),
    "a bad setting": ({"REDIRECT_STATUS": "200"}, "bad setting SHORTENER_REDIRECT_STATUS: "),
}
LOCAL = (("link", "list"), ("key", "list"), ("stats",), ("db", "current"), ("db", "upgrade"))


@pytest.mark.parametrize("command", LOCAL, ids=" ".join)
@pytest.mark.parametrize(("settings", "message"), START_FAILURES.values(), ids=START_FAILURES.keys())
def test_local_commands_that_cannot_start(
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    settings: dict[str, str],
    message: str,
) -> None:
    (nowhere / "folder").mkdir()
    (nowhere / "text").write_text("This is no database.")
    for name, value in settings.items():
        monkeypatch.setenv(f"SHORTENER_{name}", value)
    monkeypatch.setattr(sys, "argv", ["shortener", *command])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    captured = capsys.readouterr()
    assert (ending.value.code, captured.out) == (1, "")
    assert captured.err.startswith("shortener: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_the_version() -> None:
    assert run("--version").stdout == f"{__version__}\n"
    assert ended("--version").stdout == f"{__version__}\n"
