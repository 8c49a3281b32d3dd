"""/api/v1/tags.

A tag may contain slashes, so in a path it reaches to the end, or to `/merge`. That leaves no doubt as long as no
method has both a tag at its end and something behind one: do not add GET of a single tag. What stands behind a tag
refuses the methods of tags, unless there is a tag whose name ends like that.
"""

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import HTTPException, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from shortener import errors
from shortener.domain import page as pages
from shortener.domain.tag import Tag
from shortener.services import tags as service
from shortener.web.api import examples
from shortener.web.api.any_text import TAG
from shortener.web.api.route import ApiRoute, make_router
from shortener.web.api.schemas.fields import PageOut, one_line
from shortener.web.api.schemas.tags import TagCreate, TagMerge, TagOut, TagPatch
from shortener.web.deps import LinksReader, LinksWriter, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse


class _TagRoute(ApiRoute):
    """A route at the path of a tag."""

    async def check_resource(self, request: Request) -> None:
        """Raises HTTPException (405) for a path behind a tag, unless a tag's own name ends like that."""
        name = request.path_params.get("tag", "")
        if request.method == "POST" or not _BEHIND.search(name):
            return
        if not await run_in_threadpool(service.exists, request.app.state.parts.database, name):
            raise HTTPException(405)


router = make_router("tags", "/tags", _TagRoute)
#: How the paths end of what stands behind a tag.
_BEHIND = re.compile(r"/(?:merge|(?:stats|clicks)(?:\.csv|\.ndjson)?)$")


@router.post(
    "",
    status_code=201,
    response_model=TagOut,
    summary="Create a tag",
    responses={
        **examples.WITH_BODY,
        **examples.refusals(errors.TagTaken, errors.ValidationFailed, errors.TagInvalid, errors.ColorInvalid),
    },
)
def create(body: TagCreate, parts: PartsDep, principal: LinksWriter) -> Response:
    """Make a tag, with a colour if you like. Links that name a new tag make it too, without one."""
    made = service.create(parts.database, body.name, body.color, actor=principal.actor)
    headers = {"location": f"/api/v1/tags/{quote(made.name, safe='')}"}
    return ORJSONResponse(render(made), status_code=201, headers=headers)


@router.get(
    "",
    response_model=PageOut[TagOut],
    summary="List tags",
    responses=examples.refusals(errors.ValidationFailed, errors.CursorInvalid),
)
def listing(
    parts: PartsDep,
    _principal: LinksReader,
    search: Annotated[
        Annotated[str, Field(max_length=200), one_line] | None,
        Query(description="Part of a name.", examples=["sale"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Tags per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """All tags, by name, with what their links have. A click on a link with two tags counts for both."""
    found = service.search(parts.database, limit=limit, containing=search, cursor=cursor)
    return ORJSONResponse({"data": [render(tag) for tag in found.items], "next": found.next})


@router.post(
    f"/{TAG}/merge",
    response_model=TagOut,
    summary="Merge a tag into another",
    responses={
        **examples.WITH_BODY,
        **examples.refusals(errors.TagNotFound, errors.ValidationFailed, errors.TagInvalid),
    },
)
def merge(tag: str, body: TagMerge, parts: PartsDep, principal: LinksWriter) -> Response:
    """Give every link of this tag the other one instead, and delete this one. The answer is the other."""
    return ORJSONResponse(render(service.merge(parts.database, tag, body.into, actor=principal.actor)))


@router.patch(
    f"/{TAG}",
    response_model=TagOut,
    summary="Change a tag",
    responses={
        **examples.WITH_BODY,
        **examples.refusals(
            errors.TagNotFound, errors.TagTaken, errors.ValidationFailed, errors.TagInvalid, errors.ColorInvalid
        ),
    },
)
def patch(tag: str, body: TagPatch, parts: PartsDep, principal: LinksWriter) -> Response:
    """Rename a tag on all its links, or give it another colour; null takes the colour away."""
    edits = {field: getattr(body, field) for field in body.sent_fields()}
    return ORJSONResponse(render(service.edit(parts.database, tag, edits, actor=principal.actor)))


@router.delete(
    f"/{TAG}",
    status_code=204,
    summary="Delete a tag",
    responses=examples.refusals(errors.TagNotFound),
    response_class=Response,
)
def delete(tag: str, parts: PartsDep, principal: LinksWriter) -> Response:
    """Delete a tag and take it off all links, which stay."""
    service.delete(parts.database, tag, actor=principal.actor)
    return NoContent()


def render(tag: Tag) -> dict[str, object]:
    """A tag as TagOut says."""
    return {"name": tag.name, "color": tag.color, "links": tag.links, "clicks": tag.clicks, "unique": tag.unique}
