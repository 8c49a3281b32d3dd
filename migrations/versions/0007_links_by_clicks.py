"""Links by their clicks, of each day and month."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Of storage.click_tables; dimension 0 is what a link has whatever the values.
TABLES = {"click_breakdown": "day", "click_breakdown_month": "month"}
OF_LINKS = "dimension = 0 AND link_id > 0"


def upgrade() -> None:
    where = sa.text(OF_LINKS)
    for table, time in TABLES.items():
        columns = [time, "dimension", "class", "clicks", "link_id"]
        op.create_index(f"ix_{table}_links", table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_links", table)
