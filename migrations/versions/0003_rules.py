"""Links that do more: domains with answers of their own, colours, scheduled changes, idempotency, variants."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sqlmodel.UTCDateTime()
ADDED = (
    ("domain", "home_target", sa.Text),
    ("domain", "not_found_target", sa.Text),
    ("domain", "expired_target", sa.Text),
    ("domain", "status", sa.SmallInteger),
    ("tag", "color", sa.Text),
    ("change", "version", sa.Integer),
    ("instance", "secret", sa.LargeBinary),
    ("click", "variant", sa.BigInteger),
    ("click", "trigger", sa.BigInteger),
)


#: Of domain.click.Dimension: variant and trigger.
NEW_DIMENSIONS = (13, 14)


def upgrade() -> None:
    for table, name, kind in ADDED:
        op.add_column(table, sa.Column(name, kind(), nullable=True))
    # Clicks from before have neither, so that there is nothing to fold.
    for dimension in NEW_DIMENSIONS:
        op.execute(
            sa.text(
                "INSERT INTO fold_mark (dimension, click_id)"
                " SELECT :dimension, click_id FROM drain_head WHERE click_id > 0"
            ).bindparams(dimension=dimension)
        )
    op.create_table(
        "scheduled_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("link_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("edits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"]),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_scheduled_change_at", "scheduled_change", ["at"])
    op.create_index("ix_scheduled_change_link_id", "scheduled_change", ["link_id"])
    op.create_table(
        "idempotent_answer",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotent_answer_created_at", "idempotent_answer", ["created_at"])
    op.create_table(
        "password_try",
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("link_id", ID, autoincrement=False, nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "link_id", "network"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("password_try", "idempotent_answer", "scheduled_change"):
        op.drop_table(name)
    for name in ("fold_mark", "click_breakdown", "click_breakdown_month"):
        table = sa.table(name, sa.column("dimension"))
        op.execute(sa.delete(table).where(table.c.dimension.in_(NEW_DIMENSIONS)))
    for owner, name, _ in reversed(ADDED):
        op.drop_column(owner, name)
