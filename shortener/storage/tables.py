"""Tables of the link side: links, tags, domains, keys, changes, requests. The click side is in click_tables.

Times are UTC datetimes. This module must not use postponed annotations: SQLModel reads them at run time.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

#: SQLite numbers rows by itself only in a column of exactly this type; AUTOINCREMENT never reissues an id.
ID = BigInteger().with_variant(Integer, "sqlite")
AUTOINCREMENT: dict[str, Any] = {"sqlite_autoincrement": True}
#: One B-tree by primary key, without a row number beside it.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
#: The condition of an index on either engine. It is given as SQLite's only, since migrations make the indexes, and
#: SQLAlchemy loads PostgreSQL's dialect where it is named.
_LIVING = text("deleted_at IS NULL")
_LISTED = text("deleted_at IS NULL AND alias_of IS NULL")
_OWNED = text("deleted_at IS NULL AND owner IS NOT NULL")
_DELETED = text("deleted_at IS NOT NULL AND alias_of IS NULL")


def _identity() -> Any:
    return Field(default=None, sa_column=Column(ID, primary_key=True, autoincrement=True))


def _text(*, nullable: bool = False, **options: Any) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable, **options))


class DomainRow(SQLModel, table=True):
    """A host that links answer on. The empty name is every host that has no row of its own."""

    __tablename__ = "domain"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = _identity()
    name: str = _text(unique=True)
    created_at: datetime
    #: What its links and pages say where they say nothing themselves; NULL: what the instance says.
    home_target: str | None = _text(nullable=True)
    not_found_target: str | None = _text(nullable=True)
    expired_target: str | None = _text(nullable=True)
    status: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))


class LinkRow(SQLModel, table=True):
    """A link, an alias of one, or the tombstone of a deleted one (`deleted_at` set: the code is free again)."""

    __tablename__ = "link"
    __table_args__ = (
        Index(
            "ix_link_living_code",
            "domain",
            "code",
            unique=True,
            sqlite_where=_LIVING,
        ),
        Index(
            "ix_link_living_external_id",
            "external_id",
            unique=True,
            sqlite_where=_LIVING,
        ),
        Index("ix_link_target_hash", "target_hash"),
        Index("ix_link_created_at", "created_at", "id"),
        Index("ix_link_alias_of", "alias_of"),
        Index("ix_link_deleted_at", "deleted_at", "id", sqlite_where=_DELETED),
        Index("ix_link_title_key", "title_key", "id", sqlite_where=_LISTED),
        Index("ix_link_target_host", "target_host", "id", sqlite_where=_LISTED),
        Index("ix_link_owner", "owner", "id", sqlite_where=_OWNED),
        CheckConstraint("(alias_of IS NULL) <> (target IS NULL)", name="ck_link_target_or_alias"),
        CheckConstraint("status IN (301, 302, 307, 308)", name="ck_link_status"),
        AUTOINCREMENT,
    )

    id: int | None = _identity()
    #: Random 32 bits that a click carries, so that it is never credited to another link with a reissued id.
    nonce: int = Field(sa_column=Column(BigInteger, nullable=False))
    domain: str = Field(sa_column=Column(Text, ForeignKey("domain.name"), nullable=False, server_default=""))
    code: str = _text()
    alias_of: int | None = Field(default=None, sa_column=Column(ID, ForeignKey("link.id"), nullable=True))
    #: In the stored form of domain.target; NULL in an alias.
    target: str | None = _text(nullable=True)
    target_hash: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    title: str | None = _text(nullable=True)
    notes: str | None = _text(nullable=True)
    status: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))
    enabled: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    max_clicks: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    #: Clicks granted of `max_clicks`.
    used: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    #: Whether programs may take clicks of `max_clicks`.
    admit_programs: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    expired_target: str | None = _text(nullable=True)
    password_hash: str | None = _text(nullable=True)
    forward_query: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    forward_path: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    track: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    #: JSON.
    rules: str | None = _text(nullable=True)
    external_id: str | None = _text(nullable=True)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default=text("1")))
    #: As domain.search makes it; NULL in an alias.
    search_text: str | None = _text(nullable=True)
    #: What a list is sorted by, as domain.listing makes it, by code points; NULL in an alias.
    title_key: str | None = Field(
        default=None, sa_column=Column(Text().with_variant(Text(collation="C"), "postgresql"))
    )
    #: Host of the target; NULL in an alias, and where the target has none.
    target_host: str | None = _text(nullable=True)
    #: Id of the API key that created it; NULL if none did.
    owner: str | None = _text(nullable=True)
    #: The domain that a tombstone was on, if that has been removed since; NULL: `domain`.
    former_domain: str | None = _text(nullable=True)


class TagRow(SQLModel, table=True):
    """A tag, in normal form."""

    __tablename__ = "tag"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = _identity()
    name: str = _text(unique=True)
    #: `#rrggbb`.
    color: str | None = _text(nullable=True)


class LinkTagRow(SQLModel, table=True):
    """Which link carries which tag."""

    __tablename__ = "link_tag"
    __table_args__ = (Index("ix_link_tag_tag_id", "tag_id", "link_id"), CLUSTERED)

    link_id: int = Field(sa_column=Column(ID, ForeignKey("link.id"), primary_key=True))
    tag_id: int = Field(sa_column=Column(ID, ForeignKey("tag.id"), primary_key=True))


class ApiKeyRow(SQLModel, table=True):
    """An API key, without the key."""

    __tablename__ = "api_key"

    #: The public part of the key.
    id: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = _text()
    #: SHA-256 of the key.
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: Space-separated.
    scopes: str = _text()
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class ChangeRow(SQLModel, table=True):
    """What happened to a link or key: history for people, invalidation feed for caches."""

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_code", "domain", "code", "seq"),
        Index("ix_change_link_id", "link_id", "seq"),
    )

    #: Taken from change_head, so that commit order is seq order.
    seq: int = Field(sa_column=Column(ID, primary_key=True, autoincrement=False))
    at: datetime
    actor: str = _text()
    kind: str = _text()
    domain: str = _text()
    #: Short code, or a key's public id.
    code: str = _text()
    link_id: int | None = Field(default=None, sa_column=Column(ID, nullable=True))
    #: JSON: field → [before, after].
    diff: str = _text()
    #: Of the link, after the change.
    version: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))


class ScheduledChangeRow(SQLModel, table=True):
    """An edit of a link that is to happen at a moment. Gone when it has happened."""

    __tablename__ = "scheduled_change"
    __table_args__ = (
        Index("ix_scheduled_change_at", "at"),
        Index("ix_scheduled_change_link_id", "link_id"),
        AUTOINCREMENT,
    )

    id: int | None = _identity()
    link_id: int = Field(sa_column=Column(ID, ForeignKey("link.id"), nullable=False))
    at: datetime
    actor: str = _text()
    created_at: datetime
    #: JSON: field → value.
    edits: str = _text()


class IdempotentAnswerRow(SQLModel, table=True):
    """What a POST with an Idempotency-Key was answered."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (Index("ix_idempotent_answer_created_at", "created_at"), CLUSTERED)

    #: SHA-256 of who asked and the key.
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    #: SHA-256 of path, query and body.
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(SmallInteger, nullable=False))
    location: str | None = _text(nullable=True)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime


