"""/api/v1/orphans."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from shortener import errors
from shortener.domain.host import short_url
from shortener.services import orphans as service
from shortener.services.orphans import Missed
from shortener.web.api import examples
from shortener.web.api.classes import Classes
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.orphans import OrphanOut
from shortener.web.deps import Administrator, PartsDep
from shortener.web.responses import ORJSONResponse

router = make_router("stats", "/orphans")


@router.get(
    "",
    response_model=PageOut[OrphanOut],
    name="orphans",
    summary="Unknown paths that were asked for",
    responses=examples.refusals(errors.ValidationFailed, errors.CursorInvalid),
)
def listing(
    parts: PartsDep,
    _principal: Administrator,
    classes: Classes,
    days: Annotated[
        int,
        Query(ge=1, le=service.MAX_DAYS, description="How many days back, in UTC; 1 is today."),
    ] = service.DEFAULT_DAYS,
    limit: Annotated[int, Query(ge=1, le=service.MAX_LIMIT, description="Paths per page.")] = service.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """Paths that no link has on the domain visited, asked for most first: from where, and which links may be meant.

    Only people are counted unless `class` says otherwise; most who try paths are robots. Links are suggested to
    administrators alone. Paths that are asked for meanwhile may show twice, or on no page.
    """
    found = service.listing(parts.database, days=days, classes=classes, limit=limit, cursor=cursor)
    base_url = parts.settings.public_url
    return ORJSONResponse({"data": [_render(missed, base_url) for missed in found.items], "next": found.next})


def _render(missed: Missed, base_url: str) -> dict[str, object]:
    """A path as OrphanOut says."""
    return {
        "path": missed.path,
        "domain": missed.domain,
        "clicks": missed.clicks,
        "last_clicked_at": missed.last_clicked_at,
        "referrers": [{"value": value, "clicks": clicks} for value, clicks in missed.referrers],
        "suggestions": [
            {
                "code": meant.code,
                "domain": missed.domain,
                "short_url": short_url(base_url, missed.domain, meant.code),
                "distance": meant.distance,
            }
            for meant in missed.suggestions
        ],
    }
