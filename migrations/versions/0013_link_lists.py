"""Columns by which lists of links are filtered and sorted: title, host of the target, owner."""

import sqlalchemy as sa
from alembic import op

from shortener.domain import listing, target

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: Links that are read and written together.
TOGETHER = 1000
LISTED = "deleted_at IS NULL AND alias_of IS NULL"
#: By name: the column, and the links in the index.
INDEXES = {
    "ix_link_title_key": ("title_key", LISTED),
    "ix_link_target_host": ("target_host", LISTED),
    "ix_link_owner": ("owner", "deleted_at IS NULL AND owner IS NOT NULL"),
}
#: A link is created by one change, which names the key as `key ID`. Anybody else has no id.
OWNERS = """
    UPDATE link SET owner = (
        SELECT substr(change.actor, 5) FROM change
        WHERE change.link_id = link.id AND change.kind = 'link-created' AND change.actor LIKE 'key %'
        ORDER BY change.seq LIMIT 1
    )
    WHERE alias_of IS NULL
"""

link = sa.table("link", *(sa.column(name) for name in ("id", "target", "title", "title_key", "target_host")))


def upgrade() -> None:
    code_points = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("link", sa.Column("title_key", code_points, nullable=True))
    op.add_column("link", sa.Column("target_host", sa.Text(), nullable=True))
    op.add_column("link", sa.Column("owner", sa.Text(), nullable=True))
    op.execute(OWNERS)
    fill()
    for name, (column, condition) in INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "link", [column, "id"], sqlite_where=where, postgresql_where=where)


def fill() -> None:
    connection, last = op.get_bind(), 0
    read = sa.select(link.c.id, link.c.target, link.c.title).where(link.c.target.is_not(None)).order_by(link.c.id)
    filled = sa.update(link).where(link.c.id == sa.bindparam("link_id"))
    filled = filled.values(title_key=sa.bindparam("sorted_by"), target_host=sa.bindparam("host"))
    while rows := connection.execute(read.where(link.c.id > last).limit(TOGETHER)).all():
        connection.execute(filled, [_row(row) for row in rows])
        last = rows[-1].id


def _row(row: sa.Row) -> dict[str, object]:
    return {"link_id": row.id, "sorted_by": listing.title_key(row.title), "host": target.host_in(row.target)}


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "link")
    for column in ("owner", "target_host", "title_key"):
        op.drop_column("link", column)