class PasswordTryRow(SQLModel, table=True):
    """A wrong password that was tried on a link, or one that is being checked. Gone after a day.

    Of link 0, which there is not: a wrong key at the sign-in page.
    """

    __tablename__ = "password_try"
    __table_args__ = (Index("ix_password_try_link_id", "link_id", "at_ms"), AUTOINCREMENT)

    id: int | None = _identity()
    link_id: int = Field(sa_column=Column(ID, nullable=False))
    #: /24 or /48.
    network: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    #: Whether it is still being checked; if it is the right one, the row goes.
    is_open: bool = Field(sa_column=Column(Boolean, nullable=False))


class ChangeHeadRow(SQLModel, table=True):
    """One row: the last seq given out. Locked by every writer of changes."""

    __tablename__ = "change_head"

    id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))


class InstanceRow(SQLModel, table=True):
    """One row: which database this is. Segments of the spool name it, so that none is drained into another."""

    __tablename__ = "instance"

    id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    #: 128 random bits.
    database_id: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: 256 random bits: signs cookies and forms, and keeps a visitor on one side of a split. Never changes.
    secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    created_at: datetime


metadata = SQLModel.metadata

link: Table = metadata.tables["link"]
domain: Table = metadata.tables["domain"]
tag: Table = metadata.tables["tag"]
link_tag: Table = metadata.tables["link_tag"]
api_key: Table = metadata.tables["api_key"]
change: Table = metadata.tables["change"]
scheduled_change: Table = metadata.tables["scheduled_change"]
idempotent_answer: Table = metadata.tables["idempotent_answer"]
password_try: Table = metadata.tables["password_try"]
change_head: Table = metadata.tables["change_head"]
instance: Table = metadata.tables["instance"]
