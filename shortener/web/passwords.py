"""Asking for a link's password: the page, the form that comes back, and the header that programs send instead.

Nothing here says where a link leads or what it is called. A visit is counted when it is redirected, not when it asks.
"""

from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import visitor
from shortener.errors import Refused
from shortener.redirect.entry import UNCACHED, Entry
from shortener.services.passwords import Attempt
from shortener.web import bodies, pages
from shortener.web import errors as problems
from shortener.web.clicks import Request as Click
from shortener.web.deps import Parts
from shortener.web.statuses import STATUS_OF_CODE

#: Where programs put the password; UTF-8.
HEADER: Final = "X-Link-Password"
#: Bytes of a form: a password of 1,024 bytes, each written as three characters, and the rest.
MAX_FORM_BYTES: Final = 4096
_FORM_TYPE = "application/x-www-form-urlencoded"
#: More than the two fields that ours has are not looked at.
_MOST_FIELDS = 8
#: Neither kept nor found by search engines.
_HIDDEN = {"cache-control": UNCACHED, "x-robots-tag": "noindex"}
#: Browsers hold redirects that follow a form to `form-action` too, and this form leads wherever the link does.
_POLICY = pages.CONTENT_SECURITY_POLICY.replace("form-action 'self'; ", "")
#: A page of ours is not where the visitor came from; without this it would stand so in the statistics.
_NO_REFERRER = "no-referrer"
_FOR_PROGRAMS = f"This link asks for a password: send it in the header {HEADER}."
#: What may stand in the path and the query of an address as it is (RFC 3986), and what is escaped already.
_AS_IT_IS = "/?:@!$&'()*+,;=%"


async def ask(request: Request, entry: Entry, click: Click, parts: Parts) -> Response | None:
    """What is answered instead of following the link of `entry`, which has a password; None once it has been said.

    It is said by a form of ours, a grant from earlier, or the header HEADER. An urlencoded body without that header
    is always taken for the form, so that no redirect carries a password on.

    Raises BodyTooLarge, BodyIncomplete, DatabaseUnavailable.
    """
    said = _in_header(request)
    if said is None and request.method == "POST" and _is_form(request):
        return await unlock(request, entry, click, parts)
    if parts.grants.has(request, entry):
        return None
    if said is None:
        return form(request, entry, parts)
    refusal = await _try(said, entry, click, parts)
    return None if refusal is None else _refuse(request, refusal)


def form(request: Request, entry: Entry, parts: Parts, refusal: Refused | None = None) -> Response:
    """The page that asks for the password, after `refusal` if that is what came of the last time.

    Its status is 200 at first: nothing has gone wrong, and the page is what there is at this address for now. Who
    takes no pages gets the refusal alone, at first PasswordRequired.
    """
    if not pages.wanted(request) or request.method not in ("GET", "HEAD", "POST"):
        return _refuse(request, refusal or errors.PasswordRequired(_FOR_PROGRAMS))
    browser = parts.grants.browser(request)
    status = 200 if refusal is None else STATUS_OF_CODE[refusal.code]
    response = pages.page(
        "password.html",
        status,
        {**_HIDDEN, **_headers(refusal), "content-security-policy": _POLICY, "referrer-policy": _NO_REFERRER},
        token=parts.grants.form_token(entry, browser),
        refusal=None if refusal is None else refusal.detail,
    )
    parts.grants.remember(response, browser)
    return response


async def unlock(request: Request, entry: Entry, click: Click, parts: Parts) -> Response:
    """The answer to a form that has come back: to the link with a grant, or the form again.

    Raises BodyTooLarge, BodyIncomplete, DatabaseUnavailable.
    """
    try:
        fields = _fields(await bodies.read(request, MAX_FORM_BYTES))
        parts.grants.check_form(request, entry, fields.get("token", ""))
        refusal = await _try(fields.get("password", ""), entry, click, parts)
    except errors.FormExpired as error:
        refusal = error
    if refusal is not None:
        return form(request, entry, parts, refusal)
    response = Response(status_code=303, headers={**_HIDDEN, "location": _here(request)})
    parts.grants.give(response, entry)
    return response


async def _try(password: str, entry: Entry, click: Click, parts: Parts) -> Refused | None:
    """Why `password` does not open the link; None if it does."""
    network = visitor.network_bytes(parts.visitors.of(click).address)
    try:
        is_right = await parts.passwords.verify(Attempt(entry.id, network), password, entry.password_hash or "")
    except errors.TooManyTries as error:
        return error
    return None if is_right else errors.PasswordWrong()


def _refuse(request: Request, refusal: Refused) -> Response:
    return problems.respond(request, refusal, _headers(refusal))


def _headers(refusal: Refused | None) -> dict[str, str]:
    return {"retry-after": str(refusal.seconds)} if isinstance(refusal, errors.TooManyTries) else {}


def _in_header(request: Request) -> str | None:
    """The password in the headers; what is not UTF-8 in it becomes what no password holds."""
    name = HEADER.lower().encode()
    sent = next((value for key, value in request.scope["headers"] if key == name), None)
    return None if sent is None else bytes(sent).decode("utf-8", "surrogateescape")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM_TYPE


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises FormExpired if it is none of ours."""
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise errors.FormExpired from error
    return {name: values[0] for name, values in fields.items()}


def _here(request: Request) -> str:
    """The address that was asked for, without host: it begins with a slash and the code, so it stays on this one."""
    code = codes.normal_form(request.path_params["code"]) or ""
    rest = bytes(request.scope.get("raw_path") or b"").split(b"/", 2)[2:]
    path = "/".join(["", codes.in_path(code), *(quote(part, safe=_AS_IT_IS) for part in rest)])
    query = request.scope["query_string"]
    return f"{path}?{quote(query, safe=_AS_IT_IS)}" if query else path
