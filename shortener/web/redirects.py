"""The canonical redirect routes: from a request to an answer of redirect/answer, recorded before it is sent."""

import re
import time
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shortener import errors, metrics
from shortener.domain import code as codes
from shortener.domain import period
from shortener.domain.click import ClickClass
from shortener.domain.link import State
from shortener.domain.query import Query
from shortener.redirect import loop
from shortener.redirect.answer import READING, WRITING, Answer, Outcome, Visit, allowed, answer, gone
from shortener.redirect.entry import Entry
from shortener.web import clicks, forms, limits, passwords, prefetches
from shortener.web import errors as problems
from shortener.web.api import examples
from shortener.web.clicks import Recorder
from shortener.web.deps import Parts, PartsDep
from shortener.web.public_route import PublicRoute
from shortener.web.responses import Redirect
from shortener.web.visitors import Facts

router = APIRouter(tags=["visits"], route_class=PublicRoute)

#: In the state of a request: whether its path began with two slashes.
_TYPED = "typed"
_SLASH = re.compile(rb"/|%2[Ff]")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A visit on its way through this module."""

    request: Request
    parts: Parts
    #: As the visitor wrote it.
    code: str
    #: The domain that the Host header names.
    domain: str
    entry: Entry | None
    click: clicks.Request
    visit: Visit
    now_ms: int

    @property
    def now(self) -> datetime:
        """The date and time of the visit."""
        return period.from_ms(self.now_ms)


async def visit(request: Request, code: str, parts: PartsDep) -> Response:
    """Follow a short link. A visit is counted before it is answered; HEAD gets the same headers and is never counted.

    Methods other than GET and HEAD are redirected by links with status 307 or 308 only, which keep method and body.
    """
    if code in parts.link_policy.reserved:
        return problems.no_route(request)
    if request.method == "GET" and prefetches.is_prefetch(dict(request.scope["headers"])):
        return prefetches.refuse(request)
    asked = await _asked(request, code, parts)
    if asked.entry is None and (meant := codes.without_end(code)) is not None:
        asked = await _meant(asked, meant)
    if request.method not in (*READING, *WRITING):
        allow = allowed(asked.entry, asked.visit, period.from_ms(asked.now_ms))
        return _respond(request, Answer(Outcome.METHOD_NOT_ALLOWED, allow=allow), code)
    if asked.visit.path and (asked.entry is None or not asked.entry.forward_path):
        raise errors.PathNotFound
    if asked.entry is not None and asked.entry.is_guarded:
        return await _guarded(asked, asked.entry)
    return await _finish(asked, _answer(asked))


async def _asked(request: Request, code: str, parts: Parts) -> _Asked:
    normal = codes.normal_form(code)
    click = clicks.of_scope(request.scope)
    domain = parts.domains.of_host(click.fields.get(b"host", b""))
    entry = await parts.lookup.find(domain, normal) if normal else None
    click.is_typed = entry is not None and _TYPED in request.scope.get("state", {})
    now_ms = time.time_ns() // 1_000_000
    visitor = parts.visitors.of(click)
    query = Query(click.query.decode("utf-8", "replace"))
    visit = Visit(
        request.method,
        normal or "",
        _path_behind_code(request),
        query,
        Facts(visitor, click, query, now_ms),
        visitor.share,
    )
    return _Asked(request, parts, code, domain, entry, click, visit, now_ms)


async def _meant(asked: _Asked, code: str) -> _Asked:
    """The visit as one of the link called `code`, if there is one. The cache never knows the path that was typed."""
    entry = await asked.parts.lookup.find(asked.domain, code)
    if entry is None:
        return asked
    asked.click.is_typed = True
    # Pages about the link name it, and forms lead to it.
    asked.request.path_params["code"] = code
    return replace(asked, entry=entry, visit=asked.visit._replace(code=code))


def _path_behind_code(request: Request) -> str:
    """What stands behind `/code/`, as it came."""
    if not request.path_params.get("rest"):
        return ""
    # The router goes by the decoded path, in which a slash may come from an escape.
    return _SLASH.split(bytes(request.scope["raw_path"])[1:], 1)[1].decode("utf-8", "replace")


def _answer(asked: _Asked) -> Answer:
    not_found_target = asked.parts.domains.of(asked.domain).not_found_target
    return answer(asked.entry, asked.visit, asked.now, asked.parts.answer_policy, not_found_target)


async def _without_loop(asked: _Asked, entry: Entry, given: Answer) -> Answer:
    """`given`, unless that would lead the visitor to the same link again."""
    place = loop.place_of(given.location, entry, asked.parts.domains) if entry.may_loop else None
    try:
        found = await asked.parts.lookup.find(*place) if place is not None else None
    except errors.DatabaseUnavailable:  # a link that is known redirects; the next visit may be answered better
        found = None
    if found is None or found.id != entry.id:
        return given
    return loop.broken(given, asked.parts.domains.of(asked.domain).not_found_target)


async def _guarded(asked: _Asked, entry: Entry) -> Response:
    """The response to a visit of a link with a password or a limit, or one that may lead to itself."""
    request, parts = asked.request, asked.parts
    # With the header, a body is the visitor's own, to be sent on to the target.
    form = await forms.read(request) if passwords.in_header(request) is None else None
    is_use = limits.is_form(entry, form)
    if entry.state(asked.now) is not State.LIVE:
        return await _ended(asked, entry, is_form=form is not None and (is_use or entry.password_hash is not None))
    if is_use:
        forms.check_origin(request, parts)
    if entry.password_hash is not None:
        asking = await passwords.ask(request, entry, asked.click, parts, None if is_use else form)
        if asking is not None:
            return asking
    if form is None or not (is_use or entry.password_hash is not None):
        return await _granted(asked, entry, parts.visitors.click_class(asked.click))
    response = await _by_form(asked, entry)
    if not is_use:
        parts.grants.give(response, entry)
    return response


async def _ended(asked: _Asked, entry: Entry, *, is_form: bool) -> Response:
    """The response to a visit of a link that is not live. A form comes from a page that was loaded while it was."""
    asked = _fetched(asked) if is_form else asked
    given = await _without_loop(asked, entry, _answer(asked))
    return await _finish(asked, replace(given, status=303) if is_form else given)


async def _by_form(asked: _Asked, entry: Entry) -> Response:
    """The response to a person who has sent a form of ours: that of a visit, fetched anew by GET (303)."""
    return await _granted(_fetched(asked), entry, ClickClass.HUMAN, 303)


def _fetched(asked: _Asked) -> _Asked:
    """The visit as the one by GET that follows a form."""
    return replace(asked, visit=asked.visit._replace(method="GET"))


async def _granted(asked: _Asked, entry: Entry, kind: ClickClass, status: int | None = None) -> Response:
    """The response to a visit by a visitor of class `kind` that the password lets through, if the limit does.

    `status` is that of a redirect, if not the link's own.
    """
    given = await _without_loop(asked, entry, _answer(asked))
    if entry.is_limited and given.outcome is Outcome.REDIRECT:
        over = partial(gone, entry, asked.visit)
        taken = await limits.take_slot(
            asked.request, entry, given, over, asked.click, asked.now_ms, asked.parts, kind
        )
        if isinstance(taken, Response):
            return taken
        given = taken
    return await _finish(asked, given if status is None else replace(given, status=status))


async def _finish(asked: _Asked, given: Answer) -> Response:
    """Records the visit and responds to it with `given`."""
    metrics.VISITS.labels(given.outcome).inc()
    if asked.parts.recorder is not None:
        await _record(asked.parts.recorder, asked, given)
    return _respond(asked.request, given, asked.code)


async def _record(recorder: Recorder, asked: _Asked, given: Answer) -> None:
    """Records the visit if it is one to be counted."""
    if given.click is not None:
        recorder.record(given.click, asked.click, asked.now_ms)
    elif asked.entry is None and asked.request.method != "HEAD":
        recorder.record_orphan(asked.domain, asked.request.scope["path"], asked.click)
    if recorder.waits:
        await recorder.durable()


def _respond(request: Request, given: Answer, code: str) -> Response:
    headers = {"cache-control": given.cache_control}
    if given.location is not None:
        return Redirect(given.location, given.status, headers)
    match given.outcome:
        case Outcome.GONE:
            return problems.respond(request, problems.link_gone(given.state))
        case Outcome.METHOD_NOT_ALLOWED:
            return problems.respond(request, _not_allowed(given), {"allow": ", ".join(given.allow)})
        case _:
            return problems.respond(request, problems.link_not_found(code))


def _not_allowed(given: Answer) -> errors.MethodNotAllowed:
    return errors.MethodNotAllowed(f"This path answers {', '.join(given.allow)} only.")


class _AnyOtherMethod:
    """An endpoint for methods that no route lists: of those a short link says which it has instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await visit(request, request.path_params["code"], request.app.state.parts)
        await response(scope, receive, send)


async def visit_behind_slash(request: Request, code: str, parts: PartsDep) -> Response:
    """Follow a short link with a second slash in front, as if it were not there."""
    if code in parts.link_policy.reserved:
        raise errors.PathNotFound
    scope = request.scope
    scope["path"], scope["raw_path"] = scope["path"][1:], scope["raw_path"][1:]
    scope.setdefault("state", {})[_TYPED] = True
    return await visit(request, code, parts)


def mount(into: APIRouter) -> None:
    """Adds the routes of short links to `into`; they must come last, since they match any first segment."""
    for path in ("/{code}", "/{code}/", "/{code}/{rest:path}"):
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
                response_class=Redirect,
                responses=examples.VISIT,
            )
            into.add_api_route(f"/{path}", visit_behind_slash, methods=[method], include_in_schema=False)
        into.routes.append(Route(path, _AnyOtherMethod(), include_in_schema=False))


mount(router)
