"""PostgreSQL behind PgBouncer in transaction mode, and the options that a URL gives it without one."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy

from shortener import errors
from shortener.storage import opening
from shortener.storage.engine import Database
from shortener.storage.statements import Statements
from tests.pgbouncer import PgBouncer
from tests.postgres import Postgres

THEIRS = "?options=-c%20search_path%3Dpublic%2Cx%20-c%20lock_timeout%3D1234"
#: What every transaction must run under, with and without a pooler.
EXPECTED = {
    "statement_timeout": "5s",
    "jit": "off",
    "random_page_cost": "1.1",
    "work_mem": "32MB",
    "timezone": "UTC",
    "search_path": "public,x",
    "lock_timeout": "1234ms",
}


@pytest.fixture(scope="module")
def pooler(postgres: Postgres) -> Iterator[PgBouncer]:
    with PgBouncer(postgres) as running:
        yield running


@pytest.fixture
def name(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    name = postgres.create(postgres_template)
    yield name
    postgres.drop(name)


def under(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {
            setting: connection.exec_driver_sql(f"SHOW {setting}").scalar_one().replace(", ", ",")
            for setting in EXPECTED
        }


def test_options_of_the_url_are_sent_with_ours(postgres: Postgres, name: str) -> None:
    database = Database(postgres.url(name).replace("?", THEIRS + "&"))
    assert under(database) == EXPECTED
    database.close()


@pytest.mark.system
def test_a_pooled_transaction_has_our_settings_and_theirs(pooler: PgBouncer, name: str) -> None:
    database = Database(pooler.url(name) + THEIRS, pooled=True)
    assert under(database) == EXPECTED
    database.close()


@pytest.mark.system
def test_settings_do_not_reach_other_clients_of_the_pooler(pooler: PgBouncer, name: str) -> None:
    database = Database(pooler.url(name), pooled=True)
    under(database)
    other = sqlalchemy.create_engine(pooler.url(name).replace("postgresql", "postgresql+psycopg"))
    with other.connect() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar_one() == "on"
    other.dispose()
    database.close()


@pytest.mark.system
def test_many_transactions_share_few_connections(pooler: PgBouncer, name: str) -> None:
    """More threads than the pooler has connections, each saying the same statement often enough to be prepared."""
    database = Database(pooler.url(name), pooled=True)
    statements = Statements(database)
    add = sqlalchemy.text("UPDATE change_head SET seq = seq + :one")
    look = sqlalchemy.text("SELECT seq FROM change_head WHERE seq >= :least")
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(15):
                with database.write() as connection:
                    connection.execute(add, {"one": 1})
                with statements.connection() as connection:
                    connection.execute(look, {"least": 0}).scalar_one()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as connection:
        assert connection.execute(look, {"least": 0}).scalar_one() == 120
    database.close()


@pytest.mark.system
def test_a_start_that_a_pooler_refuses_names_the_setting(pooler: PgBouncer, name: str) -> None:
    with pytest.raises(errors.StartFailed, match="set SHORTENER_DATABASE_POOLER=transaction") as failure:
        opening.opened(pooler.url(name))
    assert "postgresql://postgres:***@" in failure.value.detail


@pytest.mark.system
def test_an_empty_database_is_migrated_through_a_pooler(pooler: PgBouncer, postgres: Postgres) -> None:
    name = postgres.create()
    database = opening.ready(pooler.url(name), pooled=True)
    assert opening.revision(database) is not None
    database.close()
    postgres.drop(name)
