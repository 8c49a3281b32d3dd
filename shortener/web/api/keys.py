"""/api/v1/keys."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from shortener import errors
from shortener.domain import page as pages
from shortener.domain.access import ApiKey
from shortener.domain.link import expiry_warnings
from shortener.services import keys as service
from shortener.web.api import examples
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.keys import KeyCreate, KeyCreated, KeyOut
from shortener.web.deps import Administrator, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = make_router("keys", "/keys")


@router.post(
    "",
    status_code=201,
    response_model=KeyCreated,
    summary="Create a key",
    responses={**examples.WITH_BODY, **examples.refusals(errors.ValidationFailed)},
)
def create(body: KeyCreate, parts: PartsDep, principal: Administrator) -> Response:
    """Make an API key. The answer shows it; nothing will ever show it again."""
    made, key = service.issue(
        parts.database, name=body.name, scopes=body.scopes, expires_at=body.expires_at, actor=principal.actor
    )
    headers = {"location": f"/api/v1/keys/{made.id}"}
    warnings = expiry_warnings(made.expires_at, datetime.now(UTC))
    return ORJSONResponse({**render(made), "warnings": warnings, "key": key}, status_code=201, headers=headers)


@router.get(
    "",
    response_model=PageOut[KeyOut],
    summary="List keys",
    responses=examples.refusals(errors.ValidationFailed, errors.CursorInvalid),
)
def listing(
    parts: PartsDep,
    _principal: Administrator,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Keys per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """All keys, newest first, revoked ones too."""
    found = service.listing(parts.database, limit=limit, cursor=cursor)
    return ORJSONResponse({"data": [render(key) for key in found.items], "next": found.next})


@router.get("/{id}", response_model=KeyOut, summary="Get a key", responses=examples.refusals(errors.KeyNotFound))
def get(id: str, parts: PartsDep, _principal: Administrator) -> Response:  # the path's own word
    """One key."""
    return ORJSONResponse(render(service.get(parts.database, id)))


@router.delete(
    "/{id}",
    status_code=204,
    summary="Revoke a key",
    responses=examples.refusals(errors.KeyNotFound),
    response_class=Response,
)
def revoke(id: str, parts: PartsDep, principal: Administrator) -> Response:  # the path's own word
    """Revoke a key: it opens nothing from now on. Its row stays, for the history."""
    service.revoke(parts.database, id, actor=principal.actor)
    return NoContent()


def render(key: ApiKey) -> dict[str, object]:
    """A key as KeyOut says."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
