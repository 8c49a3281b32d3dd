"""Tables of signing in: sessions of browsers, and sign-in links.

Times are UTC datetimes. This module must not use postponed annotations: SQLModel reads them at run time.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel

from shortener.storage.tables import CLUSTERED, metadata


class SessionRow(SQLModel, table=True):
    """A browser that is signed in. Gone when it has signed out, or soon after the session has ended."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_expires_at", "expires_at"),
        CheckConstraint("(key_id IS NULL) <> (preset_proof IS NULL)", name="ck_session_key_or_preset"),
        CLUSTERED,
    )

    #: SHA-256 of its id.
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    #: The key that it was signed in with; NULL: the preset key.
    key_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("api_key.id"), nullable=True))
    #: What binds it to the preset key (domain.session.preset_proof).
    preset_proof: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    created_at: datetime
    #: Moved on by use.
    expires_at: datetime


class SigninLinkRow(SQLModel, table=True):
    """A sign-in link that has not been used. Gone when it is, or soon after it has expired."""

    __tablename__ = "signin_link"
    __table_args__ = (Index("ix_signin_link_expires_at", "expires_at"), CLUSTERED)

    #: SHA-256 of its token.
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime


session: Table = metadata.tables["session"]
signin_link: Table = metadata.tables["signin_link"]
