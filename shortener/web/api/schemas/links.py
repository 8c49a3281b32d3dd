"""Shapes of links."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StrictBool

from shortener.domain import link as links
from shortener.web.api.schemas.fields import A_MOMENT, In, Moment, Out, one_line, some_lines


class _LinkFields(In):
    title: Annotated[str, Field(max_length=links.MAX_TITLE_LENGTH), one_line] | None = Field(
        None, description="A name for people.", examples=["Autumn sale"]
    )
    notes: Annotated[str, Field(max_length=links.MAX_NOTES_LENGTH), some_lines] | None = Field(
        None, description="Anything worth remembering.", examples=["Printed on bags"]
    )
    tags: list[str] = Field(
        [],
        max_length=links.MAX_TAGS,
        description="Words to group links by; stored in lower case.",
        examples=[["sale", "print"]],
    )
    status: Literal[301, 302, 307, 308] | None = Field(
        None, description="Status of the redirect; null for the instance's own.", examples=[302]
    )
    enabled: StrictBool = Field(True, description="false answers 410 until it is true again.", examples=[True])
    valid_from: Moment | None = Field(
        None, description="Before this moment the link does not seem to exist.", examples=[None]
    )
    expires_at: Moment | None = Field(None, description="From this moment on it answers 410.", examples=[A_MOMENT])
    expired_target: str | None = Field(
        None,
        description="Where it leads instead when it is expired or disabled.",
        examples=["https://example.com/over"],
    )


class LinkPut(_LinkFields):
    """A link, whole."""

    target: str = Field(
        description="Where the link leads: an absolute http or https URL.",
        examples=["https://example.com/sale?utm=x"],
    )


class LinkCreate(LinkPut):
    """A link to be made. `{"target": "https://…"}` is enough."""

    code: str | None = Field(None, description="The short code; left out, one is made.", examples=["sale"])


class LinkPatch(_LinkFields):
    """Fields of a link to be changed; those left out stay as they are."""

    target: str = Field("", description="Where the link leads.", examples=["https://example.com/winter"])


class LinkOut(Out):
    """A link."""

    code: str = Field(examples=["sale"])
    domain: str = Field(description="Empty: every host of this instance.", examples=[""])
    short_url: str = Field(examples=["http://localhost:8000/sale"])
    target: str = Field(description="Byte for byte what Location says.", examples=["https://example.com/sale?utm=x"])
    title: str | None = Field(examples=["Autumn sale"])
    notes: str | None = Field(examples=["Printed on bags"])
    tags: list[str] = Field(examples=[["print", "sale"]])
    status: int | None = Field(examples=[None])
    enabled: bool = Field(examples=[True])
    valid_from: AwareDatetime | None = Field(examples=[None])
    expires_at: AwareDatetime | None = Field(examples=[A_MOMENT])
    expired_target: str | None = Field(examples=["https://example.com/over"])
    clicks: int = Field(description="By people, since the link was made.", examples=[1234])
    unique: int = Field(description="Those that were a visitor's first of the day.", examples=[987])
    last_clicked_at: AwareDatetime | None = Field(examples=["2026-11-22T18:03:11.250000Z"])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    updated_at: AwareDatetime = Field(examples=["2026-11-02T10:00:00Z"])
    version: int = Field(description="Counts the changes, from 1.", examples=[2])
    warnings: list[str] = Field(description="What the owner should know.", examples=[[]])
