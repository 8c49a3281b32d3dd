"""Bringing a database to a revision, by Alembic. Imported only when there is something to migrate."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import alembic.command
import sqlalchemy
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from shortener import errors
from shortener.storage import schema
from shortener.storage.engine import Database

#: Any number, the same for every node: only one migrates a PostgreSQL at a time.
_ADVISORY_LOCK = 0x73686F7274


def upgrade(database: Database, revision: str = schema.HEAD) -> None:
    """Brings `database` up to `revision` in one transaction, and gives it an id and a secret if it has none yet.

    Raises StartFailed if the database has a revision that this version does not know.
    """
    with database.write() as connection:
        _alone(connection)
        if schema.current(connection) != revision:
            _run(connection, revision, alembic.command.upgrade)
        if schema.database_id(connection) is None:
            schema.name_database(connection, secrets.token_bytes(16), datetime.now(UTC))
        if revision == schema.HEAD and schema.secret(connection) is None:
            schema.keep_secret(connection, secrets.token_bytes(32))


def downgrade(database: Database, revision: str) -> None:
    """Takes `database` back to `revision` (`base`: empty). What the younger tables held is lost."""
    with database.write() as connection:
        _alone(connection)
        _run(connection, revision, alembic.command.downgrade)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration with our migrations, working on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _run(connection: Connection, revision: str, command: Callable[[Config, str], None]) -> None:
    try:
        command(configuration(connection), revision)
    except CommandError as error:
        raise errors.StartFailed(
            f"The database is at revision {schema.current(connection)}, which this version "
            f"(revision {schema.HEAD}) does not know; it was probably made by a newer one."
        ) from error
