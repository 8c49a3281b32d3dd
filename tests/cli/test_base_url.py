"""What short URLs begin with: what `serve` warns of, and that commands beside it say the same."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shortener import served, server
from tests.cli.process import environment
from tests.cli.process import served as running


def short_url(folder: Path, **settings: str) -> str:
    """What a command in `folder` says of a new link."""
    command = [str(Path(sys.executable).with_name("shortener")), "link", "create", "https://example.com/", "--json"]
    done = subprocess.run(
        command, check=True, cwd=folder, env=environment(**settings), capture_output=True, text=True
    )
    found: str = json.loads(done.stdout)["short_url"]
    return found


#: By name: where a server without a base URL listens, and whether it warns.
LISTENING = {
    "every address": ("0.0.0.0", True),
    "every IPv6 address": ("::", True),
    "an address of this machine in a network": ("192.0.2.7", True),
    "this machine": ("127.0.0.1", False),
    "this machine by IPv6": ("::1", False),
    "this machine by name": ("localhost", False),
}


@pytest.mark.parametrize(("host", "is_warned"), LISTENING.values(), ids=LISTENING)
def test_a_public_address_without_a_base_url_is_warned_of(host: str, is_warned: bool) -> None:
    with capture_logs() as logged:
        server.warn_of_address(host, "http://localhost:8000")
    assert ["set SHORTENER_BASE_URL" in line["event"] for line in logged] == [True] * is_warned


@pytest.mark.process
def test_serve_warns_of_its_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SHORTENER_LOG_LEVL=debug\n")
    wrong = {"SHORTENER_BASEURL": "https://go.example", "SHORTENER_PORT": "tcp://10.0.0.1:80"}
    with running(tmp_path, "--host", "0.0.0.0", "--port", "0", **wrong):
        told = (tmp_path / "stderr.txt").read_text()
    assert "set SHORTENER_BASE_URL" in told
    assert "no setting SHORTENER_BASEURL, so it has no effect: did you mean SHORTENER_BASE_URL?" in told
    assert "did you mean SHORTENER_LOG_LEVEL?" in told
    assert "SHORTENER_PORT" not in told


@pytest.mark.process
def test_serve_does_not_warn_with_a_base_url(tmp_path: Path) -> None:
    own = {"SHORTENER_BASE_URL": "https://go.example"}
    with running(tmp_path, "--host", "0.0.0.0", "--port", "0", **own):
        assert "SHORTENER_BASE_URL" not in (tmp_path / "stderr.txt").read_text()
        assert short_url(tmp_path, **own).startswith("https://go.example/")


@pytest.mark.process
def test_a_command_says_what_serve_says(tmp_path: Path) -> None:
    assert short_url(tmp_path).startswith("http://localhost:8000/")
    with running(tmp_path, "--port", "0") as serving:
        assert serving.url != "http://localhost:8000"
        assert short_url(tmp_path).startswith(f"{serving.url}/")
        own = short_url(tmp_path, SHORTENER_BASE_URL="https://own.example")
        assert own.startswith("https://own.example/")
    assert short_url(tmp_path).startswith(f"{serving.url}/")


def test_what_is_remembered(tmp_path: Path) -> None:
    assert served.recall(tmp_path) is None
    served.remember(tmp_path, "https://go.example")
    assert served.recall(tmp_path) == "https://go.example"
    (tmp_path / "base-url").write_bytes(b"\xff")
    assert served.recall(tmp_path) is None
    assert os.listdir(tmp_path) == ["base-url"]


def test_a_start_that_fails_changes_nothing_about_that(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("data", "no-database"):
        (nowhere / folder).mkdir()
    served.remember(nowhere / "data", "http://localhost:8123")
    monkeypatch.setenv("SHORTENER_DATABASE_URL", "sqlite:///no-database")
    try:
        assert server.main("127.0.0.1", 0, 1, "shortener") == 1
    finally:
        gc.enable()
    assert served.recall(nowhere / "data") == "http://localhost:8123"
