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
from tests.docs.reader import Reader
from tests.ports import free_port
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
class Result:
    """The output of a step, and how it differs from the page, None if it does not."""

    step: Step
    output: str
    fault: str | None


def follow(path: Path, folder: Path) -> str | None:
    """Follows a page in a new folder below `folder`, up to the first step whose output differs; says how."""
    for each in results(path, folder):
        if each.fault:
            return f"{path.relative_to(ROOT)}:{each.step.line}: $ {each.step.command}\n\n{each.fault}"
    return None


def results(path: Path, folder: Path) -> Iterator[Result]:
    """Follows a page in a new folder below `folder`; the result of each step."""
    with _postgres(path) as port, Reader(Path(tempfile.mkdtemp(dir=folder)), postgres_port=port) as reader:
        for step in _steps_before(path):
            result = _follow_step(reader, step)
            assert not result.fault, f"{step.command}\n{result.fault}"
        for step in page.steps(path):
            yield _follow_step(reader, step)


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


def _steps_before(path: Path) -> list[Step]:
    """The steps that make an instance, if the page asks for one."""
    if _INSTANCE not in path.read_text():
        return []
    install = ROOT / "docs" / "INSTALL.md"
    first = install.read_text().partition(_SECTION)[0].count("\n")
    return [step for step in page.steps(install) if step.line > first]


def _follow_step(reader: Reader, step: Step) -> Result:
    deadline = time.monotonic() + _BEHIND_SECONDS
    while True:
        code, output = reader.follow(step)
        fault = _fault(step, code, output)
        if fault is None or time.monotonic() > deadline or not _ASKS.search(step.command) or " -X " in step.command:
            return Result(step, output, fault)
        time.sleep(_AGAIN_SECONDS)


def _fault(step: Step, code: int, output: str) -> str | None:
    if step.expected is None:
        return f"exit code {code}:\n{output}" if code else None
    return outputs.difference(step.expected, output, step.language)
