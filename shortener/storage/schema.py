"""Which schema a database has, and which database it is. Reads only; migrating is in storage/migration.py,
apart, because Alembic takes longer to import than everything else takes to start.
"""

from datetime import datetime
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection, insert, select, update

from shortener.storage.tables import instance

#: The revision that this code works with: the newest file in migrations/versions.
HEAD = "0014"
_INSTANCE = 1
#: Built once: every question about all links asks it.
_created_at = select(instance.c.created_at).where(instance.c.id == _INSTANCE)


def migrations_folder() -> Path:
    """Where the migrations lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def current(connection: Connection) -> str | None:
    """The revision of this database, or None if it is empty."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()


def database_id(connection: Connection) -> bytes | None:
    """The 16 random bytes by which segments of the spool know their database, or None before the first start."""
    return connection.execute(select(instance.c.database_id).where(instance.c.id == _INSTANCE)).scalar()


def created_at(connection: Connection) -> datetime:
    """When this instance was first started."""
    moment: datetime = connection.execute(_created_at).scalar_one()
    return moment


def secret(connection: Connection) -> bytes | None:
    """The 32 random bytes that sign what this instance hands out, or None before they are made."""
    return connection.execute(select(instance.c.secret).where(instance.c.id == _INSTANCE)).scalar()


def name_database(connection: Connection, database_id: bytes, now: datetime) -> None:
    """Gives a database without one its id."""
    connection.execute(insert(instance).values(id=_INSTANCE, database_id=database_id, created_at=now))


def keep_secret(connection: Connection, made: bytes) -> None:
    """Gives a database without one its secret."""
    connection.execute(update(instance).where(instance.c.id == _INSTANCE).values(secret=made))
