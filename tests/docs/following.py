"""Following a page from an empty instance, and comparing each output with the one that the page shows."""

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.docs import outputs, page
from tests.docs.page import Step
from tests.docs.reader import Reader, free_port
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
#: What a page refers to if it needs a running instance, and where that is made.
_INSTANCE = "INSTALL.md#an-instance-to-try-things-on"
_SECTION = "## An instance to try things on"
#: What a page says if it needs a server of that kind.
_POSTGRES = "a PostgreSQL server that you administer"
#: Statistics are up to two seconds behind; what only asks for them is asked again, for longer on a busy machine.
_ASKS = re.compile(r"/(stats|clicks|orphans)\b|shortener (stats|clicks|orphans|tag list|link (list|show))\b")
_BEHIND_SECONDS, _AGAIN_SECONDS = 20.0, 0.2


@dataclass(frozen=True)
class Said:
    """What a step of a page said, and what is wrong with that, None if nothing."""

    step: Step
    said: str
    wrong: str | None


def follow(path: Path, folder: Path) -> str | None:
    """Follows a page in a new folder below `folder`, up to the first step that is wrong; says what is."""
    for each in said_by(path, folder):
        if each.wrong:
            return f"{path.relative_to(ROOT)}:{each.step.line}: $ {each.step.command}\n\n{each.wrong}"
    return None


def said_by(path: Path, folder: Path) -> Iterator[Said]:
    """Every step of a page, followed in a new folder below `folder`."""
    with _postgres(path) as port, Reader(Path(tempfile.mkdtemp(dir=folder)), postgres_port=port) as reader:
        for step in _needed(path):
            made = _followed(reader, step)
            assert not made.wrong, f"{step.command}\n{made.wrong}"
        for step in page.steps(path):
            yield _followed(reader, step)


@contextmanager
def _postgres(path: Path) -> Iterator[int | None]:
    """The port of a server of its own, if the page says that its reader needs one."""
    if _POSTGRES not in path.read_text():
        yield None
        return
    port = free_port()
    server = Postgres(options=["listen_addresses=127.0.0.1", f"port={port}"])
    try:
        yield port
    finally:
        server.stop()


def _needed(path: Path) -> list[Step]:
    """What the reader has done before: the steps that make an instance, if the page asks for one."""
    if _INSTANCE not in path.read_text():
        return []
    install = ROOT / "docs" / "INSTALL.md"
    first = install.read_text().partition(_SECTION)[0].count("\n")
    return [step for step in page.steps(install) if step.line > first]


def _followed(reader: Reader, step: Step) -> Said:
    deadline = time.monotonic() + _BEHIND_SECONDS
    while True:
        code, said = reader.follow(step)
        wrong = _fault(step, code, said)
        if wrong is None or time.monotonic() > deadline or not _ASKS.search(step.command) or " -X " in step.command:
            return Said(step, said, wrong)
        time.sleep(_AGAIN_SECONDS)


def _fault(step: Step, code: int, said: str) -> str | None:
    if step.shown is None:
        return f"exit code {code}:\n{said}" if code else None
    return outputs.difference(step.shown, said, step.language)
