"""The canonical redirect routes: from a request to an answer of redirect/answer, recorded before it is sent."""

import time

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from shortener import errors, metrics
from shortener.domain import code as codes
from shortener.domain import period
from shortener.domain.link import State
from shortener.redirect.answer import READING, WRITING, Answer, Outcome, answer
from shortener.redirect.entry import Entry
from shortener.web import clicks
from shortener.web import errors as problems
from shortener.web.api import examples
from shortener.web.clicks import Recorder
from shortener.web.deps import PartsDep

router = APIRouter(tags=["visits"])

_GONE = {
    State.DISABLED: "The owner of this link has switched it off.",
    State.EXPIRED: "This link has expired.",
}


async def visit(request: Request, code: str, parts: PartsDep) -> Response:
    """Follow a short link. A visit is counted before it is answered; HEAD gets the same headers and is never counted.

    Methods other than GET and HEAD are redirected by links with status 307 or 308 only, which keep method and body.
    """
    normal = codes.normal_form(code)
    if code in parts.own_pages and request.method not in READING:
        # The router comes here because the page itself does not know the method.
        return not_allowed(request, code)
    if code in parts.link_policy.reserved:
        raise errors.PathNotFound
    entry = await parts.lookup.find("", normal) if normal else None
    now_ms = time.time_ns() // 1_000_000
    given = answer(entry, request.method, period.from_ms(now_ms), parts.answer_policy)
    metrics.VISITS.labels(given.outcome).inc()
    if parts.recorder is not None:
        await _record(parts.recorder, request, entry, given, now_ms)
    return _respond(request, given, code)


async def _record(recorder: Recorder, request: Request, entry: Entry | None, given: Answer, now_ms: int) -> None:
    """Records the visit if it is one to be counted."""
    scope = request.scope
    peer = (scope.get("client") or ("",))[0]
    visit = clicks.Request(scope["headers"], dict(scope["headers"]), peer, scope["query_string"])
    if given.counted and entry is not None:
        recorder.record(entry.click, visit, now_ms)
    elif entry is None and request.method != "HEAD":
        recorder.record_orphan(scope["path"], visit)
    if recorder.waits:
        await recorder.durable()


def _respond(request: Request, given: Answer, code: str) -> Response:
    headers = {"cache-control": given.cache_control}
    if given.location is not None:
        return RedirectResponse(given.location, given.status, headers)
    match given.outcome:
        case Outcome.GONE:
            return problems.respond(request, errors.LinkGone(_GONE[given.state]))
        case Outcome.METHOD_NOT_ALLOWED:
            return problems.respond(request, _not_allowed(given), {"allow": ", ".join(given.allow)})
        case _:
            return problems.respond(request, problems.link_not_found(code))


def _not_allowed(given: Answer) -> errors.MethodNotAllowed:
    return errors.MethodNotAllowed(f"This path answers {', '.join(given.allow)} only.")


def not_allowed(request: Request, code: str) -> Response:
    """Answers methods that neither short links nor our own pages have."""
    return _respond(request, Answer(Outcome.METHOD_NOT_ALLOWED), code)


def mount(into: APIRouter) -> None:
    """Adds the routes of short links to `into`; they must come last, since they match any first segment."""
    for path in ("/{code}", "/{code}/"):
        documented = path == "/{code}"
        for method in (*READING, *WRITING):
            into.add_api_route(
                path,
                visit,
                methods=[method],
                include_in_schema=documented,
                operation_id=f"visit_{method.lower()}",
                summary=f"Follow a short link ({method})",
                status_code=302,
                response_class=RedirectResponse,
                responses=examples.VISIT,
            )
        into.add_api_route(path, not_allowed, methods=["OPTIONS", "TRACE"], include_in_schema=False)


mount(router)
