"""Modules loaded when they are first used, and what a server does not load before somebody needs it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortener import lazy

#: What of ours a worker on SQLite begins with, and what it does not have until it is asked for.
LOADED = ("fastapi", "sqlalchemy", "uvloop", "shortener.web.edge")
NOT_LOADED = {
    "drawing": ("PIL", "segno"),
    "pages": ("jinja2",),
    "passwords": ("pwdlib", "argon2"),
    "parsers of user agents": ("ua_parser", "crawleruseragents"),
    "PostgreSQL": ("psycopg", "sqlalchemy.dialects.postgresql"),
    "migrations": ("alembic", "shortener.storage.migration"),
    "the command line": ("typer", "shortener.cli", "httpx2"),
    "coloured tracebacks": ("rich.console", "pygments"),
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that notes each time it is loaded."""
    name = "seldom_needed"
    (tmp_path / f"{name}.py").write_text("import sys\nsys.loads = getattr(sys, 'loads', 0) + 1\nANSWER = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "loads", 0, raising=False)
    yield name
    sys.modules.pop(name, None)


def loads() -> int:
    found: int = sys.loads  # type: ignore[attr-defined]  # by `made`
    return found


def test_it_is_loaded_when_something_of_it_is_asked_for(made: str) -> None:
    module = lazy.module(made)
    assert loads() == 0
    assert (module.ANSWER, loads()) == (42, 1)
    assert (module.ANSWER, loads()) == (42, 1)


def test_what_it_has_not_is_no_attribute(made: str) -> None:
    with pytest.raises(AttributeError, match="QUESTION"):
        _ = lazy.module(made).QUESTION


def test_a_module_that_is_not_there_is_missed_when_it_is_used() -> None:
    module = lazy.module("there_is_no_such_module")
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        _ = module.anything


def test_many_threads_at_once_load_it_once(made: str) -> None:
    module = lazy.module(made)
    together = threading.Barrier(8)
    found: list[int] = []

    def ask() -> None:
        together.wait()
        found.append(module.ANSWER)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 8
    assert loads() == 1


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """The modules of a process that has loaded all that a server begins with, and made its application."""
    program = (
        "import sys; import shortener.lean; from shortener import server, worker, app;"
        "from shortener.settings import Settings; app.create_app(Settings()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize("name", LOADED)
def test_a_server_begins_with(loaded: frozenset[str], name: str) -> None:
    assert name in loaded


@pytest.mark.parametrize("names", NOT_LOADED.values(), ids=NOT_LOADED)
def test_a_server_begins_without(loaded: frozenset[str], names: tuple[str, ...]) -> None:
    assert loaded.isdisjoint(names)
