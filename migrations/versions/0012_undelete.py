"""Deleted links by date, and the domain that each was on, so that it can be brought back."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEX, DELETED = "ix_link_deleted_at", "deleted_at IS NOT NULL AND alias_of IS NULL"
#: A domain that was removed has left its tombstones to the default one; the change that deleted each names it.
DOMAIN_BEFORE = """
    UPDATE link SET former_domain = (
        SELECT NULLIF(change.domain, '') FROM change
        WHERE change.link_id = link.id AND change.kind = 'link-deleted'
        ORDER BY change.seq DESC LIMIT 1
    )
    WHERE deleted_at IS NOT NULL AND alias_of IS NULL AND domain = ''
"""


def upgrade() -> None:
    op.add_column("link", sa.Column("former_domain", sa.Text(), nullable=True))
    where = sa.text(DELETED)
    op.create_index(INDEX, "link", ["deleted_at", "id"], sqlite_where=where, postgresql_where=where)
    op.execute(DOMAIN_BEFORE)


def downgrade() -> None:
    op.drop_index(INDEX, "link")
    op.drop_column("link", "former_domain")
