"""/api/v1/links."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import link as links
from shortener.domain import page as pages
from shortener.domain.link import Link, LinkDraft
from shortener.services import links as service
from shortener.storage.links import Sort
from shortener.web.api import examples
from shortener.web.api.schemas.fields import PageOut, one_line
from shortener.web.api.schemas.links import LinkCreate, LinkOut, LinkPatch, LinkPut
from shortener.web.deps import LinksReader, LinksWriter, Parts, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = APIRouter(
    prefix="/links", tags=["links"], responses=examples.WITH_KEY, default_response_class=ORJSONResponse
)

_FIELD_ERRORS = (
    errors.ValidationFailed,
    errors.TargetInvalid,
    errors.TargetTooLong,
    errors.TargetCharacters,
    errors.TargetScheme,
    errors.TargetUserInfo,
    errors.TargetOwnHost,
    errors.DatesContradict,
    errors.TagInvalid,
)
_CODE_ERRORS = (errors.CodeInvalid, errors.CodeReserved)


@router.post(
    "",
    status_code=201,
    response_model=LinkOut,
    summary="Create a link",
    responses={
        200: {"model": LinkOut, "description": "With `if_exists=return`: the link that was there"},
        **examples.WITH_BODY,
        **examples.refusals(errors.CodeTaken, *_FIELD_ERRORS, *_CODE_ERRORS),
    },
)
def create(
    body: LinkCreate,
    parts: PartsDep,
    caller: LinksWriter,
    if_exists: Annotated[
        Literal["return"] | None,
        Query(description="`return`: if a link to this target exists (with this code, if one is given), return it."),
    ] = None,
) -> Response:
    """Make a short link. `{"target": "https://…"}` is enough: a code is made, and everything else has a default."""
    draft = LinkDraft(**_fields(body))
    link, is_new = service.create(
        parts.database, parts.link_policy, draft, actor=caller.actor, return_existing=if_exists == "return"
    )
    return _written(link, parts, is_new=is_new)


@router.get(
    "",
    response_model=PageOut[LinkOut],
    summary="List links",
    responses=examples.refusals(errors.ValidationFailed, errors.CursorInvalid, errors.TagInvalid),
)
def listing(
    parts: PartsDep,
    _caller: LinksReader,
    search: Annotated[
        Annotated[str, Field(max_length=200), one_line] | None,
        Query(description="Part of a code, target, title or note.", examples=["sale"]),
    ] = None,
    tag: Annotated[
        str | None, Query(max_length=64, description="Only links with this tag.", examples=["print"])
    ] = None,
    sort: Annotated[Sort, Query(description="What to sort by.")] = Sort.CREATED,
    order: Annotated[Literal["asc", "desc"], Query(description="Which end comes first.")] = "desc",
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Links per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.", examples=[None])] = None,
) -> Response:
    """All living links, by pages. Sorting is stable, and no link shows twice while others are made."""
    found = service.search(
        parts.database, limit=limit, sort=sort, descending=order == "desc", text=search, tag=tag, cursor=cursor
    )
    return ORJSONResponse({"data": [render(link, parts) for link in found.items], "next": found.next})


@router.get("/{code}", response_model=LinkOut, summary="Get a link", responses=examples.refusals(errors.LinkNotFound))
def get(code: str, parts: PartsDep, _caller: LinksReader) -> Response:
    """One link, with its number of clicks."""
    return ORJSONResponse(render(service.get(parts.database, code), parts))


@router.patch(
    "/{code}",
    response_model=LinkOut,
    summary="Change a link",
    responses={**examples.WITH_BODY, **examples.refusals(errors.LinkNotFound, *_FIELD_ERRORS)},
)
def patch(code: str, body: LinkPatch, parts: PartsDep, caller: LinksWriter) -> Response:
    """Change the fields that are given; null takes away what may be absent. Seen by the next visit."""
    edits = {name: value for name, value in _fields(body).items() if name in body.model_fields_set}
    return _written(service.edit(parts.database, parts.link_policy, code, edits, actor=caller.actor), parts)


@router.put(
    "/{code}",
    response_model=LinkOut,
    summary="Create or replace a link",
    responses={
        201: {"model": LinkOut, "description": "It did not exist"},
        **examples.WITH_BODY,
        **examples.refusals(*_FIELD_ERRORS, *_CODE_ERRORS),
    },
)
def put(code: str, body: LinkPut, parts: PartsDep, caller: LinksWriter) -> Response:
    """Make the link with this code exactly what is given: fields left out get their defaults."""
    draft = LinkDraft(**_fields(body))
    link, is_new = service.put(parts.database, parts.link_policy, code, draft, actor=caller.actor)
    return _written(link, parts, is_new=is_new)


@router.delete(
    "/{code}",
    status_code=204,
    summary="Delete a link",
    responses=examples.refusals(errors.LinkNotFound),
    response_class=Response,
)
def delete(code: str, parts: PartsDep, caller: LinksWriter) -> Response:
    """Delete a link: its code is free again, what was counted stays."""
    link = service.delete(parts.database, code, actor=caller.actor)
    parts.lookup.forget(link.domain, link.code)
    return NoContent()


def render(link: Link, parts: Parts) -> dict[str, object]:
    """A link as LinkOut says."""
    settings = parts.settings
    return {
        "code": link.code,
        "domain": link.domain,
        "short_url": f"{settings.public_url}/{codes.in_path(link.code)}",
        "target": link.target,
        "title": link.title,
        "notes": link.notes,
        "tags": link.tags,
        "status": link.status,
        "enabled": link.enabled,
        "valid_from": link.valid_from,
        "expires_at": link.expires_at,
        "expired_target": link.expired_target,
        "clicks": link.clicks,
        "unique": link.unique,
        "last_clicked_at": link.last_clicked_at,
        "created_at": link.created_at,
        "updated_at": link.updated_at,
        "version": link.version,
        "warnings": links.warnings(link.status, settings.redirect_status, settings.redirect_cache_seconds),
    }


def _fields(body: LinkPut | LinkPatch) -> dict[str, Any]:
    """The fields of a body as a draft takes them."""
    values = {name: getattr(body, name) for name in type(body).model_fields}
    return {**values, "tags": tuple(body.tags)}


def _written(link: Link, parts: Parts, *, is_new: bool = False) -> Response:
    """Answers with a link that has just been written, once visits to this worker see it so."""
    parts.lookup.forget(link.domain, link.code)
    headers = {"location": f"/api/v1/links/{codes.in_path(link.code)}"} if is_new else {}
    return ORJSONResponse(render(link, parts), status_code=201 if is_new else 200, headers=headers)
