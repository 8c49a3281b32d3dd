"""Shapes of answers about clicks."""

from typing import Literal

from pydantic import AwareDatetime, Field

from shortener.domain import period
from shortener.web.api.schemas.fields import Out


class CountOut(Out):
    """Clicks, and those that were a visitor's first of the day."""

    clicks: int = Field(examples=[120])
    unique: int = Field(examples=[97])


class RangeOut(Out):
    """The period answered about: `start` belongs to it, `end` does not."""

    start: AwareDatetime = Field(examples=["2026-10-24T00:00:00+02:00"])
    end: AwareDatetime = Field(examples=["2026-11-22T19:15:00+01:00"])
    timezone: str = Field(examples=["Europe/Berlin"])
    granularity: period.Granularity | None = Field(description="null for a breakdown.", examples=["day"])


class PreviousBucketOut(CountOut):
    """A bucket of the time series of the period compared with."""

    bucket: AwareDatetime = Field(description="Where it begins.", examples=["2026-11-22T00:00:00+01:00"])


class BucketOut(PreviousBucketOut):
    """A bucket of a time series."""

    previous: PreviousBucketOut | None = Field(
        None,
        description="The one at the same place of the period compared with; null beyond its end. "
        "Only where a comparison was asked for.",
    )


class ValueOut(CountOut):
    """A value of a dimension."""

    value: str | None = Field(description="null: clicks without a value.", examples=["Firefox"])
    previous: CountOut | None = Field(
        None, description="The same value in the period compared with. Only where a comparison was asked for."
    )


class OtherOut(CountOut):
    """What `limit` cut off of a breakdown."""

    previous: CountOut | None = Field(
        None,
        description="In the period compared with, all but the values in `data`. "
        "Only where a comparison was asked for.",
    )


class GroupOut(Out):
    """One of several groupings."""

    data: list[BucketOut] | list[ValueOut]
    other: OtherOut | None = Field(None, description="Of a breakdown: what `limit` cut off.")
    overlapping: Literal[True] | None = Field(
        None, description="Of a breakdown by tag: a click counts for each tag of its link.", examples=[None]
    )


class PreviousOut(Out):
    """The same about the period compared with: `range` says which one that is."""

    range: RangeOut
    group_by: str = Field(examples=["timeseries"])
    totals: CountOut = Field(description="Of the classes asked for.")
    excluded: dict[str, int] = Field(description="Clicks by class left out.", examples=[{"bot": 14, "preview": 2}])
    source: Literal["rollup", "raw"] = Field(
        description="Where the answer is from: `raw` with filters, else `rollup`.", examples=["rollup"]
    )
    complete: bool = Field(
        description="false where raw clicks are gone that it would take: then `range` is what was answered.",
        examples=[True],
    )
    data: list[BucketOut] | list[ValueOut] | None = Field(None, description="Of one grouping.")
    other: OtherOut | None = Field(None, description="Of a breakdown: what `limit` cut off.")
    overlapping: Literal[True] | None = Field(
        None, description="Of a breakdown by tag: a click counts for each tag of its link.", examples=[None]
    )
    groups: dict[str, GroupOut] | None = Field(None, description="Of several groupings.", examples=[None])


class StatsOut(PreviousOut):
    """An answer about clicks. The rows of `data` and `other` add up to `totals`, unless they overlap."""

    previous: PreviousOut | None = Field(
        None,
        description="About the period compared with, if one was asked for with `compare` or `compare_start`.",
        examples=[None],
    )
