"""`shortener db`: the schema of the database. Always local."""

from typing import TYPE_CHECKING

import typer

from shortener import errors, settings
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

    database, revision = _open(settings.load())
    database.close()
    typer.echo(f"{database} is at revision {revision or 'none'}; this version needs {schema.HEAD}.")
    raise typer.Exit(int(revision != schema.HEAD))


def ready_database(configured: Settings) -> "Database":
    """The database, open and migrated. Raises StartFailed if it cannot be opened."""
    from shortener.storage import schema

    database, revision = _open(configured)
    if revision != schema.HEAD:
        from shortener.storage import migration  # Alembic takes half a second to import

        try:
            migration.upgrade(database)
        except errors.StartFailed:
            database.close()
            raise
        except Exception as error:
            database.close()
            raise errors.StartFailed(f"the database {database} cannot be migrated: {_cause(error)}") from error
    return database


def _open(configured: Settings) -> "tuple[Database, str | None]":
    """The database and its revision. Raises StartFailed, whatever a driver raises: the operator reads one line."""
    from shortener.storage.engine import Database

    try:
        database = Database(configured.database)
    except OSError as error:
        raise errors.StartFailed(f"the database cannot be opened: {_cause(error)}") from error
    except Exception as error:  # not shown: it may quote a part of the password
        detail = "it is no address such as sqlite:///path or postgresql://user:password@host/name"
        raise errors.StartFailed(f"bad setting {settings.PREFIX}DATABASE_URL: {detail}") from error
    try:
        return database, _revision(database)
    except Exception as error:
        database.close()
        raise errors.StartFailed(f"the database {database} cannot be opened: {_cause(error)}") from error


def _revision(database: "Database") -> str | None:
    from shortener.storage import schema

    with database.read() as connection:
        return schema.current(connection)


def _cause(error: Exception) -> str:
    """What the driver or the system says, in one line."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror}: {cause.filename}"
    return str(cause).strip().splitlines()[0]
