"""How large a database is on the disk."""

from sqlalchemy import text

from shortener.storage.engine import Database


def database_bytes(url: str) -> int:
    """Bytes of all tables and indexes of the database at `url`, with what is free in them; no logs, and of a SQLite
    file no pages that belong to none.
    """
    database = Database(url)
    try:
        with database.read() as connection:
            if not database.is_sqlite:
                return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
            pages, free, size = (int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in _PRAGMAS)
            return (pages - free) * size
    finally:
        database.close()


_PRAGMAS = ("page_count", "freelist_count", "page_size")
