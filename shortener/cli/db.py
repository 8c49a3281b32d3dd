"""`shortener db`: the schema of the database. Always local."""

from typing import TYPE_CHECKING

import typer

from shortener import settings
from shortener.settings import Settings

if TYPE_CHECKING:
    from shortener.storage.engine import Database

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to this version's schema."""
    database = ready_database(settings.load())
    typer.echo(f"{database} is at revision {_revision(database)}.")
    database.close()


@app.command()
def current() -> None:
    """Show which revision the database is at, and which one this version needs. Exit code 1 if they differ."""
    from shortener.storage import schema
    from shortener.storage.engine import Database

    database = Database(settings.load().database)
    revision = _revision(database)
    database.close()
    typer.echo(f"{database} is at revision {revision or 'none'}; this version needs {schema.HEAD}.")
    raise typer.Exit(revision != schema.HEAD)


def ready_database(configured: Settings) -> "Database":
    """The database, open and migrated. Raises StartFailed if it cannot be opened."""
    from shortener import errors
    from shortener.storage import schema
    from shortener.storage.engine import Database

    database = Database(configured.database)
    try:
        if _revision(database) != schema.HEAD:
            from shortener.storage import migration  # Alembic takes half a second to import

            migration.upgrade(database)
    except errors.DatabaseUnavailable as error:
        raise errors.StartFailed(f"the database {database} cannot be opened: {_first_line(error)}") from error
    return database


def _revision(database: "Database") -> str | None:
    from shortener.storage import schema

    with database.read() as connection:
        return schema.current(connection)


def _first_line(error: Exception) -> str:
    cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
    return str(cause).strip().splitlines()[0]
