"""/api/v1/domains."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import Query
from starlette.responses import Response

from shortener import errors
from shortener.domain import host as hosts
from shortener.domain import page as pages
from shortener.domain import placeholder
from shortener.services import domains as service
from shortener.settings import PREFIX
from shortener.storage.domains import Domain
from shortener.web.api import examples
from shortener.web.api.route import make_router
from shortener.web.api.schemas.domains import DomainCreate, DomainOut, DomainPatch
from shortener.web.api.schemas.fields import PageOut
from shortener.web.deps import Administrator, LinksReader, Parts, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = make_router("domains", "/domains")

_FIELD_ERRORS = (
    errors.ValidationFailed,
    errors.TargetInvalid,
    errors.TargetTooLong,
    errors.TargetCharacters,
    errors.TargetScheme,
    errors.TargetUserInfo,
    errors.TargetOwnHost,
)


@router.post(
    "",
    status_code=201,
    response_model=DomainOut,
    summary="Configure a domain",
    responses={
        **examples.WITH_BODY,
        **examples.refusals(errors.DomainTaken, errors.DomainInvalid, *_FIELD_ERRORS),
    },
)
def create(body: DomainCreate, parts: PartsDep, principal: Administrator) -> Response:
    """Let links answer on a host name of their own. Point the name at this instance; nothing here asks for it."""
    fields = {name: getattr(body, name) for name in service.FIELDS}
    made = service.create(
        parts.database, parts.base_policy.targets, parts.settings.public_url, body.name, fields, actor=principal.actor
    )
    _make_known(parts)
    headers = {"location": f"/api/v1/domains/{quote(made.name, safe='')}"}
    return ORJSONResponse(_with_warnings(made, parts), status_code=201, headers=headers)


@router.get(
    "",
    response_model=PageOut[DomainOut],
    summary="List domains",
    responses=examples.refusals(errors.ValidationFailed, errors.CursorInvalid),
)
def listing(
    parts: PartsDep,
    _principal: LinksReader,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Domains per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """All configured domains, by name. The default domain, every other host's, is not among them."""
    found = service.listing(parts.database, limit=limit, cursor=cursor)
    return ORJSONResponse({"data": [render(domain) for domain in found.items], "next": found.next})


@router.get(
    "/{name}", response_model=DomainOut, summary="Get a domain", responses=examples.refusals(errors.DomainNotFound)
)
def get(name: str, parts: PartsDep, _principal: LinksReader) -> Response:
    """One domain, with its number of links."""
    return ORJSONResponse(_with_warnings(service.get(parts.database, name), parts))


@router.patch(
    "/{name}",
    response_model=DomainOut,
    summary="Change a domain",
    responses={**examples.WITH_BODY, **examples.refusals(errors.DomainNotFound, *_FIELD_ERRORS)},
)
def patch(name: str, body: DomainPatch, parts: PartsDep, principal: Administrator) -> Response:
    """Change the fields that are given; null is the instance's own again. Seen by every worker within a second."""
    edits = {field: getattr(body, field) for field in body.sent_fields()}
    edited = service.edit(
        parts.database, parts.base_policy.targets, parts.settings.public_url, name, edits, actor=principal.actor
    )
    _make_known(parts)
    return ORJSONResponse(_with_warnings(edited, parts))


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete a domain",
    responses=examples.refusals(errors.DomainNotFound, errors.DomainInUse),
    response_class=Response,
)
def delete(name: str, parts: PartsDep, principal: Administrator) -> Response:
    """Delete a domain without links: its host has the links of the default domain from now on. Statistics stay."""
    service.delete(parts.database, name, actor=principal.actor)
    _make_known(parts)
    return NoContent()


def _make_known(parts: Parts) -> None:
    """Lets visits to this worker see the domains as they are now; the others follow."""
    with parts.database.read() as connection:
        parts.domains.refresh(connection)
    parts.lookup.clear()


def _with_warnings(domain: Domain, parts: Parts) -> dict[str, object]:
    targets = {f"{PREFIX}{name.upper()}": getattr(parts.settings, name) for name in service.TARGETS}
    warnings = service.warnings(parts.database, parts.settings.public_url, domain.name, targets)
    return render(domain, warnings)


def render(domain: Domain, warnings: Sequence[str] = ()) -> dict[str, object]:
    """A domain as DomainOut says."""
    return {
        "name": domain.name,
        "unicode_name": hosts.unicode_name(domain.name),
        "home_target": domain.settings.home_target,
        "not_found_target": domain.settings.not_found_target,
        "expired_target": domain.settings.expired_target and placeholder.written(domain.settings.expired_target),
        "status": domain.settings.status,
        "links": domain.links,
        "created_at": domain.created_at,
        "warnings": list(warnings),
    }
