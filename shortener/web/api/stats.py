"""/api/v1/stats and /api/v1/links/{code}/stats."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from shortener import errors
from shortener.domain import period as periods
from shortener.domain.click import Dimension
from shortener.domain.period import Granularity, Interval
from shortener.services import stats as service
from shortener.services.stats import Question
from shortener.web.api import examples
from shortener.web.api.classes import Classes
from shortener.web.api.schemas.fields import Moment
from shortener.web.api.schemas.stats import StatsOut
from shortener.web.deps import DomainName, PartsDep, StatsReader
from shortener.web.responses import ORJSONResponse

router = APIRouter(tags=["stats"], responses=examples.WITH_KEY, default_response_class=ORJSONResponse)

#: Most rows of a breakdown.
DEFAULT_ROWS, MAX_ROWS = 100, 1000

_TIMESERIES = "timeseries"
GroupBy = StrEnum("GroupBy", {name: name for name in (_TIMESERIES, *(dimension.label for dimension in Dimension))})  # type: ignore[misc]  # mypy wants the names spelt out
_BY_TIME = GroupBy(_TIMESERIES)
_QUESTION_ERRORS = (
    errors.ValidationFailed,
    errors.TimeZoneUnknown,
    errors.PeriodInvalid,
    errors.TooManyBuckets,
)


async def _question(
    classes: Classes,
    interval: Annotated[
        Interval, Query(description="A period that ends now; not used if start or end is given.")
    ] = Interval.MONTH,
    start: Annotated[Moment | None, Query(description="Where the period begins.", examples=[None])] = None,
    end: Annotated[
        Moment | None, Query(description="Where it ends, exclusive; default now.", examples=[None])
    ] = None,
    timezone: Annotated[
        str, Query(max_length=64, description="IANA time zone of days and buckets.", examples=["Europe/Berlin"])
    ] = "UTC",
    granularity: Annotated[
        Granularity | None,
        Query(description="Width of a bucket; chosen by the period if left out.", examples=["day"]),
    ] = None,
    group_by: Annotated[GroupBy, Query(description="What the rows are.")] = _BY_TIME,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="Most rows of a breakdown.")] = DEFAULT_ROWS,
) -> Question:
    return Question(
        zone=periods.zone(timezone),
        classes=classes,
        dimension=None if group_by == _TIMESERIES else Dimension[group_by.upper()],
        interval=interval,
        start=start,
        end=end,
        granularity=granularity,
        limit=limit,
    )


QuestionDep = Annotated[Question, Depends(_question)]


@router.get(
    "/stats", response_model=StatsOut, summary="Clicks on all links", responses=examples.refusals(*_QUESTION_ERRORS)
)
def of_all(_caller: StatsReader, question: QuestionDep, parts: PartsDep) -> Response:
    """Clicks on all links, as a time series or by the values of a dimension.

    Only people are counted unless `class` says otherwise; `excluded` says who was left out.
    """
    return ORJSONResponse(service.of_all(parts.database, question))


@router.get(
    "/links/{code}/stats",
    response_model=StatsOut,
    summary="Clicks on a link",
    responses=examples.refusals(errors.LinkNotFound, errors.DomainInvalid, *_QUESTION_ERRORS),
)
def of_link(
    code: str, _caller: StatsReader, question: QuestionDep, parts: PartsDep, domain: DomainName = ""
) -> Response:
    """Clicks on one link; the same questions as for all links."""
    return ORJSONResponse(service.of_link(parts.database, code, question, domain))
