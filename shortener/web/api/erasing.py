"""DELETE /api/v1/links/{code}/clicks and /api/v1/orphans/clicks.

For administrators: it cannot be undone, and it changes the figures of the whole instance. Whoever may write links
cannot destroy statistics otherwise either, since those of a deleted link stay.
"""

from starlette.responses import Response

from shortener.services import erasing as service
from shortener.services.erasing import Erased
from shortener.web.api import examples
from shortener.web.api.route import make_router
from shortener.web.api.schemas.erasing import ErasedOut
from shortener.web.deps import Administrator, DomainName, PartsDep
from shortener.web.responses import ORJSONResponse

router = make_router("stats")


@router.delete(
    "/links/{code}/clicks",
    response_model=ErasedOut,
    name="erase_clicks",
    summary="Erase the clicks on a link",
    responses=examples.refusals(*examples.NAME),
)
def of_link(code: str, parts: PartsDep, principal: Administrator, domain: DomainName = "") -> Response:
    """Erase every click so far on the link and its aliases: raw clicks, totals, series, breakdowns, visitor hashes.

    The figures of its domain and of all links go down with it. Clicks that were made before and are still on their
    way into the statistics are dropped. It stands in the link's history, and cannot be undone.
    """
    return _answer(service.of_link(parts.database, code, actor=principal.actor, domain=domain))


@router.delete("/orphans/clicks", response_model=ErasedOut, name="erase_orphans", summary="Erase unknown paths")
def of_orphans(parts: PartsDep, principal: Administrator) -> Response:
    """Erase every visit so far to a path that no link has. It cannot be undone."""
    return _answer(service.of_orphans(parts.database, actor=principal.actor))


def _answer(erased: Erased) -> Response:
    return ORJSONResponse({"clicks": erased.clicks, "finished": erased.is_finished})
