"""Real servers, one on each kind of database."""

from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES
from tests.postgres import Postgres
from tests.server import Server


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own for every module, on a new database that it migrates itself."""
    environment = {}
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        environment["SHORTENER_DATABASE_URL"] = postgres.url(postgres.create())
    with Server(tmp_path_factory.mktemp("server"), **environment) as running:
        yield running
