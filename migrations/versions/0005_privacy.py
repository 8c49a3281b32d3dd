"""Privacy: clicks that were erased, and up to which day raw clicks are gone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("drain_head", sa.Column("pruned_before", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "erased",
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("upto_id", sa.BigInteger(), nullable=False),
        sa.Column("domain_id", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("erased")
    op.drop_column("drain_head", "pruned_before")
