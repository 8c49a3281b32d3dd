"""Questions about clicks as query parameters, the same for whatever they are asked about."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, NamedTuple

from fastapi import Depends, Query
from pydantic import Field

from shortener import errors
from shortener.domain import period as periods
from shortener.domain.click import ClickClass
from shortener.domain.grouping import TIMESERIES, Grouping
from shortener.domain.period import Asked, Granularity, Interval
from shortener.services.stats import Question
from shortener.web.api.classes import MAX_LENGTH as MAX_CLASSES_LENGTH
from shortener.web.api.classes import classes
from shortener.web.api.filters import Filters, parsed
from shortener.web.api.schemas.fields import Moment

#: Most rows of a breakdown.
DEFAULT_ROWS, MAX_ROWS = 100, 1000
#: Characters of a name that an error repeats.
_MAX_SHOWN = 40
#: Most groupings of a question: what a page shows.
_MOST_GROUPINGS = 10
_GROUPINGS = f"There are {', '.join(Grouping)}."

ByteOrderMark = Annotated[
    bool, Field(description="Begin CSV with a byte order mark, for spreadsheets that would not know UTF-8.")
]


class Parameters(Filters):
    """All that can be asked."""

    interval: Interval = Field(
        Interval.MONTH, description="A period that ends now; not used if start or end is given."
    )
    start: Moment | None = Field(None, description="Where the period begins.")
    end: Moment | None = Field(None, description="Where it ends, exclusive; default now.")
    timezone: str = Field(
        "UTC", max_length=64, description="IANA time zone of days and buckets.", examples=["Europe/Berlin"]
    )
    granularity: Granularity | None = Field(
        None, description="Width of a bucket; chosen by the period if left out.", examples=["day"]
    )
    group_by: str = Field(
        TIMESERIES,
        max_length=200,
        description=f"What the rows are; a comma list for several answers in one, of one state. {_GROUPINGS}",
        examples=["browser"],
    )
    classes: str = Field(
        ClickClass.HUMAN.label,
        alias="class",
        max_length=MAX_CLASSES_LENGTH,
        description="Classes to count, as a comma list.",
        examples=["human,bot"],
    )
    compare: Literal["previous"] | None = Field(
        None, description="Ask the same of the period of the same length before."
    )
    limit: int = Field(DEFAULT_ROWS, ge=1, le=MAX_ROWS, description="Most rows of a breakdown.")


class LinkParameters(Parameters):
    """The same of a link, which its code alone may not name."""

    domain: str = Field(
        "", max_length=253, description="The link's domain; empty is the default one.", examples=["go.example.com"]
    )


class FileParameters(Parameters):
    """The same, to be answered with a file."""

    bom: ByteOrderMark = False


class LinkFileParameters(LinkParameters):
    """The same of a link, to be answered with a file."""

    bom: ByteOrderMark = False


class Asking(NamedTuple):
    """A question, and what else is asked for with it."""

    question: Question
    #: The link's.
    domain: str = ""
    #: Whether a file is to begin with a byte order mark.
    bom: bool = False


def _dependency(kind: type[Parameters]) -> Callable[..., Awaitable[Asking]]:
    """What reads the parameters of `kind`. Raises ValidationFailed, TimeZoneUnknown."""

    async def ask(asked: Annotated[kind, Query()]) -> Asking:  # type: ignore[valid-type]  # for FastAPI
        more = {name: getattr(asked, name) for name in ("domain", "bom") if name in kind.model_fields}
        return Asking(_asked(asked), **more)

    return ask


def _asked(asked: Parameters) -> Question:
    """The question that parameters ask. Raises ValidationFailed, TimeZoneUnknown."""
    return Question(
        period=Asked(periods.zone(asked.timezone), asked.interval, asked.start, asked.end),
        classes=classes(asked.classes),
        groupings=_groupings(asked.group_by),
        filters=parsed(asked),
        granularity=asked.granularity,
        limit=asked.limit,
        compare=asked.compare is not None,
    )


def _groupings(names: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = next((name for name in wanted if name not in set(Grouping)), None)
    if unknown is not None:
        message = f"'{unknown[:_MAX_SHOWN]}' is nothing to group by. {_GROUPINGS}"
        raise errors.ValidationFailed([errors.FieldProblem("group_by", "enum", message)])
    if len(wanted) > _MOST_GROUPINGS:
        message = f"At most {_MOST_GROUPINGS} groupings; these are {len(wanted)}."
        raise errors.ValidationFailed([errors.FieldProblem("group_by", "too-many-values", message)])
    return wanted


AskingDep = Annotated[Asking, Depends(_dependency(Parameters))]
LinkAskingDep = Annotated[Asking, Depends(_dependency(LinkParameters))]
FileAskingDep = Annotated[Asking, Depends(_dependency(FileParameters))]
LinkFileAskingDep = Annotated[Asking, Depends(_dependency(LinkFileParameters))]
