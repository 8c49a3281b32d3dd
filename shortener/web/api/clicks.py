"""…/clicks, …/clicks.csv and …/clicks.ndjson: raw clicks of all links, of a link, domain or tag, and of orphans."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query
from starlette.responses import Response

from shortener import errors
from shortener.domain import page as pages
from shortener.domain.access import Principal, Scope
from shortener.domain.table import Form
from shortener.services import clicks as service
from shortener.services.clicks import Kind, Whose
from shortener.web.api import attachments, examples
from shortener.web.api.any_text import TAG
from shortener.web.api.attachments import ByteOrderMark
from shortener.web.api.classes import Classes
from shortener.web.api.filters import FiltersDep
from shortener.web.api.periods import PeriodDep
from shortener.web.api.route import make_router
from shortener.web.api.schemas.clicks import EXAMPLE, ClickOut
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.stats import DEFAULT
from shortener.web.deps import DomainName, PartsDep, principal_with
from shortener.web.responses import ORJSONResponse

router = make_router("stats")

_ERRORS = (errors.ValidationFailed, errors.TimeZoneUnknown, errors.PeriodInvalid)
_EXAMPLE_ROW = [EXAMPLE.get(column) for column in service.COLUMNS]


class _Place(NamedTuple):
    """Where clicks are found, and whose they are."""

    path: str
    kind: Kind
    #: What the path says of them.
    whose: Callable[..., Any]
    #: For the description: clicks on …
    what: str
    refused: tuple[type[errors.Refused], ...] = ()
    #: Whoever knows the orphans' paths can find links by them.
    needs: Scope = Scope.STATS_READ


async def _all() -> Whose:
    return Whose(Kind.ALL)


async def _of_link(code: str, domain: DomainName = "") -> Whose:
    return Whose(Kind.LINK, code, domain)


async def _of_domain(name: str) -> Whose:
    return Whose(Kind.DOMAIN, "" if name == DEFAULT else name)


async def _of_tag(tag: str) -> Whose:
    return Whose(Kind.TAG, tag)


async def _orphans() -> Whose:
    return Whose(Kind.ORPHANS)


_PLACES = (
    _Place("", Kind.ALL, _all, "all links"),
    _Place("/links/{code}", Kind.LINK, _of_link, "a link", (errors.LinkNotFound, errors.DomainInvalid)),
    _Place("/domains/{name}", Kind.DOMAIN, _of_domain, "the links of a domain", (errors.DomainNotFound,)),
    _Place(f"/tags/{TAG}", Kind.TAG, _of_tag, "the links with a tag", (errors.TagNotFound,)),
    _Place("/orphans", Kind.ORPHANS, _orphans, "paths that no link has", needs=Scope.ADMIN),
)


def _listing(place: _Place) -> Callable[..., Response]:
    def listing(
        parts: PartsDep,
        _principal: Annotated[Principal, Depends(principal_with(place.needs))],
        whose: Annotated[Whose, Depends(place.whose)],
        asked: PeriodDep,
        classes: Classes,
        filters: FiltersDep,
        limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Clicks per page.")] = pages.DEFAULT_LIMIT,
        cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    ) -> Response:
        """Single clicks, the newest first, as long as they are kept.

        They go from day to day (UTC), and through a day in the order in which they were counted. Only those of people
        are shown unless `class` says otherwise. Clicks on links that have been deleted since are among them.
        """
        found = service.listing(parts.database, whose, asked, classes, filters, limit=limit, cursor=cursor)
        data = [dict(zip(service.COLUMNS, row, strict=True)) for row in found.items]
        return ORJSONResponse({"data": data, "next": found.next})

    return listing


def _file(place: _Place, form: Form) -> Callable[..., Response]:
    def file(
        parts: PartsDep,
        _principal: Annotated[Principal, Depends(principal_with(place.needs))],
        whose: Annotated[Whose, Depends(place.whose)],
        asked: PeriodDep,
        classes: Classes,
        filters: FiltersDep,
        bom: ByteOrderMark = False,
    ) -> Response:
        """All clicks of a period as a file, the oldest first; it is sent while they are read, however many they are.

        Those that are counted after it has begun are not in it. Text that a spreadsheet could take for a formula has
        an apostrophe before it in CSV, and so have parts of a text behind a semicolon, a tab or a line break.
        """
        export = service.export(parts.database, whose, asked, classes, filters)
        return attachments.attachment(form, "clicks", service.COLUMNS, export.pieces, bom=bom, total=export.total)

    return file


def _add(place: _Place) -> None:
    router.add_api_route(
        f"{place.path}/clicks",
        _listing(place),
        name=f"clicks_{place.kind}",
        summary=f"Single clicks on {place.what}",
        response_model=PageOut[ClickOut],
        responses=examples.refusals(*place.refused, *_ERRORS, errors.CursorInvalid),
    )
    for form in Form:
        router.add_api_route(
            f"{place.path}/clicks.{form}",
            _file(place, form),
            name=f"clicks_{form}_{place.kind}",
            summary=f"Single clicks on {place.what} as {form.upper()}",
            response_class=Response,
            responses={
                **attachments.responses(form, service.COLUMNS, _EXAMPLE_ROW, counted=True),
                **examples.refusals(*place.refused, *_ERRORS),
            },
        )


for _place in _PLACES:
    _add(_place)
