"""Statistics: the same questions about all links, a link, a tag, a domain, and unknown codes."""

from starlette.responses import Response

from shortener import errors
from shortener.services import scopes
from shortener.web.api import examples
from shortener.web.api.any_text import TAG
from shortener.web.api.questions import AskingDep, LinkAskingDep
from shortener.web.api.route import make_router
from shortener.web.api.schemas.stats import StatsOut
from shortener.web.deps import PartsDep, StatsReader
from shortener.web.responses import ORJSONResponse

#: What the domain without a name is called in a path; no host has a name without a dot.
DEFAULT = "default"
router = make_router("stats")

#: What can be wrong with a question.
QUESTION_ERRORS = (
    errors.ValidationFailed,
    errors.TimeZoneUnknown,
    errors.PeriodInvalid,
    errors.TooManyBuckets,
)


@router.get(
    "/stats", response_model=StatsOut, summary="Clicks on all links", responses=examples.refusals(*QUESTION_ERRORS)
)
def of_all(_principal: StatsReader, asked: AskingDep, parts: PartsDep) -> Response:
    """Clicks on all links: as a time series, by the values of a dimension, by link, tag, domain or hour of the week.

    Only people are counted unless `class` says otherwise; `excluded` says who was left out. A question without
    filters is answered from rollups, whatever the period; one with filters from raw clicks, as long as they are kept.

    With `compare`, or `compare_start` and `compare_end`, `previous` is the answer about another period, and so each
    row has a `previous`: of a value its clicks there, of a bucket of time the one at the same place.
    """
    return ORJSONResponse(parts.answers.json(scopes.ALL, asked.question))


@router.get(
    "/links/{code}/stats",
    response_model=StatsOut,
    summary="Clicks on a link",
    responses=examples.refusals(errors.LinkNotFound, errors.DomainInvalid, *QUESTION_ERRORS),
)
def of_link(code: str, _principal: StatsReader, asked: LinkAskingDep, parts: PartsDep) -> Response:
    """Clicks on one link; the same questions as for all links."""
    return ORJSONResponse(parts.answers.json(scopes.link(code, asked.domain), asked.question))


@router.get(
    "/domains/{name}/stats",
    response_model=StatsOut,
    summary="Clicks on a domain",
    responses=examples.refusals(errors.DomainNotFound, *QUESTION_ERRORS),
)
def of_domain(name: str, _principal: StatsReader, asked: AskingDep, parts: PartsDep) -> Response:
    """Clicks on all links of a domain; the same questions as for all links. The default domain is `default`."""
    return ORJSONResponse(parts.answers.json(scopes.domain("" if name == DEFAULT else name), asked.question))


@router.get(
    f"/tags/{TAG}/stats",
    response_model=StatsOut,
    summary="Clicks on the links with a tag",
    responses=examples.refusals(errors.TagNotFound, *QUESTION_ERRORS),
)
def of_tag(tag: str, _principal: StatsReader, asked: AskingDep, parts: PartsDep) -> Response:
    """Clicks on the links that carry a tag now, and what they had before; the same questions as for all links."""
    return ORJSONResponse(parts.answers.json(scopes.tag(tag), asked.question))


@router.get(
    "/orphans/stats",
    response_model=StatsOut,
    name="of_orphans",
    summary="Visits to unknown codes",
    responses=examples.refusals(*QUESTION_ERRORS),
)
def of_orphans(_principal: StatsReader, asked: AskingDep, parts: PartsDep) -> Response:
    """Visits to codes that no link has; the same questions as for all links. `code` is the path asked for."""
    return ORJSONResponse(parts.answers.json(scopes.ORPHANS, asked.question))
