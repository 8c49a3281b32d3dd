"""GET /api/v1/links: links filtered, sorted and by pages."""

from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import Field
from starlette.responses import Response

from shortener import errors
from shortener.domain import link as links
from shortener.domain import page as pages
from shortener.domain import tag as tags
from shortener.domain.link import State
from shortener.domain.listing import MAX_COUNT, LinkFilter, Order, Range, Sort, TagMatch
from shortener.services import listing as service
from shortener.services.listing import PageChoice
from shortener.web.api import examples
from shortener.web.api.rendering import render
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import A_MOMENT, Moment, one_line
from shortener.web.api.schemas.links import LinkPageOut
from shortener.web.deps import LinksReader, PartsDep
from shortener.web.responses import ORJSONResponse

router = make_router("links", "/links")

Tags = Annotated[
    list[Annotated[str, Field(max_length=tags.MAX_LENGTH)]],
    Query(
        max_length=links.MAX_TAGS,
        description="Only links with this tag; given several times, `tag_match` says how many of them a link has.",
        examples=["print"],
    ),
]
Host = Annotated[str, Field(max_length=253), one_line]


async def _created(
    created_start: Annotated[
        Moment | None, Query(description="Only links created then or later.", examples=["2026-11-01T00:00:00Z"])
    ] = None,
    created_end: Annotated[
        Moment | None, Query(description="Only links created before.", examples=[A_MOMENT])
    ] = None,
) -> Range:
    return _range("created", created_start, created_end)


async def _clicked(
    clicked_start: Annotated[
        Moment | None,
        Query(description="Only links that a person last clicked then or later.", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    clicked_end: Annotated[
        Moment | None, Query(description="Only links that no person has clicked since.", examples=[A_MOMENT])
    ] = None,
) -> Range:
    return _range("clicked", clicked_start, clicked_end)


async def _wanted(
    created: Annotated[Range, Depends(_created)],
    clicked: Annotated[Range, Depends(_clicked)],
    search: Annotated[
        Annotated[str, Field(max_length=200), one_line] | None,
        Query(
            description="Part of a code, target, title or note, as people read it, in any case.", examples=["sale"]
        ),
    ] = None,
    tag: Tags = [],  # noqa: B006  # read only
    tag_match: Annotated[
        TagMatch, Query(description="Links that have `all` of the tags, `any` or `none`.")
    ] = TagMatch.ALL,
    domain: Annotated[
        Host | None,
        Query(description="Only links on this domain; empty is the default one.", examples=["go.example.com"]),
    ] = None,
    state: Annotated[
        State | None,
        Query(
            description="Only links in this state. `deleted`: those that were deleted in the last "
            f"{links.UNDELETE_DAYS} days, which `undelete` brings back; otherwise only living links are listed.",
            examples=["expired"],
        ),
    ] = None,
    target_host: Annotated[
        Host | None, Query(description="Only links to this host.", examples=["example.com"])
    ] = None,
    owner: Annotated[
        Annotated[str, Field(max_length=64), one_line] | None,
        Query(description="Only links created with the API key that has this id.", examples=["5f0c2a9be1d4"]),
    ] = None,
) -> LinkFilter:
    return LinkFilter(search, tuple(tag), tag_match, domain, state, created, clicked, target_host, owner)


async def _order(
    sort: Annotated[Sort, Query(description="What to sort by.")] = Sort.CREATED,
    order: Annotated[Literal["asc", "desc"], Query(description="Which end comes first.")] = "desc",
) -> Order:
    return Order(sort, order == "desc")


async def _choice(
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Links per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    page: Annotated[
        int | None,
        Query(
            ge=1,
            description=f"The number of the page, from 1, within the first {MAX_COUNT:,} links. Links that are "
            "created meanwhile move others to the next page; with `cursor` none shows twice.",
            examples=[2],
        ),
    ] = None,
    total: Annotated[bool, Query(description="`true` counts the links; numbered pages always do.")] = False,
) -> PageChoice:
    if page is not None and cursor is not None:
        raise _invalid("page", "page-and-cursor", "Give `page` or `cursor`, not both.")
    if page is not None and page * limit > MAX_COUNT:
        last = MAX_COUNT // limit
        message = f"Page {page} is behind the first {MAX_COUNT:,} links: with this limit the last page is {last}."
        raise _invalid("page", "page-too-large", f"{message} Use `cursor` to go on.")
    return PageChoice(limit, cursor, page, total)


FilterDep = Annotated[LinkFilter, Depends(_wanted)]
OrderDep = Annotated[Order, Depends(_order)]
ChoiceDep = Annotated[PageChoice, Depends(_choice)]


@router.get(
    "",
    response_model=LinkPageOut,
    summary="List links",
    responses=examples.refusals(
        errors.ValidationFailed, errors.CursorInvalid, errors.TagInvalid, errors.DomainInvalid
    ),
)
def list_links(
    parts: PartsDep, _principal: LinksReader, wanted: FilterDep, order: OrderDep, choice: ChoiceDep
) -> Response:
    """All living links, or those that filters leave, by pages. Sorting is stable, and by cursors no link shows twice
    while others are created.
    """
    found = service.list_links(parts.database, wanted, order, choice)
    return ORJSONResponse(
        {
            "data": [render(link, parts) for link in found.page.items],
            "next": found.page.next,
            "total": found.total and {"count": found.total.count, "is_exact": found.total.is_exact},
        }
    )


def _range(name: str, start: Moment | None, end: Moment | None) -> Range:
    if start is not None and end is not None and start >= end:
        message = f"`{name}_end` must be later than `{name}_start`; a range does not contain its end."
        raise _invalid(f"{name}_end", "range-empty", message)
    return Range(start, end)


def _invalid(field: str, code: str, message: str) -> errors.ValidationFailed:
    return errors.ValidationFailed([errors.FieldProblem(field, code, message)])
