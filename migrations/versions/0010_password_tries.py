"""Passwords that were tried: each by itself, since how long somebody has to wait depends on when they were."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: SQLite numbers rows by itself only in a column of exactly this type.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE, INDEX = "password_try", "ix_password_try_link_id"


def upgrade() -> None:
    # What it held was forgotten after minutes anyway.
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("link_id", ID, nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(INDEX, TABLE, ["link_id", "at_ms"])


def downgrade() -> None:
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("link_id", ID, autoincrement=False, nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "link_id", "network"),
        sqlite_with_rowid=False,
    )
