"""Real servers, one on each kind of database, and one on PostgreSQL behind a pooler."""

from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES
from tests.pgbouncer import PgBouncer
from tests.postgres import Postgres
from tests.server import Server

POOLED = "pgbouncer"


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode."""
    with PgBouncer(postgres) as running:
        yield running


@pytest.fixture(scope="module", params=[*ENGINES, pytest.param(POOLED, marks=pytest.mark.system)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own for every module, on a new database that it migrates itself."""
    environment = {}
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        environment["SHORTENER_DATABASE_URL"] = postgres.url(postgres.create())
    elif request.param == POOLED:
        pooler: PgBouncer = request.getfixturevalue("pgbouncer")
        postgres = request.getfixturevalue("postgres")
        environment["SHORTENER_DATABASE_URL"] = pooler.url(postgres.create())
        environment["SHORTENER_DATABASE_POOLER"] = "transaction"
    with Server(tmp_path_factory.mktemp("server"), **environment) as running:
        yield running
