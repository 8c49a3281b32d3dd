"""Reading of statistics: the codes of the instance by their clicks; on PostgreSQL keys that hold the counts too."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Of storage.click_tables; 12 is domain.click.Dimension.CODE, 0 the instance.
LEADERS = {"click_breakdown": "day", "click_breakdown_month": "month"}
LED = "link_id = 0 AND dimension = 12"
KEYS = {
    "click_series": "month, link_id, bucket, class",
    "click_breakdown": "day, dimension, link_id, value_id, class",
    "click_breakdown_month": "month, dimension, link_id, value_id, class",
}
#: Counts are read from the index alone where a vacuum has been since they were written. By default there is one when
#: a fifth of the table is new, which with a year of clicks is after months.
VACUUM = {"autovacuum_vacuum_insert_scale_factor": 0.02, "autovacuum_vacuum_scale_factor": 0.05}


def upgrade() -> None:
    for table, time in LEADERS.items():
        columns = [time, "dimension", "link_id", "class", "clicks", "value_id"]
        where = sa.text(LED)
        op.create_index(f"ix_{table}_leaders", table, columns, sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "postgresql":
        for table, key in KEYS.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
            op.execute(f'ALTER TABLE {table} ADD PRIMARY KEY ({key}) INCLUDE (clicks, "unique")')
            op.execute(
                f"ALTER TABLE {table} SET ({', '.join(f'{name} = {share}' for name, share in VACUUM.items())})"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, key in KEYS.items():
            op.execute(f"ALTER TABLE {table} RESET ({', '.join(VACUUM)})")
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
            op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
    for table in LEADERS:
        op.drop_index(f"ix_{table}_leaders", table)
