"""Links, tags, domains, keys, changes."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sqlmodel.UTCDateTime()
LIVING = {"sqlite_where": sa.text("deleted_at IS NULL"), "postgresql_where": sa.text("deleted_at IS NULL")}


def upgrade() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("database_id", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "domain",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("alias_of", ID, nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("target_hash", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("valid_from", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("max_clicks", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("expired_target", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("forward_query", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("forward_path", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("track", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("rules", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("(alias_of IS NULL) <> (target IS NULL)", name="ck_link_target_or_alias"),
        sa.CheckConstraint("status IN (301, 302, 307, 308)", name="ck_link_status"),
        sa.ForeignKeyConstraint(["alias_of"], ["link.id"]),
        sa.ForeignKeyConstraint(["domain"], ["domain.name"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_link_alias_of", "link", ["alias_of"])
    op.create_index("ix_link_created_at", "link", ["created_at", "id"])
    op.create_index("ix_link_living_code", "link", ["domain", "code"], unique=True, **LIVING)
    op.create_index("ix_link_living_external_id", "link", ["external_id"], unique=True, **LIVING)
    op.create_index("ix_link_target_hash", "link", ["target_hash"])
    op.create_table(
        "tag",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link_tag",
        sa.Column("link_id", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"]),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"]),
        sa.PrimaryKeyConstraint("link_id", "tag_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_tag_tag_id", "link_tag", ["tag_id", "link_id"])
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "change_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "change",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("link_id", ID, nullable=True),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_change_code", "change", ["domain", "code", "seq"])
    op.create_index("ix_change_link_id", "change", ["link_id", "seq"])
    op.execute("INSERT INTO domain (name, created_at) VALUES ('', CURRENT_TIMESTAMP)")
    op.execute("INSERT INTO change_head (id, seq) VALUES (1, 0)")


def downgrade() -> None:
    for table in ("change", "change_head", "api_key", "link_tag", "tag", "link", "domain", "instance"):
        op.drop_table(table)
