"""What short URLs begin with: what `serve` warns of, and that commands beside it say the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shortener import served
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


#: Options and settings of `serve`, and whether it warns.
STARTS: dict[str, tuple[tuple[str, ...], dict[str, str], bool]] = {
    "every address": (("--host", "0.0.0.0"), {}, True),
    "every IPv6 address": (("--host", "::"), {}, True),
    "this machine": ((), {}, False),
    "this machine by name": (("--host", "localhost"), {}, False),
    "every address with a base URL": (("--host", "0.0.0.0"), {"SHORTENER_BASE_URL": "https://go.example"}, False),
}


@pytest.mark.process
@pytest.mark.parametrize(("options", "settings", "is_warned"), STARTS.values(), ids=STARTS)
def test_a_public_address_without_a_base_url_is_warned_of(
    tmp_path: Path, options: tuple[str, ...], settings: dict[str, str], is_warned: bool
) -> None:
    with running(tmp_path, *options, "--port", "0", **settings) as serving:
        told = (tmp_path / "stderr.txt").read_text()
        assert ("set SHORTENER_BASE_URL" in told) is is_warned
        expected = settings.get("SHORTENER_BASE_URL", serving.url)
        assert short_url(tmp_path).startswith(f"{expected}/")


@pytest.mark.process
def test_a_command_says_what_serve_says(tmp_path: Path) -> None:
    assert short_url(tmp_path).startswith("http://localhost:8000/")
    with running(tmp_path, "--port", "0") as serving:
        assert serving.url != "http://localhost:8000"
        assert short_url(tmp_path).startswith(f"{serving.url}/")
        own = short_url(tmp_path, SHORTENER_BASE_URL="https://own.example")
        assert own.startswith("https://own.example/")
    assert short_url(tmp_path).startswith(f"{serving.url}/")


@pytest.mark.process
def test_unknown_settings_are_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SHORTENER_LOG_LEVL=debug\n")
    with running(tmp_path, "--port", "0", SHORTENER_BASEURL="https://go.example", SHORTENER_PORT="tcp://10.0.0.1:80"):
        told = (tmp_path / "stderr.txt").read_text()
    assert "no setting SHORTENER_BASEURL, so it has no effect: did you mean SHORTENER_BASE_URL?" in told
    assert "did you mean SHORTENER_LOG_LEVEL?" in told
    assert "SHORTENER_PORT" not in told


def test_what_is_remembered(tmp_path: Path) -> None:
    assert served.recall(tmp_path) is None
    served.remember(tmp_path, "https://go.example")
    assert served.recall(tmp_path) == "https://go.example"
    (tmp_path / "base-url").write_bytes(b"\xff")
    assert served.recall(tmp_path) is None
    assert os.listdir(tmp_path) == ["base-url"]
