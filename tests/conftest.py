"""What tests of all kinds share: databases of both kinds, an application on one, and real people's browsers."""

import gc
import json
import os
import shutil
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.storage import migration
from shortener.storage.engine import Database
from tests import certificates, compiled, memory
from tests.client import Client
from tests.postgres import Postgres
from tests.sizes import beyond, size

ADMIN_KEY = "test-admin-key-0123456789"
AUTHORIZED = {"authorization": f"Bearer {ADMIN_KEY}"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
DATA = Path(__file__).parent / "data"
ENGINES = ("sqlite", "postgresql")
#: The folders whose tests run apart from the others, and the mark that says so (pyproject.toml has what it means).
_MARK_OF_FOLDER = {
    "acceptance": "process",
    "bench": "system",
    "browser": "system",
    "proxies": "system",
}

#: Marks of tests that coverage is not measured of, the longest first (pyproject.toml has what they mean).
_UNMEASURED = ("nightly", "process", "repeated", "unmeasured")
#: Rows of a table of cases that are repeated on PostgreSQL or over a server, and rows that coverage is measured of:
#: the others send other values down the same lines. At night all are repeated. Tests of single functions (tests/unit)
#: are quick: all their rows are measured.
_REPEATED_ROWS, _MEASURED_ROWS = 2, 8
#: By which coverage reaches processes that a test starts (coverage's `patch = subprocess`).
_COVERAGE_OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"

# Where `tmp_path` is.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory.folder()))
# What the developer's own environment says must not reach the tests.
for name in [name for name in os.environ if name.startswith("SHORTENER_")]:
    del os.environ[name]


compiled.share()
certificates.share()

# Imports and the thousands of collected tests stay to the end. Looking through them for garbage, again and again,
# took a fifth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Collects garbage from here on, of what the tests leave: seven times less often than Python does by itself."""
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks a test by its folder and by its variant."""
    if mark := _MARK_OF_FOLDER.get(_folder(item)):
        item.add_marker(mark)
    variant = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if any(each in ("postgresql", "remote") for each in variant if isinstance(each, str)):
        item.add_marker("repeated")


@pytest.hookimpl(trylast=True)  # when they are in their random order
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes few rows of what is repeated, and puts long tests first: at the end, one would run alone."""
    repeated: list[pytest.Item] = []
    once: list[pytest.Item] = []
    for item in items:
        (repeated if item.get_closest_marker("repeated") else once).append(item)
    for item in beyond(_MEASURED_ROWS, (item for item in once if _folder(item) != "unit")):
        item.add_marker("unmeasured")
    left_out = set(beyond(size(_REPEATED_ROWS, sys.maxsize), repeated))
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = sorted((item for item in items if item not in left_out), key=_place)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def _place(item: pytest.Item) -> int:
    """The place of the first of `_UNMEASURED` that a test is marked with."""
    return next((place for place, mark in enumerate(_UNMEASURED) if item.get_closest_marker(mark)), len(_UNMEASURED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measures coverage of the tests for which that says something: it takes two thirds more CPU."""
    with nullcontext() if _place(item) == len(_UNMEASURED) else _unmeasured():
        return (yield)


@contextmanager
def _unmeasured() -> Iterator[None]:
    tracers, of_children = (sys.gettrace(), threading.gettrace()), os.environ.pop(_COVERAGE_OF_CHILDREN, None)
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])
        if of_children is not None:
            os.environ[_COVERAGE_OF_CHILDREN] = of_children


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """A migrated database that others are copied from."""
    name = postgres.create()
    _migrate(postgres.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    database = Database(url)
    migration.upgrade(database)
    database.close()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Runs a test once per kind of database."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a new migrated database."""
    if engine == "sqlite":
        path = tmp_path / "shortener.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _common_settings() -> Settings:
    return Settings(_env_file=None, admin_key=ADMIN_KEY, base_url="https://go.example")


@pytest.fixture
def settings(_common_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    return _common_settings.model_copy(update={"data_dir": tmp_path, "database_url": database_url})


@pytest.fixture
def draining() -> bool:
    """Whether applications drain their clicks themselves. Most tests drain when they look at what was counted
    (tests/web/waiting), which takes a quarter less CPU.
    """
    return False


@pytest.fixture
def app(settings: Settings, draining: bool) -> FastAPI:
    return create_app(settings, draining=draining)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A browser with an administrator's key that follows no redirects, on a running application."""
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(app, follow_redirects=False, headers=headers, base_url="https://go.example") as opened:
        yield opened


@pytest.fixture(scope="session")
def agents() -> list[dict[str, str]]:
    """User agents with the `class` and the `device` that each must get."""
    return [json.loads(line) for line in (DATA / "agents.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def browsers() -> list[dict[str, str]]:
    """Real browsers: `user_agent`, `weight`, `device`."""
    return [json.loads(line) for line in (DATA / "user-agents.jsonl").read_text().splitlines()]
