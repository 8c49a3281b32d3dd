"""Asking for a link's password: the page, the form that comes back, and the header that programs send instead.

Nothing here says where a link leads or what it is called. A visit is counted when it is redirected, not when it asks.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shortener import errors
from shortener.domain import visitor
from shortener.errors import Refused
from shortener.redirect.entry import Entry
from shortener.services.passwords import Attempt
from shortener.web import errors as problems
from shortener.web import forms, grants, pages
from shortener.web.clicks import Request as Click
from shortener.web.deps import Parts
from shortener.web.forms import Form
from shortener.web.statuses import STATUS_OF_CODE

#: Where programs put the password; UTF-8.
HEADER: Final = "X-Link-Password"
#: Of the page. Not found by search engines, and stored by the browser for nothing but its "Back" button (RFC 9111
#: section 4.2.4): asking for the link again there would be a second click.
_HEADERS: Final = {
    "cache-control": "private, no-cache",
    "x-robots-tag": "noindex",
    "content-security-policy": forms.POLICY,
}
_FOR_PROGRAMS = f"This link asks for a password: send it in the header {HEADER}."


async def ask(request: Request, entry: Entry, click: Click, parts: Parts, form: Form | None) -> Response | None:
    """What is answered instead of following the link of `entry`, which has a password; None once it has been said.

    It is said by `form`, by a grant from earlier, or by the header HEADER.

    Raises BodyTooLarge, BodyIncomplete, DatabaseUnavailable.
    """
    if form is not None:
        refusal = await _submitted(request, entry, click, parts, form)
        return None if refusal is None else page(request, entry, parts, refusal)
    if parts.grants.has(request, entry):
        return None
    said = in_header(request)
    if said is None:
        return page(request, entry, parts)
    refusal = await _try(said, entry, click, parts)
    return None if refusal is None else _refuse(request, refusal)


def page(request: Request, entry: Entry, parts: Parts, refusal: Refused | None = None) -> Response:
    """The page that asks for the password, after `refusal` if that is what came of the last time.

    Its status is 200 at first: nothing has gone wrong, and the page is what there is at this address for now. Who
    takes no pages gets the refusal alone, at first PasswordRequired.
    """
    if not pages.wanted(request) or request.method not in ("GET", "HEAD", "POST"):
        return _refuse(request, refusal or errors.PasswordRequired(_FOR_PROGRAMS))
    browser = parts.grants.browser(request)
    response = pages.page(
        "password.html",
        200 if refusal is None else STATUS_OF_CODE[refusal.code],
        {**_HEADERS, **_headers(refusal)},
        action=forms.action(request),
        token=parts.grants.form_token(grants.link_form(entry), browser),
        refusal=None if refusal is None else refusal.detail,
    )
    parts.grants.remember(response, browser)
    return response


def in_header(request: Request) -> str | None:
    """The password in the headers; what is not UTF-8 in it becomes what no password holds."""
    name = HEADER.lower().encode()
    sent = next((value for key, value in request.scope["headers"] if key == name), None)
    return None if sent is None else bytes(sent).decode("utf-8", "surrogateescape")


async def _submitted(request: Request, entry: Entry, click: Click, parts: Parts, form: Form) -> Refused | None:
    """Why `form` does not open the link; None if it does.

    Raises BodyTooLarge, BodyIncomplete, DatabaseUnavailable.
    """
    if isinstance(form.fault, errors.BodyTooLarge | errors.BodyIncomplete):
        raise form.fault
    try:
        forms.check_origin(request, parts)
        parts.grants.check_form(request, grants.link_form(entry), form.fields.get("token", ""))
    except errors.FormExpired as refusal:
        return refusal
    return await _try(form.fields.get("password", ""), entry, click, parts)


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
