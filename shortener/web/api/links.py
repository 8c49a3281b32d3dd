"""/api/v1/links: creating, reading and changing links one at a time."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from shortener import errors
from shortener.domain import link as links
from shortener.domain.link import LinkDraft
from shortener.services import links as service
from shortener.web.api import examples
from shortener.web.api.rendering import answer, draft_of, fields_of, render
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import one_line
from shortener.web.api.schemas.links import LinkCreate, LinkOut, LinkPatch, LinkPut
from shortener.web.deps import DomainName, IfMatch, LinksReader, LinksWriter, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = make_router("links", "/links")


@router.post(
    "",
    status_code=201,
    response_model=LinkOut,
    summary="Create a link",
    responses={
        200: {"model": LinkOut, "description": "With `if_exists=return`: the link that was there"},
        **examples.WITH_BODY,
        **examples.WITH_IDEMPOTENCY,
        **examples.refusals(
            errors.CodeTaken, errors.ExternalIdTaken, errors.DomainNotFound, *examples.FIELDS, *examples.CODE
        ),
    },
)
def create(
    body: LinkCreate,
    parts: PartsDep,
    principal: LinksWriter,
    if_exists: Annotated[
        Literal["return"] | None,
        Query(description="`return`: if a link to this target exists (with this code, if one is given), return it."),
    ] = None,
) -> Response:
    """Make a short link. `{"target": "https://…"}` is enough: a code is made, and everything else has a default."""
    link, is_new = service.create(
        parts.database,
        parts.link_policy,
        draft_of(body),
        actor=principal.actor,
        return_existing=if_exists == "return",
    )
    return answer(link, parts, is_new=is_new)


@router.put(
    "/external/{external_id:path}",
    response_model=LinkOut,
    summary="Create or replace a link by another system's id",
    responses={
        201: {"model": LinkOut, "description": "It did not exist"},
        **examples.WITH_BODY,
        **examples.refusals(
            errors.CodeTaken, errors.DomainNotFound, errors.VersionMismatch, *examples.FIELDS, *examples.CODE
        ),
    },
)
def put_external(
    external_id: Annotated[str, Field(min_length=1, max_length=links.MAX_EXTERNAL_ID_LENGTH), one_line],
    body: LinkCreate,
    parts: PartsDep,
    principal: LinksWriter,
    if_match: IfMatch = None,
) -> Response:
    """Make the link that another system calls so exactly what is given; repeating it changes nothing."""
    link, is_new = service.put_external(
        parts.database, parts.link_policy, external_id, draft_of(body), actor=principal.actor, if_match=if_match
    )
    return answer(link, parts, is_new=is_new)


@router.get("/{code}", response_model=LinkOut, summary="Get a link", responses=examples.refusals(*examples.NAME))
def get(code: str, parts: PartsDep, _principal: LinksReader, domain: DomainName = "") -> Response:
    """One link, by its code or an alias, with its number of clicks. `ETag` is for `If-Match`."""
    link = service.get(parts.database, code, domain)
    return ORJSONResponse(render(link, parts), headers={"etag": links.etag(link)})


@router.patch(
    "/{code}",
    response_model=LinkOut,
    summary="Change a link",
    responses={
        **examples.WITH_BODY,
        **examples.refusals(
            *examples.NAME,
            errors.CodeTaken,
            errors.ExternalIdTaken,
            errors.VersionMismatch,
            *examples.FIELDS,
            *examples.CODE,
        ),
    },
)
def patch(
    code: str,
    body: LinkPatch,
    parts: PartsDep,
    principal: LinksWriter,
    domain: DomainName = "",
    if_match: IfMatch = None,
) -> Response:
    """Change the fields that are given; null takes away what may be absent. A new `code` renames the link: history
    and statistics stay. Seen by the next visit.
    """
    link = service.edit(
        parts.database,
        parts.link_policy,
        code,
        fields_of(body),
        actor=principal.actor,
        domain=domain,
        if_match=if_match,
    )
    parts.lookup.forget(domain, code)
    return answer(link, parts)


@router.put(
    "/{code}",
    response_model=LinkOut,
    summary="Create or replace a link",
    responses={
        201: {"model": LinkOut, "description": "It did not exist"},
        **examples.WITH_BODY,
        **examples.refusals(
            errors.DomainNotFound,
            errors.ExternalIdTaken,
            errors.VersionMismatch,
            errors.AliasInvalid,
            *examples.FIELDS,
            *examples.CODE,
        ),
    },
)
def put(
    code: str,
    body: LinkPut,
    parts: PartsDep,
    principal: LinksWriter,
    domain: DomainName = "",
    if_match: IfMatch = None,
) -> Response:
    """Make the link with this code exactly what is given: fields left out get their defaults."""
    draft = LinkDraft(**fields_of(body, whole=True), domain=domain)
    link, is_new = service.put(
        parts.database, parts.link_policy, code, draft, actor=principal.actor, if_match=if_match
    )
    return answer(link, parts, is_new=is_new)


@router.delete(
    "/{code}",
    status_code=204,
    summary="Delete a link",
    responses=examples.refusals(*examples.NAME, errors.VersionMismatch, errors.AliasInvalid),
    response_class=Response,
)
def delete(
    code: str, parts: PartsDep, principal: LinksWriter, domain: DomainName = "", if_match: IfMatch = None
) -> Response:
    """Delete a link with its aliases: its code is free again, what was counted stays. `undelete` brings it back for
    30 days.
    """
    link = service.delete(parts.database, code, actor=principal.actor, domain=domain, if_match=if_match)
    for name in (link.code, *link.aliases):
        parts.lookup.forget(link.domain, name)
    return NoContent()
