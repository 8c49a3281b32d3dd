"""Alembic's way in. The shortener hands over its connection; `alembic` itself opens one."""

import os

from alembic import context
from sqlalchemy import Connection

from shortener.storage import signin_tables  # noqa: F401  # adds its tables
from shortener.storage.click_tables import metadata
from shortener.storage.engine import Database


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=False,
    )
    context.run_migrations()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    migrate(handed_over)
else:
    url = os.environ.get("SHORTENER_DATABASE_URL") or context.config.get_main_option("sqlalchemy.url") or ""
    database = Database(url)
    with database.write() as opened:
        migrate(opened)
    database.close()
