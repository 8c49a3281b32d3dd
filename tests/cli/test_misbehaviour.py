"""The supervisor's processes when they hang, do not listen, or cannot be had."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.process import GONE, PATIENCE, environment, eventually, group

ROOT = Path(__file__).parents[2]


@contextmanager
def scene(name: str, folder: Path, first: str | None) -> Iterator["subprocess.Popen[str]"]:
    """A scene of tests/cli/supervised, after it has said `first`."""
    with (
        (folder / "stderr.txt").open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "tests.cli.supervised", name, str(folder)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if first is not None:
                assert first in iter(lambda: process.stdout.readline().strip(), "")  # type: ignore[union-attr]
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE)
            eventually(lambda: not group(process.pid), within=GONE)


def test_workers_end_before_the_drainer(tmp_path: Path) -> None:
    with scene("obedient", tmp_path, "drainer is up") as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
        assert output.splitlines() == ["worker ends", "drainer ends"]
        assert process.returncode == 0


def test_who_does_not_end_is_killed(tmp_path: Path) -> None:
    with scene("stubborn", tmp_path, "child is up") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        eventually(lambda: not group(process.pid), within=GONE)


def test_the_end_of_a_pipe_is_enough_to_end_with_the_supervisor(tmp_path: Path) -> None:
    """Where the kernel sends no signal at the parent's death; nor does the main thread have to do anything."""
    with scene("only the pipe", tmp_path, "drainer is up") as process:
        assert len(group(process.pid)) == 3
        process.kill()
        process.wait(PATIENCE)
        eventually(lambda: not group(process.pid), within=GONE)


def test_it_can_be_ended_before_anything_is_up(tmp_path: Path) -> None:
    with scene("mute", tmp_path, "child is here") as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert output == ""


def test_who_hangs_is_replaced(tmp_path: Path) -> None:
    with scene("hanging", tmp_path, "the next one is up") as process:
        said = (tmp_path / "stderr.txt").read_text()
        assert "a process hangs and is killed" in said
        assert "killed by SIGKILL" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


FAILURES = {
    "failing": "the application did not start: worker-1: exit code 1\n",
    "no room for the first": (
        "the application did not start: worker-1: cannot be started: Resource temporarily unavailable\n"
    ),
}


@pytest.mark.parametrize(("name", "message"), FAILURES.items(), ids=FAILURES.keys())
def test_a_first_worker_that_cannot_be_had(tmp_path: Path, name: str, message: str) -> None:
    with scene(name, tmp_path, None) as process:
        assert process.wait(PATIENCE) == 1
        assert (tmp_path / "stderr.txt").read_text().endswith(message)


def test_an_unforeseen_fault_is_told_at_length(tmp_path: Path) -> None:
    with scene("failing", tmp_path, None) as process:
        assert process.wait(PATIENCE) == 1
        assert "ZeroDivisionError: nobody has foreseen this" in (tmp_path / "stderr.txt").read_text()


def test_a_later_process_is_waited_for(tmp_path: Path) -> None:
    with scene("no room for the second", tmp_path, "drainer is up") as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
        assert output.splitlines() == ["worker ends", "drainer ends"]
