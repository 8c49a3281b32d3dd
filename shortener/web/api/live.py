"""/api/v1/live and /api/v1/links/{code}/live: clicks as they happen."""

import re
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from shortener import errors
from shortener.domain.click import ClickClass, Dimension
from shortener.services import live as service
from shortener.storage.live import Click, Wanted
from shortener.web import events
from shortener.web.api import examples
from shortener.web.api.classes import Classes
from shortener.web.api.filters import FiltersDep
from shortener.web.api.route import make_router
from shortener.web.deps import DomainName, Parts, PartsDep, StatsReader, sent_key
from shortener.web.streams import EventStream

router = make_router("stats")

_EVENT_ID = re.compile(r"[0-9]{1,18}")
#: Characters of an id that an error repeats.
_MOST_SHOWN = 40
_HEADER, _PARAMETER = "Last-Event-ID", "last_event_id"
_EXAMPLE = Click(
    id=184_467,
    link_id=7,
    time_ms=1_795_404_142_003,
    click_class=ClickClass.HUMAN,
    is_first=True,
    domain="",
    values={Dimension.CODE: "menu", Dimension.BROWSER: "Firefox", Dimension.COUNTRY: "DE"},
)
_EVENTS: examples.Responses = {
    200: {
        "description": "Events without an end.",
        "content": {
            EventStream.media_type: {
                "schema": {"type": "string"},
                "example": (events.OPENING + events.reached(184_466) + events.click(_EXAMPLE)).decode(),
            }
        },
    }
}
# Those of any call come again, since a status is described in one place.
_REFUSALS = (
    errors.ValidationFailed,
    errors.LiveUnavailable,
    errors.DatabaseUnavailable,
    errors.DatabaseBusy,
)


async def _last_seen(
    header: Annotated[
        str | None,
        Header(alias=_HEADER, description="`id` of the last event seen: what came since is told first."),
    ] = None,
    parameter: Annotated[
        str | None,
        Query(alias=_PARAMETER, description="The same, where no header can be sent; the header goes before it."),
    ] = None,
) -> int | None:
    """The id of the last event that the client has seen. Raises ValidationFailed."""
    in_parameter = _event_id(_PARAMETER, parameter)
    in_header = _event_id(_HEADER, header)
    return in_parameter if in_header is None else in_header


def _event_id(name: str, text: str | None) -> int | None:
    if not text:  # a client that has seen none yet
        return None
    if _EVENT_ID.fullmatch(text) is None:
        message = f"'{text[:_MOST_SHOWN]}' is no id of an event; those are whole numbers of up to 18 digits."
        raise errors.ValidationFailed([errors.FieldProblem(name, "event-id-invalid", message)])
    return int(text)


LastSeen = Annotated[int | None, Depends(_last_seen)]


@router.get(
    "/live",
    response_class=Response,
    name="live_all",
    summary="Clicks on all links as they happen",
    responses={**_EVENTS, **examples.refusals(*_REFUSALS)},
)
def of_all(
    _principal: StatsReader, request: Request, classes: Classes, filters: FiltersDep, after: LastSeen, parts: PartsDep
) -> Response:
    """Server-sent events, one for each click on any link, within two seconds of it.

    `click`: a click, as JSON. `gap`: so many clicks were left out (null: nobody knows how many), since more were
    missed than are told again. `closed`: the stream ends, because its client is too slow, its key is good no more, or
    the server stops; come back with the last `id`.
    """
    return _stream(parts, request, service.of_all(classes, filters), after)


@router.get(
    "/links/{code}/live",
    response_class=Response,
    name="live_link",
    summary="Clicks on a link as they happen",
    responses={**_EVENTS, **examples.refusals(errors.LinkNotFound, errors.DomainInvalid, *_REFUSALS)},
)
def of_link(
    code: str,
    _principal: StatsReader,
    request: Request,
    classes: Classes,
    filters: FiltersDep,
    after: LastSeen,
    parts: PartsDep,
    domain: DomainName = "",
) -> Response:
    """The same for one link, by whichever of its codes it is visited."""
    return _stream(parts, request, service.of_link(parts.database, code, classes, domain, filters), after)


def _stream(parts: Parts, request: Request, wanted: Wanted, after: int | None) -> Response:
    if parts.live is None:
        raise errors.LiveUnavailable("Clicks are told only by a running server.")
    return EventStream(parts.live, parts.database, wanted, sent_key(request), after)
