"""Clicks, what is summed up from them, and the marks that make it exact."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "click",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("domain_id", sa.BigInteger(), nullable=False),
        sa.Column("class", sa.SmallInteger(), nullable=False),
        sa.Column("first", sa.SmallInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("referrer", sa.BigInteger(), nullable=True),
        sa.Column("browser", sa.BigInteger(), nullable=True),
        sa.Column("os", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("country", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.BigInteger(), nullable=True),
        sa.Column("utm_source", sa.BigInteger(), nullable=True),
        sa.Column("utm_medium", sa.BigInteger(), nullable=True),
        sa.Column("utm_campaign", sa.BigInteger(), nullable=True),
        sa.Column("utm_term", sa.BigInteger(), nullable=True),
        sa.Column("utm_content", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_click_day", "click", ["day", "link_id", "id"])
    op.create_table(
        "click_series",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("unique", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "link_id", "bucket", "class"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "click_breakdown",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("unique", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "link_id", "dimension", "value_id", "class"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "click_breakdown_month",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("unique", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "dimension", "link_id", "value_id", "class"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_total",
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("unique", sa.BigInteger(), nullable=False),
        sa.Column("last_clicked_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "class"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "label",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("text"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fold_mark",
        sa.Column("dimension", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("click_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dimension"),
    )
    op.create_table(
        "drain_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("click_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "spool_mark",
        sa.Column("segment_id", sa.LargeBinary(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("segment_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "click_inbox",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "visitor_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", "link_id", "class", "hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "salt",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.execute("INSERT INTO drain_head (id, click_id) VALUES (1, 0)")


def downgrade() -> None:
    for table in (
        "salt",
        "visitor_day",
        "click_inbox",
        "spool_mark",
        "drain_head",
        "fold_mark",
        "label",
        "link_total",
        "click_breakdown_month",
        "click_breakdown",
        "click_series",
        "click",
    ):
        op.drop_table(table)
