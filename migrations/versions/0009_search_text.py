"""The text by which a link is found, folded alike for both engines."""

import sqlalchemy as sa
from alembic import op

from shortener.domain import search

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: Links that are read and written together.
TOGETHER = 1000

link = sa.table("link", *(sa.column(name) for name in ("id", "code", "target", "title", "notes", "search_text")))


def upgrade() -> None:
    op.add_column("link", sa.Column("search_text", sa.Text(), nullable=True))
    connection, last = op.get_bind(), 0
    listed = sa.select(link.c.id, link.c.code, link.c.target, link.c.title, link.c.notes).order_by(link.c.id)
    listed = listed.where(link.c.target.is_not(None)).limit(TOGETHER)
    filled = sa.update(link).where(link.c.id == sa.bindparam("link_id")).values(search_text=sa.bindparam("found_by"))
    while rows := connection.execute(listed.where(link.c.id > last)).all():
        connection.execute(filled, [{"link_id": row.id, "found_by": _searchable(row)} for row in rows])
        last = rows[-1].id


def downgrade() -> None:
    op.drop_column("link", "search_text")


def _searchable(row: sa.Row) -> str:
    return search.searchable(code=row.code, target=row.target, title=row.title, notes=row.notes)
