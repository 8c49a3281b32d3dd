"""/api/v1/links/{id}/undelete: bringing back a link that was deleted."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from shortener import errors
from shortener.services import undelete as service
from shortener.web.api import examples
from shortener.web.api.rendering import answer
from shortener.web.api.route import make_router
from shortener.web.api.schemas.links import LinkOut
from shortener.web.deps import IfMatch, LinksWriter, PartsDep

#: Ids are 64-bit integers in both databases.
_MOST_ID = 2**63 - 1

router = make_router("links", "/links/{id}/undelete")


@router.post(
    "",
    response_model=LinkOut,
    summary="Bring back a deleted link",
    responses={
        **examples.WITH_IDEMPOTENCY,
        **examples.refusals(
            errors.LinkNotFound,
            errors.DomainNotFound,
            errors.LinkNotDeleted,
            errors.CodeTaken,
            errors.ExternalIdTaken,
            errors.UndeleteTooLate,
            errors.VersionMismatch,
            errors.ValidationFailed,
        ),
    },
)
def undelete(
    id: Annotated[
        int,
        Path(ge=1, le=_MOST_ID, description="`id` of the link, not its code, as `GET /links?state=deleted` says."),
    ],
    parts: PartsDep,
    principal: LinksWriter,
    if_match: IfMatch = None,
) -> Response:
    """Make a link what it was, with its history and statistics, if it was deleted in the last 30 days and no link
    has its code. Its aliases come back too, but for those that are taken: `warnings` names them.
    """
    link, taken = service.undelete(parts.database, id, actor=principal.actor, if_match=if_match)
    return answer(link, parts, warnings=[_not_back(alias) for alias in taken])


def _not_back(alias: str) -> str:
    return f"The alias '{alias}' has not come back: another link has this code by now."
