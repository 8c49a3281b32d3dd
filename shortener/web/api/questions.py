"""Questions about clicks as query parameters, the same for whatever they are asked about."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, NamedTuple

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from shortener import errors
from shortener.domain import filter as filters
from shortener.domain import period as periods
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.grouping import TIMESERIES, Grouping
from shortener.domain.period import Asked, Granularity, Interval
from shortener.services.stats import Question
from shortener.web.api.classes import MAX_LENGTH as MAX_CLASSES_LENGTH
from shortener.web.api.classes import classes
from shortener.web.api.schemas.fields import Moment

#: Most rows of a breakdown.
DEFAULT_ROWS, MAX_ROWS = 100, 1000
#: Characters of a filter: a hundred values of the usual length, and a URL that most servers still take.
_MAX_FILTER = 8_000
#: Characters of a name that an error repeats.
_MAX_SHOWN = 40
#: Most groupings of a question: what a page shows.
_MOST_GROUPINGS = 10
_GROUPINGS = f"There are {', '.join(Grouping)}."

ByteOrderMark = Annotated[
    bool, Field(description="Begin CSV with a byte order mark, for spreadsheets that would not know UTF-8.")
]
#: What a filter is: see domain.filter.
FilterText = Annotated[
    str | None,
    Field(
        max_length=_MAX_FILTER,
        description="Only clicks with one of these values, as a comma list; with a leading `-` all others. "
        "An empty value stands for clicks without one.",
        examples=[None],
    ),
]


class Filters(BaseModel):
    """A filter for each dimension."""

    referrer: FilterText = None
    referrer_url: FilterText = None
    browser: FilterText = None
    os: FilterText = None
    device: FilterText = None
    country: FilterText = None
    region: FilterText = None
    city: FilterText = None
    language: FilterText = None
    utm_source: FilterText = None
    utm_medium: FilterText = None
    utm_campaign: FilterText = None
    utm_term: FilterText = None
    utm_content: FilterText = None
    code: FilterText = None
    variant: FilterText = None
    trigger: FilterText = None


class Parameters(Filters):
    """All that can be asked."""

    interval: Interval = Field(
        Interval.MONTH, description="A period that ends now; not used if start or end is given."
    )
    start: Moment | None = Field(None, description="Where the period begins.", examples=[None])
    end: Moment | None = Field(None, description="Where it ends, exclusive; default now.", examples=[None])
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
        None, description="Ask the same of the period of the same length before.", examples=[None]
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

    async def ask(request: Request, asked: Annotated[kind, Query()]) -> Asking:  # type: ignore[valid-type]  # for FastAPI
        _check_names(request, kind)
        more = {name: getattr(asked, name) for name in ("domain", "bom") if name in kind.model_fields}
        return Asking(_asked(asked), **more)

    return ask


def _check_names(request: Request, parameters: type[Parameters]) -> None:
    """Raises ValidationFailed where a parameter is sent that there is not: it would be a filter that does nothing."""
    names = {field.alias or name for name, field in parameters.model_fields.items()}
    unknown = next((name for name in request.query_params if name not in names), None)
    if unknown is not None:
        shown = unknown[:_MAX_SHOWN]
        message = f"There is no parameter '{shown}' here; there are {', '.join(sorted(names))}."
        raise errors.ValidationFailed([errors.FieldProblem(shown, "unknown-parameter", message)])


def _asked(asked: Parameters) -> Question:
    """The question that parameters ask. Raises ValidationFailed, TimeZoneUnknown."""
    return Question(
        period=Asked(periods.zone(asked.timezone), asked.interval, asked.start, asked.end),
        classes=classes(asked.classes),
        groupings=_groupings(asked.group_by),
        filters=filters.parse_all((each, getattr(asked, each.label)) for each in Dimension),
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
