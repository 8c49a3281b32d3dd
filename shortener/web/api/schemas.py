"""Shapes of what comes in and goes out of the API: names, types, limits, examples. What values mean is domain/'s."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from shortener.domain import link as links
from shortener.domain import period, text
from shortener.domain.access import Scope

Item = TypeVar("Item")

_MOMENT = "2027-01-31T12:00:00Z"
#: Seconds may be left out, as HTML forms do.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_HOW_TO_WRITE_A_MOMENT = (
    "Write a moment with its offset from UTC, as RFC 3339 says: 2027-01-31T12:00:00Z or 2027-01-31T13:00:00+01:00."
)


def _line(value: str) -> str:
    return _free_of_controls(value, allowed="")


def _lines(value: str) -> str:
    return _free_of_controls(value, allowed="\n\r\t")


def _free_of_controls(value: str, allowed: str) -> str:
    wrong = text.forbidden_character(value, allowed=allowed)
    if wrong is not None:
        raise PydanticCustomError(
            "forbidden_character", "Remove the character {character}.", {"character": text.visible(wrong)}
        )
    return value


def _moment(value: Any, parse: ValidatorFunctionWrapHandler) -> datetime:
    # pydantic alone would take numbers too, as seconds or milliseconds depending on their size.
    if not (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        raise PydanticCustomError("moment_invalid", _HOW_TO_WRITE_A_MOMENT)
    moment: datetime = parse(value)
    if not period.EARLIEST <= moment < period.LATEST:
        raise PydanticCustomError("moment_out_of_range", "Moments lie between the years 1970 and 9998.")
    return moment


#: To stand behind the limits of a field: pydantic knows them as a text's only before a function.
one_line, some_lines = AfterValidator(_line), AfterValidator(_lines)
Moment = Annotated[AwareDatetime, WrapValidator(_moment)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _LinkFields(_In):
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
    expires_at: Moment | None = Field(None, description="From this moment on it answers 410.", examples=[_MOMENT])
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


class LinkOut(_Out):
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
    expires_at: AwareDatetime | None = Field(examples=[_MOMENT])
    expired_target: str | None = Field(examples=["https://example.com/over"])
    clicks: int = Field(description="By people, since the link was made.", examples=[1234])
    unique: int = Field(description="Those that were a visitor's first of the day.", examples=[987])
    last_clicked_at: AwareDatetime | None = Field(examples=["2026-11-22T18:03:11.250000Z"])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    updated_at: AwareDatetime = Field(examples=["2026-11-02T10:00:00Z"])
    version: int = Field(description="Counts the changes, from 1.", examples=[2])
    warnings: list[str] = Field(description="What the owner should know.", examples=[[]])


class PageOut(_Out, Generic[Item]):
    """A page of a list."""

    data: list[Item]
    next: str | None = Field(
        description="Pass it as `cursor` for the next page; null on the last.", examples=["WyJsaW5rcyJd"]
    )


class KeyCreate(_In):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100), one_line] = Field(
        description="What it is for.", examples=["newsletter"]
    )
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), examples=[["links:write", "links:read"]])
    expires_at: Moment | None = Field(None, description="null: never.", examples=[_MOMENT])


class KeyOut(_Out):
    """An API key, without the key."""

    id: str = Field(examples=["5f0c2a9be1d4"])
    name: str = Field(examples=["newsletter"])
    scopes: list[Scope] = Field(examples=[["links:read", "links:write"]])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    expires_at: AwareDatetime | None = Field(examples=[_MOMENT])
    revoked_at: AwareDatetime | None = Field(examples=[None])
    last_used_at: AwareDatetime | None = Field(description="To the minute.", examples=["2026-11-22T18:03:00Z"])


class KeyCreated(KeyOut):
    """A new key: the only time it is shown."""

    key: str = Field(examples=["shk_5f0c2a9be1d4_mS0xK3vQ9bqzq7c0yF2wVn4d8e1tXrLJpAaUhGiWkoM"])


class CountOut(_Out):
    """Clicks, and those that were a visitor's first of the day."""

    clicks: int = Field(examples=[120])
    unique: int = Field(examples=[97])


class RangeOut(_Out):
    """The period answered about: `start` belongs to it, `end` does not."""

    start: AwareDatetime = Field(examples=["2026-10-24T00:00:00+02:00"])
    end: AwareDatetime = Field(examples=["2026-11-22T19:15:00+01:00"])
    timezone: str = Field(examples=["Europe/Berlin"])
    granularity: period.Granularity | None = Field(description="null for a breakdown.", examples=["day"])


class BucketOut(CountOut):
    """A bucket of a time series."""

    bucket: AwareDatetime = Field(description="Where it begins.", examples=["2026-11-22T00:00:00+01:00"])


class ValueOut(CountOut):
    """A value of a dimension."""

    value: str | None = Field(description="null: clicks without a value.", examples=["Firefox"])


class StatsOut(_Out):
    """An answer about clicks. The rows of `data` and `other` add up to `totals`."""

    range: RangeOut
    group_by: str = Field(examples=["timeseries"])
    totals: CountOut = Field(description="Of the classes asked for.")
    excluded: dict[str, int] = Field(description="Clicks by class left out.", examples=[{"bot": 14, "preview": 2}])
    source: Literal["rollup", "raw"] = Field(examples=["rollup"])
    complete: bool = Field(description="false when the period had to be cut or widened.", examples=[True])
    data: list[BucketOut] | list[ValueOut]
    other: CountOut | None = Field(None, description="Of a breakdown: what `limit` cut off.")


class FieldProblemOut(_Out):
    """What is wrong with one input."""

    field: str = Field(examples=["target"])
    code: str = Field(examples=["target-scheme"])
    message: str = Field(examples=["A target must start with http:// or https://."])


class ProblemOut(_Out):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:shortener:problem:target-scheme"])
    title: str = Field(examples=["Target scheme"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["A target must start with http:// or https://."])
    code: str = Field(description="Stable; for programs.", examples=["target-scheme"])
    errors: list[FieldProblemOut] | None = Field(None, description="One per input at fault.")


class HealthOut(_Out):
    """The process is alive."""

    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])


class ReadinessOut(_Out):
    """What works: `ok`, or why not, per dependency."""

    status: Literal["ok", "failing"]
    checks: dict[str, str] = Field(examples=[{"database": "ok", "spool": "ok", "drainer": "ok"}])
