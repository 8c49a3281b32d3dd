"""How an error looks: a problem document, or a page for people."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from shortener import errors, logs
from shortener.domain import code as codes
from shortener.domain import text
from shortener.domain.link import State
from shortener.errors import FieldProblem, ShortenerError
from shortener.redirect.entry import UNCACHED
from shortener.web import pages
from shortener.web.responses import ProblemResponse
from shortener.web.statuses import STATUS_OF_CODE

#: Seconds after which it is worth trying again.
RETRY_AFTER = 2

#: What is over soon.
_PASSING = (errors.DatabaseUnavailable, errors.LiveUnavailable, errors.TooManyBodies, errors.TooBusy)

#: What a page says beside the error, where there is something to do.
_HINTS = {
    "link-not-found": "Check the address for typing mistakes: capital and small letters differ.",
    "link-gone": "Ask whoever gave you this link for a new one.",
    "signin-link-invalid": "Run “shortener signin” on the server for a new one, or sign in with an API key.",
    "database-unavailable": "Try again in a few seconds.",
    "database-busy": "Try again in a few seconds.",
}
#: Codes of single fields, by pydantic's error type, where its own name says too little.
_FIELD_CODES = {
    "datetime_from_date_parsing": "moment-invalid",
    "datetime_parsing": "moment-invalid",
    "extra_forbidden": "unknown-field",
    "missing": "required",
    "model_attributes_type": "object-type",
    "model_type": "object-type",
    "string_unicode": "forbidden-character",
}
_FIELD_MESSAGES = {
    "extra_forbidden": "There is no such field here.",
    "missing": "This field is required.",
    "model_attributes_type": "This must be a JSON object.",
    "model_type": "This must be a JSON object.",
    "string_unicode": "Remove the lone surrogates (U+D800 to U+DFFF): they are no text.",
}
#: Most entries of `errors`; a body of unknown fields would have thousands.
_MOST_FIELD_PROBLEMS = 50
#: Where every path has a route.
_SHORT_LINKS = "/{code}"
#: Methods with routes that only refuse them.
_ALWAYS_REFUSED = frozenset({"OPTIONS", "TRACE"})
#: How our errors follow from the framework's, by status.
_FRAMEWORK_ERRORS: dict[int, type[errors.Refused]] = {
    400: errors.MalformedJson,
    404: errors.PathNotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
}

#: What is said of a link that leads nowhere any more.
_GONE = {
    State.DISABLED: "The owner of this link has switched it off.",
    State.EXPIRED: "This link has expired.",
    State.EXHAUSTED: "This link has been used as often as it may be.",
}

log = structlog.get_logger()
#: As many as there are requests while a dependency is away.
broken = logs.Bounded()


def install(app: FastAPI) -> None:
    """Makes every error of `app` one of ours."""
    app.add_exception_handler(ShortenerError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


def problem(error: ShortenerError) -> dict[str, Any]:
    """The problem document of an error."""
    document: dict[str, Any] = {
        "type": f"urn:shortener:problem:{error.code}",
        "title": title(error.code),
        "status": STATUS_OF_CODE[error.code],
        "detail": text.printable(error.detail),
        "code": error.code,
    }
    if isinstance(error, errors.LinkGone):
        document["reason"] = error.reason
    if isinstance(error, errors.Refused) and error.problems:
        document["errors"] = [
            {"field": text.printable(found.field), "code": found.code, "message": text.printable(found.message)}
            for found in error.problems
        ]
    return document


def title(code: str) -> str:
    """The title of the problem documents with this code."""
    return code.replace("-", " ").capitalize()


def respond(request: Request, error: ShortenerError, headers: dict[str, str] | None = None) -> Response:
    """The answer to a request that ended in `error`: a problem document, or a page for browsers outside the API."""
    of_api = request.scope["path"].startswith("/api/")
    # Also where middleware.Private does not see the answer: to a fault of ours.
    headers = {**(headers or {}), "cache-control": UNCACHED} if of_api else headers
    return render(error, headers, as_page=pages.wanted(request) and not of_api)


def render(error: ShortenerError, headers: dict[str, str] | None = None, *, as_page: bool) -> Response:
    """The answer that is `error`."""
    document = problem(error)
    headers = {"cache-control": "no-store", **(headers or {}), **_headers(error)}
    if as_page:
        return _page(document, headers)
    return ProblemResponse(document, status_code=document["status"], headers=headers)


def of_validation(error: ValidationError) -> errors.ValidationFailed:
    """What to say of an item of a bulk that is not what was asked for."""
    found = error.errors(include_url=False)[:_MOST_FIELD_PROBLEMS]
    return errors.ValidationFailed([_field_problem({**item, "loc": ("item", *item["loc"])}) for item in found])


def no_route(request: Request) -> Response:
    """The answer under our own paths, where only the routes of short links were left to take the request."""
    if allowed := _allowed(request):
        return respond(request, errors.MethodNotAllowed(), {"allow": ", ".join(allowed)})
    return respond(request, errors.PathNotFound())


def malformed_json(reason: str, body: str, position: int, first_line: int = 1) -> errors.MalformedJson:
    """The error for `body`, which stops being JSON at the character `position`. Lines and columns count from 1."""
    line = first_line + body.count("\n", 0, position)
    column = position - body.rfind("\n", 0, position)
    return errors.MalformedJson(f"The body is not valid JSON: {reason.rstrip('.')} at line {line}, column {column}.")


def not_utf8(error: UnicodeDecodeError, first_line: int = 1) -> errors.MalformedJson:
    """The error for a body that `error` found not to be UTF-8."""
    before = error.object[: error.start].decode(errors="replace")
    return malformed_json("it is not UTF-8", before, len(before), first_line)


def link_not_found(code: str) -> errors.LinkNotFound:
    """What to say of a code that no link has, as a visitor sent it."""
    return errors.LinkNotFound(f"There is no link called '{codes.shown(code)}'.")


def link_gone(state: State) -> errors.LinkGone:
    """What to say of a link that is over."""
    return errors.LinkGone(_GONE[state], reason=state)


def _page(document: dict[str, Any], headers: dict[str, str]) -> Response:
    # The template shows the status as a number, so `status` is both its value and the answer's own.
    shown = {name: document[name] for name in ("title", "detail")}
    hint = _HINTS.get(document["code"])
    return pages.page("problem.html", document["status"], headers, **shown, status=document["status"], hint=hint)


def _headers(error: ShortenerError) -> dict[str, str]:
    if error.code in {"key-missing", "key-invalid"}:
        return {"www-authenticate": "Bearer"}
    if isinstance(error, errors.BodyIncomplete):
        return {"connection": "close"}
    return {"retry-after": str(RETRY_AFTER)} if isinstance(error, _PASSING) else {}


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShortenerError)  # noqa: S101  # registered for this class
    if isinstance(error, errors.Broken):
        broken.error(error.detail, code=error.code, cause=str(error.__cause__ or ""))
    return respond(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class
    found = error.errors()
    broken = next((item for item in found if item["type"] == "json_invalid"), None)
    if broken is not None:
        reason = broken.get("ctx", {}).get("error", "")
        return respond(request, malformed_json(reason, str(error.body), int(broken["loc"][-1])))
    return respond(request, errors.ValidationFailed([_field_problem(item) for item in found[:_MOST_FIELD_PROBLEMS]]))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class
    ours = _FRAMEWORK_ERRORS.get(error.status_code, errors.PathNotFound)
    detail = _why_unreadable(error.__cause__) if ours is errors.MalformedJson else None
    headers = dict(error.headers or {})
    if ours is errors.MethodNotAllowed and (allowed := _allowed(request)):
        headers = {"allow": ", ".join(allowed)}
    return respond(request, ours(detail), headers)


async def _on_fault(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.scope["path"], cause=repr(error))
    return respond(request, errors.Broken("Something went wrong on our side; it has been logged."))


def _allowed(request: Request) -> list[str]:
    """The methods of the resource at the path of `request`; none for files, which say so themselves.

    Under our own paths the routes of short links, which take every path, do not count.
    The framework's own `Allow` lists those of one route only.
    """
    path = request.scope["path"]
    ours = path.split("/", 2)[1] in request.app.state.parts.link_policy.reserved
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if (ours and str(route.path).startswith(_SHORT_LINKS)) or not _pattern(str(route.path)).match(path):
            continue
        found.update(route.methods or ())
        resource_methods = getattr(route.original_route, "resource_methods", None)
        if resource_methods is not None:
            # What less specific paths have is another resource's.
            found.update(resource_methods)
            break
    return sorted((found | {"HEAD"} if "GET" in found else found) - _ALWAYS_REFUSED)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return compile_path(path)[0]


def _why_unreadable(cause: BaseException | None) -> str | None:
    """What is wrong with a body that the parser gave up on for another reason than its grammar; None for anything."""
    match cause:
        case UnicodeDecodeError():
            return not_utf8(cause).detail
        case RecursionError():
            return "The body is nested too deeply."
        case ValueError():
            return "A number in the body has too many digits."
        case _:
            return None


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    kind, where = item["type"], _place(item["loc"])
    message = _FIELD_MESSAGES.get(kind, item["msg"])
    return FieldProblem(where, _FIELD_CODES.get(kind, kind.replace("_", "-")), message)


def _place(location: Sequence[str | int]) -> str:
    """`("body", "tags", 3)` → `tags.3`; the body itself is `body`. A query parameter is only its name."""
    if location[0] == "query":
        return str(location[1])
    inner = location[1:] if len(location) > 1 else location
    return ".".join(str(part) for part in inner)
