"""The Makefile: what a first run that fails says and leaves, and what the second one makes of it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: An interpreter for make: `FAILS` is what it cannot do, a part of its arguments.
INTERPRETER = """#!/bin/sh
case "$*" in *"$FAILS"*) mkdir -p "$VENV/bin"; touch "$VENV/bin/python" "$VENV/broken"; exit 1;; esac
case "$*" in "-m venv "*) mkdir -p "$3/bin"; touch "$3/bin/python";; esac
"""

#: What the interpreter cannot do, and what make says then.
FAILURES = {
    "an old Python": ("version_info", ""),
    "no ensurepip": ("ensurepip", "install python3-venv"),
    "the environment cannot be made": ("-m venv", ""),
}


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    path = tmp_path / "python"
    path.write_text(INTERPRETER)
    path.chmod(0o755)
    return path


def make(*arguments: str, fails: str = "nothing", venv: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT), f"VENV={venv}", *arguments],
        check=False,
        env={"PATH": "/usr/bin:/bin", "FAILS": fails, "VENV": str(venv)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("fails", "told"), FAILURES.values(), ids=FAILURES)
def test_a_run_that_fails_leaves_nothing_that_makes_the_next_fail(
    tmp_path: Path, interpreter: Path, fails: str, told: str
) -> None:
    venv = tmp_path / "venv"
    arguments = (f"PYTHON={interpreter}", f"{venv}/.environment")
    first = make(*arguments, fails=fails, venv=venv)
    assert first.returncode != 0
    assert told in first.stderr
    assert not (venv / ".environment").exists()
    second = make(*arguments, venv=venv)
    assert second.returncode == 0, second.stderr
    assert (venv / "bin/python").exists()
    assert not (venv / "broken").exists()
    third = make(*arguments, venv=venv)
    assert "up to date" in third.stdout


PORTS = {"another": (("PORT=8123",), "serve --port 8123"), "none": ((), "serve")}


@pytest.mark.parametrize(("arguments", "command"), PORTS.values(), ids=PORTS)
def test_port(tmp_path: Path, arguments: tuple[str, ...], command: str) -> None:
    planned = make("-n", "run", *arguments, venv=tmp_path / "venv")
    assert planned.stdout.strip().splitlines()[-1].strip().endswith(command)
