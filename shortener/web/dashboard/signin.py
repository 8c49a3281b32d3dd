"""Signing in: by an API key, or by a sign-in link."""

from fastapi import Request
from starlette.responses import Response

from shortener import errors
from shortener.services import sessions, signin_links
from shortener.web import deps, pages
from shortener.web.dashboard import addresses, signin_form
from shortener.web.dashboard.addresses import HOME
from shortener.web.dashboard.fields import TOKEN, Fields, FieldsDep
from shortener.web.dashboard.route import PublicDashboardRoute, make_router
from shortener.web.dashboard.signin_form import FORM, LateForm
from shortener.web.deps import Parts, PartsDep
from shortener.web.responses import Redirect

router = make_router(PublicDashboardRoute)

#: Refusals after which the page asks again.
_ASKED_AGAIN = (errors.FormExpired, errors.KeyInvalid, errors.ScopeMissing, errors.TooManyTries)


@router.get("")
async def admin() -> Response:
    """Leads to the first page, whose address the relative ones on it begin with."""
    return Redirect(HOME, 303, {})


@router.get("/signin")
def ask_for_key(request: Request, next: str = "") -> Response:  # the parameter's name
    """Shows the page that asks for a key; `next` is the page to come to."""
    return signin_form.key_page(request, next)


@router.post("/signin")
def sign_in(request: Request, fields: FieldsDep, parts: PartsDep) -> Response:
    """Signs a browser in by the key in a form, and leads to the page that was wanted, or to a form sent too late."""
    late = signin_form.late_form(fields)
    try:
        session_id = _by_key(request, fields, parts)
    except _ASKED_AGAIN as refusal:
        return signin_form.key_page(request, fields.first("next"), late, refusal)
    response = _resend(parts, session_id, late) if late else _to(addresses.within(fields.first("next")))
    return _signed_in(request, response, parts, session_id)


@router.get("/signin/{link}")
def ask_to_use(request: Request, link: str, parts: PartsDep) -> Response:
    """Shows the page that asks to use a sign-in link. Raises SigninLinkInvalid."""
    signin_links.check(parts.database, link)
    return signin_form.link_page(request)


@router.post("/signin/{link}")
def use(request: Request, link: str, fields: FieldsDep, parts: PartsDep) -> Response:
    """Signs a browser in by a sign-in link, which is used up then. Raises SigninLinkInvalid."""
    signin_links.check(parts.database, link)
    try:
        parts.grants.check_form(request, FORM, fields.first(TOKEN))
    except errors.FormExpired as refusal:
        return signin_form.link_page(request, refusal)
    return _signed_in(request, _to(HOME), parts, signin_links.use(parts.database, link))


def _by_key(request: Request, fields: Fields, parts: Parts) -> str:
    """The id of a session for the key in a form. Raises FormExpired, KeyInvalid, ScopeMissing, TooManyTries."""
    parts.grants.check_form(request, FORM, fields.first(TOKEN))
    key, network = fields.first("key").strip().encode(), deps.network_of(request)
    try:
        return sessions.sign_in(parts.database, parts.preset, key, network)
    except errors.KeyInvalid:
        deps.log_failed_key(key, network)
        raise


def _to(address: str | None) -> Response:
    return Redirect(address or HOME, 303, {})


def _resend(parts: Parts, session_id: str, late: LateForm) -> Response:
    """The page that sends a form again that came too late, once somebody wants it to."""
    return pages.page(
        "dashboard/resend.html",
        action=late.action,
        kept=late.fields.pairs,
        token=parts.session_cookies.form_token(session_id),
    )


def _signed_in(request: Request, response: Response, parts: Parts, session_id: str) -> Response:
    """`response` to a browser that is in a new session, instead of the one before if it was in one."""
    former = parts.session_cookies.read(request)
    if former is not None:
        sessions.sign_out(parts.database, former)
    parts.session_cookies.give(response, session_id)
    return response
