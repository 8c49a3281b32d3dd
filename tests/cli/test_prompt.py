"""`--password -` at a terminal, by real processes: it asks, twice, and shows nothing of what is typed."""

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cli.conftest import answered, run
from tests.cli.process import COMMAND, PATIENCE, environment, eventually

CREATE = ("link", "create", "https://example.com/", "--code", "asked", "--password", "-", "--json")


class Terminal:
    """A terminal that a command reads from, and what can be seen on it."""

    def __init__(self) -> None:
        self._own, self.its = pty.openpty()
        os.set_blocking(self._own, False)
        self.seen = b""

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def look(self) -> bytes:
        """What has been echoed so far."""
        with suppress(BlockingIOError):
            self.seen += os.read(self._own, 65_536)
        return self.seen

    def close(self) -> None:
        os.close(self._own)
        os.close(self.its)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as made:
        yield made


def next_question(errors: Path, before: str) -> str:
    """What has been said once there is another question."""
    eventually(lambda: errors.read_text() != before and errors.read_text().endswith(": "), within=PATIENCE)
    return errors.read_text()


def asked(terminal: Terminal, folder: Path, *answers: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of CREATE when each of its questions is answered so."""
    errors = folder / "errors"
    with errors.open("w") as stderr:
        # A session of its own: it must not find the terminal of whoever runs the tests.
        process = subprocess.Popen(
            [*COMMAND, *CREATE],
            env=environment(),
            stdin=terminal.its,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            said = ""
            for answer in answers:
                said = next_question(errors, said)
                terminal.type(f"{answer}\n")
            output, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return process.returncode, output.decode(), errors.read_text()


def test_it_is_asked_for_twice_and_never_seen(terminal: Terminal, nowhere: Path) -> None:
    exit_code, output, said = asked(terminal, nowhere, "open sesame", "open sesame")
    assert (exit_code, said) == (0, "Password: \nRepeat for confirmation: \n")
    assert "sesame" not in output
    assert b"sesame" not in terminal.look()
    assert answered(run("link", "show", "asked", "--json"))["has_password"]


def test_two_that_differ_are_asked_for_again(terminal: Terminal, nowhere: Path) -> None:
    exit_code, _, said = asked(terminal, nowhere, "open sesame", "open barley", "third", "third")
    assert exit_code == 0
    assert "do not match" in said
