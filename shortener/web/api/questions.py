"""Questions about clicks as query parameters, the same for whatever they are asked about."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shortener import errors
from shortener.domain import period as periods
from shortener.domain.click import ClickClass
from shortener.domain.comparison import Comparison
from shortener.domain.grouping import TIMESERIES, Grouping
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services.stats import Question
from shortener.web.api.classes import MAX_LENGTH as MAX_CLASSES_LENGTH
from shortener.web.api.classes import classes
from shortener.web.api.filters import Filters, parsed
from shortener.web.api.parameters import choices
from shortener.web.api.schemas.fields import Moment

#: Most rows of a breakdown.
DEFAULT_ROWS, MAX_ROWS = 100, 1000
#: Characters of a name that an error repeats.
_MAX_SHOWN = 40
#: Most groupings of a question: what a page shows.
_MOST_GROUPINGS = 10
#: The parameters that are a period to compare with.
_COMPARED = ("compare_start", "compare_end")
_GROUPINGS = f"There are {', '.join(Grouping)}."


def _comparison(value: Any) -> Any:
    if value not in set(Comparison):
        shown = str(value)[:_MAX_SHOWN]
        message = f"'{shown}' is nothing to compare with. {choices(shown, list(Comparison))}"
        raise PydanticCustomError("enum", "{message}", {"message": message})
    return value


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
    compare: Annotated[Comparison, BeforeValidator(_comparison)] | None = Field(
        None,
        description="Ask the same of another period: the `previous` one of the same length; the same dates a `year` "
        "before; or the same `weekday`s, as few whole weeks before as end before the period begins.",
        examples=["year"],
    )
    compare_start: Moment | None = Field(
        None, description="Where a period of your own to compare with begins, instead of `compare`."
    )
    compare_end: Moment | None = Field(None, description="Where that ends, exclusive. It may be of any length.")
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
    """What reads the parameters of `kind`. Raises ValidationFailed, TimeZoneUnknown, PeriodInvalid."""

    async def ask(asked: Annotated[kind, Query()]) -> Asking:  # type: ignore[valid-type]  # for FastAPI
        more = {name: getattr(asked, name) for name in ("domain", "bom") if name in kind.model_fields}
        return Asking(_asked(asked), **more)

    return ask


def _asked(asked: Parameters) -> Question:
    """The question that parameters ask. Raises ValidationFailed, TimeZoneUnknown, PeriodInvalid."""
    return Question(
        period=Asked(periods.zone(asked.timezone), asked.interval, asked.start, asked.end),
        classes=classes(asked.classes),
        groupings=_groupings(asked.group_by),
        filters=parsed(asked),
        granularity=asked.granularity,
        limit=asked.limit,
        compare=_compared(asked),
    )


def _compared(asked: Parameters) -> Comparison | Period | None:
    """What to compare with. Raises ValidationFailed, PeriodInvalid."""
    given = [name for name in _COMPARED if getattr(asked, name) is not None]
    if given and asked.compare is not None:
        message = "Give either `compare` or `compare_start` and `compare_end`, not both."
        raise errors.ValidationFailed([errors.FieldProblem("compare", "not-combinable", message)])
    if asked.compare_start is None or asked.compare_end is None:
        if given:
            missing = next(name for name in _COMPARED if name not in given)
            message = f"`{given[0]}` needs `{missing}` too: a period to compare with has both."
            raise errors.ValidationFailed([errors.FieldProblem(missing, "required", message)])
        return asked.compare
    return periods.between(asked.compare_start, asked.compare_end, periods.zone(asked.timezone), _COMPARED)


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
