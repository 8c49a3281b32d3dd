"""Shapes of tags."""

from pydantic import Field

from shortener.web.api.schemas.fields import In, Out


class _Colored(In):
    color: str | None = Field(None, description="`#rrggbb`; null for none.", examples=["#ff8800"])


class TagCreate(_Colored):
    """A tag to be made."""

    name: str = Field(
        description="1 to 64 characters without commas; stored in lower case.", examples=["autumn sale"]
    )


class TagPatch(_Colored):
    """Fields of a tag to be changed; those left out stay as they are."""

    name: str = Field("", description="Its new name, on all its links.", examples=["winter sale"])


class TagMerge(In):
    """Which tag the links get instead."""

    into: str = Field(examples=["sale"])


class TagOut(Out):
    """A tag."""

    name: str = Field(examples=["autumn sale"])
    color: str | None = Field(examples=["#ff8800"])
    links: int = Field(description="How many carry it.", examples=[12])
    clicks: int = Field(description="By people, on these links since they were made.", examples=[1234])
    unique: int = Field(description="Those that were a visitor's first of the day on their link.", examples=[987])
