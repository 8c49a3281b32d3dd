"""Shapes of links."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StrictBool, StrictInt

from shortener.domain import link as links
from shortener.domain import rule as rules
from shortener.web.api.schemas.fields import A_MOMENT, In, Moment, Out, PageOut, one_line, some_lines, with_example
from shortener.web.api.schemas.rules import A_RULE, RuleIn, RuleOut

#: What another system calls a link; it may stand in a path.
ExternalId = Annotated[str, Field(min_length=1, max_length=links.MAX_EXTERNAL_ID_LENGTH), one_line]


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
        description="Where it leads instead when it is expired, exhausted or disabled.",
        examples=["https://example.com/over"],
    )
    max_clicks: Annotated[StrictInt, Field(ge=1, le=links.MOST_MAX_CLICKS)] | None = Field(
        None, description="How many people it redirects at most; robots and previews use up nothing.", examples=[100]
    )
    admit_programs: StrictBool = Field(
        False,
        description="true: robots, previews and other programs are redirected and take clicks of `max_clicks`.",
        examples=[False],
    )
    password: str | None = Field(
        None, description="Visitors are asked for it. Stored hashed, never shown.", examples=["open sesame"]
    )
    forward_query: StrictBool = Field(
        False, description="Pass the visitor's query on; parameters of the target win.", examples=[False]
    )
    forward_path: StrictBool = Field(
        False, description="Append to the target what stands behind the code.", examples=[False]
    )
    track: StrictBool = Field(True, description="false: its clicks are not counted.", examples=[True])
    rules: list[RuleIn] = Field(
        [],
        max_length=rules.MAX_RULES,
        description="Other targets for some visitors: the first rule whose conditions all hold decides.",
    )
    external_id: ExternalId | None = Field(
        None, description="What another system calls it; unique.", examples=["campaign-17"]
    )


class LinkPut(_LinkFields):
    """A link, whole."""

    model_config = with_example(
        target="https://example.com/sale?utm=x",
        title="Autumn sale",
        tags=["sale", "print"],
        expires_at=A_MOMENT,
        expired_target="https://example.com/over",
        rules=[A_RULE],
    )

    target: str = Field(
        description="Where the link leads: an absolute http or https URL.",
        examples=["https://example.com/sale?utm=x"],
    )


class LinkCreate(LinkPut):
    """A link to be made. `{"target": "https://…"}` is enough."""

    model_config = with_example(
        target="https://example.com/sale?utm=x", code="sale", title="Autumn sale", tags=["sale", "print"]
    )

    code: str | None = Field(None, description="The short code; left out, one is made.", examples=["sale"])
    domain: str = Field("", description="A configured domain; empty is every host.", examples=[""])


class LinkPatch(_LinkFields):
    """Fields of a link to be changed; those left out stay as they are."""

    model_config = with_example(target="https://example.com/winter", title="Winter sale", expires_at=A_MOMENT)

    target: str = Field("", description="Where the link leads.", examples=["https://example.com/winter"])
    code: str = Field("", description="A new code; the old one is free then.", examples=["winter"])


class LinkOut(Out):
    """A link."""

    code: str = Field(examples=["sale"])
    domain: str = Field(description="Empty: every host of this instance.", examples=[""])
    short_url: str = Field(examples=["http://localhost:8000/sale"])
    target: str = Field(
        description="Where the link leads; sent back, it means the same.", examples=["https://example.com/sale?utm=x"]
    )
    title: str | None = Field(examples=["Autumn sale"])
    notes: str | None = Field(examples=["Printed on bags"])
    tags: list[str] = Field(examples=[["print", "sale"]])
    status: int | None = Field(examples=[None])
    enabled: bool = Field(examples=[True])
    state: links.State = Field(
        description="What a visit finds now; `deleted` in the list of deleted links.", examples=["live"]
    )
    valid_from: AwareDatetime | None = Field(examples=[None])
    expires_at: AwareDatetime | None = Field(examples=[A_MOMENT])
    expired_target: str | None = Field(examples=["https://example.com/over"])
    max_clicks: int | None = Field(examples=[100])
    admit_programs: bool = Field(examples=[False])
    has_password: bool = Field(examples=[False])
    forward_query: bool = Field(examples=[False])
    forward_path: bool = Field(examples=[False])
    track: bool = Field(examples=[True])
    rules: list[RuleOut]
    external_id: str | None = Field(examples=["campaign-17"])
    id: int = Field(description="Its number, which stays the same: `undelete` asks for it.", examples=[17])
    owner: str | None = Field(
        description="Id of the API key that created it; null if none did.", examples=["5f0c2a9be1d4"]
    )
    aliases: list[str] = Field(description="Other codes that lead here.", examples=[["s"]])
    clicks: int = Field(description="By people, since the link was made.", examples=[1234])
    unique: int = Field(description="Those that were a visitor's first of the day.", examples=[987])
    last_clicked_at: AwareDatetime | None = Field(examples=["2026-11-22T18:03:11.250000Z"])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    updated_at: AwareDatetime = Field(examples=["2026-11-02T10:00:00Z"])
    deleted_at: AwareDatetime | None = Field(description="Of deleted links only.", examples=[None])
    version: int = Field(description="Counts the changes, from 1.", examples=[2])
    warnings: list[str] = Field(description="What the owner should know.", examples=[[]])


class TotalOut(Out):
    """How many links a list has."""

    count: int = Field(description="At most 10,000.", examples=[10_000])
    is_exact: bool = Field(description="false: there are more than `count`.", examples=[False])


class LinkPageOut(PageOut[LinkOut]):
    """A page of a list of links."""

    total: TotalOut | None = Field(description="null unless `page` or `total` asks for it.")


class AliasCreate(In):
    """Another code for a link."""

    code: str | None = Field(None, description="Left out, one is made.", examples=["s"])


class RevertIn(In):
    """Which version to go back to."""

    version: Annotated[StrictInt, Field(ge=1)] = Field(description="As `history` counts them.", examples=[1])


class VersionOut(Out):
    """A change of a link."""

    version: int | None = Field(description="Of the link after it.", examples=[2])
    at: AwareDatetime = Field(examples=["2026-11-02T10:00:00Z"])
    actor: str = Field(description="The key that did it.", examples=["key 5f0c2a9be1d4"])
    kind: str = Field(examples=["link-edited"])
    code: str = Field(examples=["sale"])
    changes: dict[str, list[Any]] = Field(
        description="Field → value before and after.",
        examples=[{"target": ["https://example.com/sale", "https://example.com/winter"]}],
    )


class ScheduleCreate(In):
    """An edit that is to happen later."""

    at: Moment = Field(description="When: within a second of it all visitors see it.", examples=[A_MOMENT])
    changes: LinkPatch


class ScheduleOut(Out):
    """A scheduled edit."""

    id: int = Field(examples=[7])
    at: AwareDatetime = Field(examples=[A_MOMENT])
    actor: str = Field(examples=["key 5f0c2a9be1d4"])
    created_at: AwareDatetime = Field(examples=["2026-11-02T10:00:00Z"])
    changes: dict[str, Any] = Field(examples=[{"target": "https://example.com/winter"}])
