"""Shapes of API keys."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from shortener.domain.access import Scope
from shortener.web.api.schemas.fields import A_MOMENT, In, Moment, Out, one_line


class KeyCreate(In):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100), one_line] = Field(
        description="What it is for.", examples=["newsletter"]
    )
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), examples=[["links:write", "links:read"]])
    expires_at: Moment | None = Field(None, description="null: never.", examples=[A_MOMENT])


class KeyOut(Out):
    """An API key, without the key."""

    id: str = Field(examples=["5f0c2a9be1d4"])
    name: str = Field(examples=["newsletter"])
    scopes: list[Scope] = Field(examples=[["links:read", "links:write"]])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    expires_at: AwareDatetime | None = Field(examples=[A_MOMENT])
    revoked_at: AwareDatetime | None = Field(examples=[None])
    last_used_at: AwareDatetime | None = Field(description="To the minute.", examples=["2026-11-22T18:03:00Z"])


class KeyCreated(KeyOut):
    """A new key: the only time it is shown."""

    warnings: list[str] = Field(description="What its holder should know.", examples=[[]])
    key: str = Field(examples=["shk_5f0c2a9be1d4_mS0xK3vQ9bqzq7c0yF2wVn4d8e1tXrLJpAaUhGiWkoM"])
