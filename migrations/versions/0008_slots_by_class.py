"""Slots of each class together: whoever asks for people reads no robots'."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = "click_series"
#: One key in two orders.
BY_SLOT = ("month", "link_id", "bucket", "class")
BY_CLASS = ("month", "link_id", "class", "bucket")


def upgrade() -> None:
    order(BY_CLASS)


def downgrade() -> None:
    order(BY_SLOT)


def order(key: tuple[str, ...]) -> None:
    """Has the rows in the order of `key`."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_pkey")
        op.execute(f'ALTER TABLE {TABLE} ADD PRIMARY KEY ({", ".join(key)}) INCLUDE (clicks, "unique")')
        return
    made = op.create_table(
        f"{TABLE}_new",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("unique", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    # As they lie, link after link, and not in the order of the new key: to sort them would take memory for all.
    old = sa.table(TABLE, *(sa.column(column.name) for column in made.columns))
    op.execute(made.insert().from_select(list(made.columns), sa.select(old)))
    op.drop_table(TABLE)
    op.rename_table(made.name, TABLE)
