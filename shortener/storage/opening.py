"""Opening a database for a program: with the schema it needs, or with one line for the operator that says why not."""

from typing import TYPE_CHECKING

from shortener import errors, lazy, settings
from shortener.storage import schema
from shortener.storage.engine import Database

if TYPE_CHECKING:
    from shortener.storage import migration
else:
    # Alembic takes half a second to import.
    migration = lazy.module("shortener.storage.migration")

#: What PgBouncer says of a start with options that it cannot pass on.
_POOLER = "unsupported startup parameter"


def ready(url: str, *, pooled: bool = False) -> Database:
    """The database at `url`, open and migrated; the caller closes it. Raises StartFailed."""
    database = opened(url, pooled=pooled)
    try:
        if revision(database) != schema.HEAD:
            migration.upgrade(database)
    except errors.StartFailed:
        database.close()
        raise
    except Exception as error:
        database.close()
        raise errors.StartFailed(f"the database {database} cannot be migrated: {_cause(error)}") from error
    return database


def opened(url: str, *, pooled: bool = False) -> Database:
    """The database at `url`, which answers; the caller closes it. Raises StartFailed, whatever a driver raises."""
    try:
        database = Database(url, pooled=pooled)
    except OSError as error:
        raise errors.StartFailed(f"the database cannot be opened: {_cause(error)}") from error
    except Exception as error:  # not shown: it may quote a part of the password
        detail = "it is no address such as sqlite:///path or postgresql://user:password@host/name"
        raise errors.StartFailed(f"bad setting {settings.PREFIX}DATABASE_URL: {detail}") from error
    try:
        revision(database)
    except Exception as error:
        database.close()
        cause = f"{_cause(error)}{_advice(error)}"
        raise errors.StartFailed(f"the database {database} cannot be opened: {cause}") from error
    return database


def revision(database: Database) -> str | None:
    """The revision that a database is at; None if it is empty."""
    with database.read() as connection:
        return schema.current(connection)


def _advice(error: Exception) -> str:
    """Advice for the operator where a pooler refuses the connection; empty for other errors."""
    if _POOLER not in str(getattr(error.__cause__, "orig", None) or error).lower():
        return ""
    return f". This is a connection pooler: set {settings.PREFIX}DATABASE_POOLER=transaction"


def _cause(error: Exception) -> str:
    """What the driver or the system says, in one line."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror}: {cause.filename}"
    return str(cause).strip().splitlines()[0]
