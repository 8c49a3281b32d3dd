"""/api/v1/links: making, finding and changing links one at a time."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from shortener import errors
from shortener.domain import link as links
from shortener.domain import page as pages
from shortener.domain import tag as tags
from shortener.domain.link import LinkDraft
from shortener.services import links as service
from shortener.storage.links import Sort
from shortener.web.api import examples
from shortener.web.api.rendering import answer, draft_of, fields_of, render
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import PageOut, one_line
from shortener.web.api.schemas.links import LinkCreate, LinkOut, LinkPatch, LinkPut
from shortener.web.deps import DomainName, IfMatch, LinksReader, LinksWriter, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = make_router("links", "/links")

Tags = Annotated[
    list[Annotated[str, Field(max_length=tags.MAX_LENGTH)]],
    Query(
        max_length=links.MAX_TAGS,
        description="Only links with this tag; given several times, only links with all of them.",
        examples=["print"],
    ),
]
OnlyDeleted = Annotated[
    Literal["deleted"] | None,
    Query(
        description=f"`deleted`: instead the links that were deleted in the last {links.UNDELETE_DAYS} days, which "
        "`undelete` brings back.",
        examples=["deleted"],
    ),
]


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
    caller: LinksWriter,
    if_exists: Annotated[
        Literal["return"] | None,
        Query(description="`return`: if a link to this target exists (with this code, if one is given), return it."),
    ] = None,
) -> Response:
    """Make a short link. `{"target": "https://…"}` is enough: a code is made, and everything else has a default."""
    link, is_new = service.create(
        parts.database, parts.link_policy, draft_of(body), actor=caller.actor, return_existing=if_exists == "return"
    )
    return answer(link, parts, is_new=is_new)


@router.get(
    "",
    response_model=PageOut[LinkOut],
    summary="List links",
    responses=examples.refusals(
        errors.ValidationFailed, errors.CursorInvalid, errors.TagInvalid, errors.DomainInvalid
    ),
)
def listing(
    parts: PartsDep,
    _caller: LinksReader,
    search: Annotated[
        Annotated[str, Field(max_length=200), one_line] | None,
        Query(
            description="Part of a code, target, title or note, as people read it, in any case.", examples=["sale"]
        ),
    ] = None,
    tag: Tags = [],  # noqa: B006  # read only
    domain: Annotated[
        Annotated[str, Field(max_length=253), one_line] | None,
        Query(description="Only links on this domain; empty is the default one.", examples=["go.example.com"]),
    ] = None,
    state: OnlyDeleted = None,
    sort: Annotated[Sort, Query(description="What to sort by.")] = Sort.CREATED,
    order: Annotated[Literal["asc", "desc"], Query(description="Which end comes first.")] = "desc",
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Links per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """All living links, or those that can be undeleted, by pages. Sorting is stable, and no link shows twice while
    others are made.
    """
    found = service.search(
        parts.database,
        limit=limit,
        sort=sort,
        descending=order == "desc",
        text=search,
        tagged=tag,
        domain=domain,
        deleted=state == "deleted",
        cursor=cursor,
    )
    return ORJSONResponse({"data": [render(link, parts) for link in found.items], "next": found.next})


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
    caller: LinksWriter,
    if_match: IfMatch = None,
) -> Response:
    """Make the link that another system calls so exactly what is given; repeating it changes nothing."""
    link, is_new = service.put_external(
        parts.database, parts.link_policy, external_id, draft_of(body), actor=caller.actor, if_match=if_match
    )
    return answer(link, parts, is_new=is_new)


@router.get("/{code}", response_model=LinkOut, summary="Get a link", responses=examples.refusals(*examples.NAME))
def get(code: str, parts: PartsDep, _caller: LinksReader, domain: DomainName = "") -> Response:
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
    caller: LinksWriter,
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
        actor=caller.actor,
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
    caller: LinksWriter,
    domain: DomainName = "",
    if_match: IfMatch = None,
) -> Response:
    """Make the link with this code exactly what is given: fields left out get their defaults."""
    draft = LinkDraft(**fields_of(body, whole=True), domain=domain)
    link, is_new = service.put(parts.database, parts.link_policy, code, draft, actor=caller.actor, if_match=if_match)
    return answer(link, parts, is_new=is_new)


@router.delete(
    "/{code}",
    status_code=204,
    summary="Delete a link",
    responses=examples.refusals(*examples.NAME, errors.VersionMismatch, errors.AliasInvalid),
    response_class=Response,
)
def delete(
    code: str, parts: PartsDep, caller: LinksWriter, domain: DomainName = "", if_match: IfMatch = None
) -> Response:
    """Delete a link with its aliases: its code is free again, what was counted stays. `undelete` brings it back for
    30 days.
    """
    link = service.delete(parts.database, code, actor=caller.actor, domain=domain, if_match=if_match)
    for name in (link.code, *link.aliases):
        parts.lookup.forget(link.domain, name)
    return NoContent()
