"""Leaders: the codes of the instance by their clicks, of each day and month."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Of storage.click_tables; 12 is domain.click.Dimension.CODE, 0 the instance.
TABLES = {"click_breakdown": "day", "click_breakdown_month": "month"}
LED = "link_id = 0 AND dimension = 12"


def upgrade() -> None:
    for table, time in TABLES.items():
        op.create_index(
            f"ix_{table}_leaders",
            table,
            [time, "dimension", "link_id", "class", "clicks", "value_id"],
            sqlite_where=sa.text(LED),
            postgresql_where=sa.text(LED),
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_leaders", table)
