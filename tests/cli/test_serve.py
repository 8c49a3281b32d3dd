"""`shortener serve`: real processes, from the first line they print to their exit code."""

import gc
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from shortener.server import main
from shortener.storage.engine import sqlite_module
from tests.cli.conftest import cells, run
from tests.cli.process import PATIENCE, Serving, ended, eventually
from tests.cli.process import served as forked
from tests.cli.process import served_by_command as served
from tests.conftest import FIREFOX
from tests.ports import free_port
from tests.postgres import Postgres
from tests.preloaded import Process

pytestmark = pytest.mark.process

#: Seconds of processor time; on an idle machine the start takes hardly longer.
QUICK = 3.0
#: Seconds within which a start has failed, whatever it waits for, also where the machine is busy.
SOON = 15.0


def by_shell(command: str) -> tuple[int, str]:
    """Status and body of what a curl command got."""
    done = subprocess.run(
        command + " -s -w '\n%{http_code}'", shell=True, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def processor_seconds(process: Process) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_first_start_prints_a_key_and_a_curl_that_works(nowhere: Path) -> None:
    with served(nowhere) as serving:
        assert serving.key is not None
        status, body = by_shell(serving.curl)
        assert status == 201
        short_url = re.search(r'"short_url":"([^"]+)"', body)
        assert short_url is not None
        assert short_url[1].startswith(serving.url + "/")
        assert by_shell(f"curl -o /dev/null {shlex.quote(short_url[1])}")[0] == 302
        assert by_shell(f"curl -o /dev/null {serving.url}/docs")[0] == 200
        assert str(nowhere / "data") not in serving.welcome  # as it was set: relative
        assert "sqlite:///data/shortener.db" in serving.welcome
        assert serving.stop() == 0
    assert serving.errors.read_text() == ""


def test_the_first_start_prints_a_link_that_signs_in(nowhere: Path) -> None:
    with forked(nowhere) as serving, httpx2.Client() as browser:
        link = re.search(r"^ {4}(\S+/admin/signin/\S+)$", serving.welcome, re.MULTILINE)
        assert link is not None
        assert link[1].startswith(f"{serving.url}/admin/signin/")
        token = re.search(r'name="token" value="([^"]+)"', browser.get(link[1]).text)
        assert token is not None
        sent = browser.post(link[1], data={"token": token[1]}, headers={"origin": serving.url})
        assert (sent.status_code, sent.headers["location"]) == (303, "/admin/")
        assert "Signed in as sign-in (admin)" in browser.get(f"{serving.url}/admin/").text
        assert browser.get(link[1]).status_code == 410


def test_the_second_start_prints_none_and_is_quick(nowhere: Path) -> None:
    with served(nowhere) as first:
        key = first.key
        assert first.stop() == 0
    with served(nowhere) as second:
        assert processor_seconds(second.process) < QUICK
        assert second.key is None
        assert "/admin/signin/" not in second.welcome
        assert "YOUR_KEY" in second.curl
        assert key is not None
        assert by_shell(second.curl.replace("YOUR_KEY", key))[0] == 201
        assert by_shell(second.curl)[0] == 401


def test_a_preset_key_is_not_printed(nowhere: Path) -> None:
    (nowhere / "key").write_text("a preset key of 30 characters.\n")
    with forked(nowhere, SHORTENER_ADMIN_KEY_FILE="key") as serving:
        assert serving.key is None
        assert "/admin/signin/" not in serving.welcome
        assert by_shell(serving.curl.replace("YOUR_KEY", "a preset key of 30 characters."))[0] == 201


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_a_signal_ends_it_with_exit_code_0(nowhere: Path, how: signal.Signals) -> None:
    with served(nowhere) as serving, httpx2.Client(base_url=serving.url) as client:
        assert client.get("/healthz").status_code == 200
        # The connection is kept alive, and yet nobody waits for it.
        serving.process.send_signal(how)
        assert serving.process.wait(5) == 0
    assert serving.errors.read_text() == ""
    assert "Traceback" not in serving.welcome


def test_a_click_shows_in_the_statistics(nowhere: Path) -> None:
    with forked(nowhere) as serving:
        where = ("--url", serving.url, "--key", serving.key or "")
        assert ended("link", "create", "https://example.com/", "--code", "seen", *where).stdout.endswith("/seen\n")
        assert httpx2.get(f"{serving.url}/seen", headers={"user-agent": FIREFOX}).status_code == 302
        assert by_shell(f"curl -o /dev/null {serving.url}/seen")[0] == 302
        headers = {"authorization": f"Bearer {serving.key}"}
        eventually(lambda: httpx2.get(f"{serving.url}/api/v1/links/seen", headers=headers).json()["clicks"] == 1)
        shown = ended("stats", "seen", "--group-by", "browser", *where).stdout
        assert cells(shown) == [
            ["browser", "clicks", "unique"],
            ["Firefox", "1", "1"],
            ["total", "1", "1"],
            ["Not counted: 1 bot (see --class)."],
        ]


def test_clicks_in_flight_survive_its_end(nowhere: Path) -> None:
    with forked(nowhere) as serving:
        by_shell(f"curl -o /dev/null {serving.url}/nobody")
        ended(
            "link",
            "create",
            "https://example.com/",
            "--code",
            "late",
            "--url",
            serving.url,
            "--key",
            f"{serving.key}",
        )
        for _ in range(5):
            httpx2.get(f"{serving.url}/late", headers={"user-agent": FIREFOX})
        assert serving.stop() == 0
    with forked(nowhere, SHORTENER_ADMIN_KEY="a preset key of 30 characters.") as again:
        headers = {"authorization": "Bearer a preset key of 30 characters."}
        eventually(lambda: httpx2.get(f"{again.url}/api/v1/links/late", headers=headers).json()["clicks"] == 5)


def test_where_and_how_it_listens(nowhere: Path) -> None:
    with served(nowhere, "--host", "0.0.0.0", "--port", "0", SHORTENER_BASE_URL="https://go.example/") as serving:
        assert serving.url == "https://go.example"
        assert "curl -X POST https://go.example/api/v1/links " in serving.curl


def test_it_becomes_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same process without the command line: where it listens, and what the command is called, it is told."""
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: became.append([path, *arguments]))
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/shortener"])
    run("serve", "--host", "::1", "--port", "80", "--workers", "3")
    ((path, *arguments),) = became
    assert path == arguments[0] == sys.executable
    assert arguments[-6:-1] == ["-m", "shortener.server", "::1", "80", "3"]
    assert arguments[-1].endswith("/usr/local/bin/shortener")


def test_a_port_can_be_taken_again_at_once(nowhere: Path) -> None:
    with forked(nowhere) as serving:
        port = serving.url.rpartition(":")[2]
        assert httpx2.get(f"{serving.url}/healthz").status_code == 200
        assert serving.stop() == 0
    with forked(nowhere, "--port", port) as again:
        assert again.url == serving.url


def test_settings_come_from_a_file_and_the_environment_wins(nowhere: Path) -> None:
    (nowhere / ".env").write_text(
        "SHORTENER_BASE_URL=https://file.example\nSHORTENER_CODE_LENGTH=12\n"
        "SHORTENER_ADMIN_KEY=the key that stands in the file\n# a comment\nOTHER=unknown names are others'\n"
    )
    with forked(nowhere, SHORTENER_BASE_URL="https://environment.example") as serving:
        assert serving.url == "https://environment.example"
        assert serving.key is None
    made = ended("link", "create", "https://example.com/")
    assert re.fullmatch(r"https://file\.example/\w{12}\n", made.stdout)


def test_logs_as_json(nowhere: Path) -> None:
    settings = {"SHORTENER_LOG_FORMAT": "json", "SHORTENER_LOG_LEVEL": "debug"}
    with forked(nowhere, **settings) as serving:
        assert serving.stop() == 0
    lines = serving.errors.read_text().splitlines()
    assert lines
    assert all(line.startswith("{") and line.endswith("}") for line in lines)


def test_on_postgresql(nowhere: Path, postgres: Postgres) -> None:
    name = postgres.create()
    settings = {"SHORTENER_DATABASE_URL": postgres.url(name)}
    with forked(nowhere, **settings) as serving:
        assert by_shell(serving.curl)[0] == 201
        assert f"postgresql://postgres@/{name}" in serving.welcome
        assert "SQLite" not in serving.welcome
        assert serving.stop() == 0
    with forked(nowhere, **settings) as again:
        assert again.key is None
    assert not (nowhere / "data" / "shortener.db").exists()
    postgres.drop(name)


def test_a_key_is_not_made_by_a_start_that_fails(nowhere: Path) -> None:
    """A key is shown once: one that is made before the server is up could be lost."""
    assert ended("db", "upgrade").returncode == 0
    database: sqlite3.Connection = sqlite_module().connect("data/shortener.db")
    saved = database.execute("SELECT * FROM instance").fetchone()
    database.execute("DELETE FROM instance")  # what the application cannot start without
    database.commit()
    failed = ended("serve", "--port", "0")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "Traceback" not in failed.stderr
    assert failed.stderr.endswith("shortener: the application did not start: worker-1: exit code 1\n")
    assert database.execute("SELECT count(*) FROM api_key").fetchone() == (0,)
    database.execute(f"INSERT INTO instance VALUES ({', '.join('?' * len(saved))})", saved)
    database.commit()
    database.close()
    with forked(nowhere) as serving:
        assert serving.key is not None


class Ports:
    """Ports that make trouble, by name."""

    def __init__(self, taken: socket.socket) -> None:
        self.taken = taken.getsockname()[1]
        self.closed = free_port()

    def fill(self, text: str) -> str:
        return text.replace("TAKEN", str(self.taken)).replace("CLOSED", str(self.closed))


NO_DATABASE = "the database sqlite:///folder cannot be opened: unable to open database file"
NO_ADDRESS = "bad setting SHORTENER_DATABASE_URL: it is no address such as sqlite:///path or postgresql://user:password@host/name"
PG = "postgresql://someone:secret@127.0.0.1"
#: What is wrong → options, settings, and what the one line says behind "shortener: ".
FAILURES: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "a folder for a database": ((), {"DATABASE_URL": "sqlite:///folder"}, NO_DATABASE),
    "a text for a database": (
        (),
        {"DATABASE_URL": "sqlite:///text"},
        "the database sqlite:///text cannot be opened: file is not a database",
    ),
    "a file for a database's folder": (
        (),
        {"DATABASE_URL": "sqlite:///text/x/y.db"},
        "the database cannot be opened: Not a directory: text/x",
    ),
    "a file for the data directory": (
        (),
        {"DATA_DIR": "text", "DATABASE_URL": "sqlite:///fine.db"},
        "the data directory cannot be written: Not a directory: text/spool",
    ),
    "a file above the data directory": (
        (),
        {"DATA_DIR": "text/data"},
        "the data directory cannot be written: Not a directory: text/data/spool",
    ),
    "a PostgreSQL that is not there": (
        (),
        {"DATABASE_URL": f"{PG}:CLOSED/x"},
        "the database postgresql://someone:***@127.0.0.1:CLOSED/x cannot be opened: ",
    ),
    "a PostgreSQL that says nothing": (
        (),
        {"DATABASE_URL": f"{PG}:TAKEN/x"},
        "the database postgresql://someone:***@127.0.0.1:TAKEN/x cannot be opened: ",
    ),
    "a PostgreSQL with a port that is none": ((), {"DATABASE_URL": f"{PG}:port/x"}, NO_ADDRESS),
    "a PostgreSQL option that is none": (
        (),
        {"DATABASE_URL": f"{PG}:CLOSED/x?colour=red"},
        "the database postgresql://someone:***@127.0.0.1:CLOSED/x?colour=red cannot be opened: "
        'invalid connection option "colour"',
    ),
    "a database in memory": (
        (),
        {"DATABASE_URL": "sqlite:///:memory:"},
        "bad setting SHORTENER_DATABASE_URL: 'sqlite:///:memory:' names no file",
    ),
    "another kind of database": (
        (),
        {"DATABASE_URL": "mysql://x"},
        "bad setting SHORTENER_DATABASE_URL: mysql:// is not supported: write sqlite:///path or postgresql://",
    ),
    "a taken port": (("--port", "TAKEN"), {}, "cannot listen on '127.0.0.1', port TAKEN: Address already in use"),
    "no address": (("--host", "999.1.1.1"), {}, "cannot listen on '999.1.1.1', port 0: "),
    "an empty address": (("--host", ""), {}, "cannot listen on '', port 0: "),
    "an address that no name can be": (("--host", "x" * 64), {}, f"cannot listen on '{'x' * 64}', port 0: "),
    "somebody else's address": (
        ("--host", "192.0.2.1"),
        {},
        "cannot listen on '192.0.2.1', port 0: Cannot assign requested address",
    ),
    "too small a number": ((), {"CODE_LENGTH": "3"}, "bad setting SHORTENER_CODE_LENGTH: "),
    "too large a number": ((), {"MAX_BODY_BYTES": str(2**31)}, "bad setting SHORTENER_MAX_BODY_BYTES: "),
    "a number below nothing": (
        (),
        {"REDIRECT_CACHE_SECONDS": "-1"},
        "bad setting SHORTENER_REDIRECT_CACHE_SECONDS: ",
    ),
    "no number": ((), {"CODE_LENGTH": "seven"}, "bad setting SHORTENER_CODE_LENGTH: "),
    "a status that does not redirect": ((), {"REDIRECT_STATUS": "303"}, "bad setting SHORTENER_REDIRECT_STATUS: "),
    "a network with host bits": (
        (),
        {"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.1/8"},
        "bad setting SHORTENER_TRUSTED_PROXIES: '10.0.0.1/8' is an address in a network: write 10.0.0.0/8",
    ),
    "no network": (
        (),
        {"TRUSTED_PROXIES": "proxy"},
        "bad setting SHORTENER_TRUSTED_PROXIES: 'proxy' is no network: write one such as 10.0.0.0/8",
    ),
    "no name of a header": (
        (),
        {"EXCLUDED_HEADER": "not counted"},
        "bad setting SHORTENER_EXCLUDED_HEADER: ",
    ),
    "a header without the value it announces": (
        (),
        {"EXCLUDED_HEADER": "X-Not-Counted="},
        "bad setting SHORTENER_EXCLUDED_HEADER: ",
    ),
    "a parameter that is written in several ways": (
        (),
        {"EXCLUDED_PARAMETER": "nöstat"},
        "bad setting SHORTENER_EXCLUDED_PARAMETER: ",
    ),
    "a retention below nothing": (
        (),
        {"CLICK_RETENTION_DAYS": "-1"},
        "bad setting SHORTENER_CLICK_RETENTION_DAYS: ",
    ),
    "a base URL without a scheme": ((), {"BASE_URL": "go.example"}, "bad setting SHORTENER_BASE_URL: "),
    "a base URL with a path": (
        (),
        {"BASE_URL": "https://go.example/s"},
        "bad setting SHORTENER_BASE_URL: '",
    ),
    "a target that is no URL": ((), {"HOME_TARGET": "home"}, "bad setting SHORTENER_HOME_TARGET: "),
    "a target that is a script": (
        (),
        {"NOT_FOUND_TARGET": "javascript:alert(1)"},
        "bad setting SHORTENER_NOT_FOUND_TARGET: ",
    ),
    "a short administrator key": ((), {"ADMIN_KEY": "k" * 23}, "bad setting SHORTENER_ADMIN_KEY: "),
    "a short administrator key in a file": ((), {"ADMIN_KEY_FILE": "text"}, "bad setting SHORTENER_ADMIN_KEY: "),
    "a missing key file": (
        (),
        {"ADMIN_KEY_FILE": "nowhere"},
        "bad setting: SHORTENER_ADMIN_KEY_FILE: No such file or directory: nowhere",
    ),
    "a folder for a key file": (
        (),
        {"ADMIN_KEY_FILE": "folder"},
        "bad setting: SHORTENER_ADMIN_KEY_FILE: Is a directory: folder",
    ),
    "a missing database file": (
        (),
        {"DATABASE_URL_FILE": "nowhere"},
        "bad setting: SHORTENER_DATABASE_URL_FILE: No such file or directory: nowhere",
    ),
    "a log level that is none": ((), {"LOG_LEVEL": "loud"}, "bad setting SHORTENER_LOG_LEVEL: "),
    "a log format that is none": ((), {"LOG_FORMAT": "xml"}, "bad setting SHORTENER_LOG_FORMAT: "),
}


#: Those that are seen from outside too; nothing but the message differs between them and the others.
FROM_OUTSIDE = ("a taken port", "a missing key file", "a PostgreSQL that says nothing")


@pytest.fixture
def ports(nowhere: Path) -> Iterator[Ports]:
    """A taken and a closed port; a folder and a text lie about."""
    (nowhere / "folder").mkdir()
    (nowhere / "text").write_text("no database, no key")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield Ports(taken)


@pytest.mark.parametrize("name", FAILURES)
def test_a_start_that_fails_says_why_in_one_line(
    name: str, ports: Ports, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, settings, message = FAILURES[name]
    for setting, value in settings.items():
        monkeypatch.setenv(f"SHORTENER_{setting}", ports.fill(value))
    chosen = {"--host": "127.0.0.1", "--port": "0", **dict(pairwise(map(ports.fill, options)))}
    try:
        code = main(chosen["--host"], int(chosen["--port"]), 1, "shortener")
    finally:
        gc.enable()
    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert_says_why(said.err, ports.fill(message))


@pytest.mark.parametrize("name", FROM_OUTSIDE)
def test_a_start_that_fails_soon_ends(name: str, ports: Ports) -> None:
    options, settings, message = FAILURES[name]
    named = {f"SHORTENER_{setting}": ports.fill(value) for setting, value in settings.items()}
    started = time.monotonic()
    result = ended("serve", "--port", "0", *map(ports.fill, options), **named)
    assert time.monotonic() - started < SOON
    assert (result.returncode, result.stdout) == (1, "")
    assert_says_why(result.stderr, ports.fill(message))


def assert_says_why(said: str, message: str) -> None:
    assert said.startswith(f"shortener: {message}")
    assert said.count("\n") == 1
    assert "secret" not in said


def test_a_newer_database_is_left_alone(nowhere: Path) -> None:
    assert ended("db", "upgrade").returncode == 0
    database: sqlite3.Connection = sqlite_module().connect("data/shortener.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    everything = "SELECT name, sql FROM sqlite_master UNION ALL SELECT 'revision', version_num FROM alembic_version"
    before = database.execute(everything).fetchall()
    for command in (("serve", "--port", "0"), ("db", "upgrade"), ("link", "list")):
        result = ended(*command)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("shortener: The database is at revision 9999, which this version (revision ")
        assert result.stderr.count("\n") == 1
    assert database.execute(everything).fetchall() == before
    database.close()


def test_a_taken_port_changes_nothing(nowhere: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert ended("serve", "--port", str(taken.getsockname()[1])).returncode == 1
    assert list(nowhere.iterdir()) == []


def test_two_servers_do_not_share_a_port(nowhere: Path) -> None:
    with forked(nowhere) as serving:
        port = serving.url.rpartition(":")[2]
        assert ended("serve", "--port", port).returncode == 1


def test_it_is_a_module_too(server: Serving) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", ended("--version").stdout)
