"""Statistics: regions, cities and referring pages; days of every link; breakdowns in the order of their dimension."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Of domain.click.Dimension.
NEW_DIMENSIONS = {"region": 15, "city": 16, "referrer_url": 17}
#: Of storage.click_tables.
TOTAL = 0
COLUMNS = ("day", "dimension", "link_id", "value_id", "class", "clicks", "unique")
KEY = list(COLUMNS[:5])
OLD_KEY = ["day", "link_id", "dimension", "value_id", "class"]


def upgrade() -> None:
    for name, dimension in NEW_DIMENSIONS.items():
        op.add_column("click", sa.Column(name, sa.BigInteger(), nullable=True))
        # Clicks from before have none, so that there is nothing to fold. The days of links are folded from the first.
        op.execute(
            sa.text(
                "INSERT INTO fold_mark (dimension, click_id)"
                " SELECT :dimension, click_id FROM drain_head WHERE click_id > 0"
            ).bindparams(dimension=dimension)
        )
    _order_by(KEY)


def downgrade() -> None:
    for name in ("fold_mark", "click_breakdown", "click_breakdown_month"):
        table = sa.table(name, sa.column("dimension"))
        op.execute(sa.delete(table).where(table.c.dimension.in_((TOTAL, *NEW_DIMENSIONS.values()))))
    _order_by(OLD_KEY)
    for name in NEW_DIMENSIONS:
        op.drop_column("click", name)


def _order_by(key: list[str]) -> None:
    """Makes `key` the primary key of click_breakdown: in SQLite rows stand in its order, so it is written anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("click_breakdown_pkey", "click_breakdown")
        op.create_primary_key("click_breakdown_pkey", "click_breakdown", key)
        return
    kinds = {"day": sa.Integer, "dimension": sa.SmallInteger, "class": sa.SmallInteger}
    op.create_table(
        "click_breakdown_new",
        *(sa.Column(name, kinds.get(name, sa.BigInteger)(), autoincrement=False, nullable=False) for name in COLUMNS),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    old, new = (sa.table(name, *map(sa.column, COLUMNS)) for name in ("click_breakdown", "click_breakdown_new"))
    op.execute(sa.insert(new).from_select(COLUMNS, sa.select(*old.c).order_by(*(old.c[name] for name in key))))
    op.drop_table("click_breakdown")
    op.rename_table("click_breakdown_new", "click_breakdown")
