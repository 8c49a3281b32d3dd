"""How routes of administration pages are made: for whoever is signed in, by forms of ours, kept by no cache."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shortener import errors
from shortener.redirect.entry import UNCACHED
from shortener.web import bodies, forms
from shortener.web import errors as problems
from shortener.web.dashboard import addresses, fields, session, signin_form
from shortener.web.deps import Parts
from shortener.web.public_route import PublicRoute
from shortener.web.responses import Redirect

_PREFIX = "/admin"
#: Methods that change nothing (RFC 9110 section 9.2.1).
SAFE = frozenset({"GET", "HEAD"})
#: The policy of these pages: everything comes from this instance, and no script or style stands in a page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: Headers of every answer; middleware.Observed adds X-Content-Type-Options.
_HEADERS = {
    b"cache-control": UNCACHED.encode(),
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"same-origin",
}
_OTHER_SESSION = "This form was made in another session. Load the page again, and send the form that you see there."


class PublicDashboardRoute(PublicRoute):
    """A route that anybody may ask, for signing in. The fields of a form are read (fields.FieldsDep).

    Raises FormExpired for unsafe methods that no page of ours asks for, and where a form cannot be read,
    BodyTooLarge, BodyIncomplete.
    """

    #: Bytes and fields of a form: of one that came too late, with longer names, and what is asked for beside it.
    most_bytes: ClassVar = 2 * fields.MAX_BYTES
    most_fields: ClassVar = fields.MAX_FIELDS + 3

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, with our headers whatever comes of it."""
        await super().handle(scope, receive, _framed(send))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind ours."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method not in SAFE:
                forms.require_origin(request, request.app.state.parts)
            entered = await self.enter(request)
            return entered if isinstance(entered, Response) else await answer(entered)

        return handle

    async def enter(self, request: Request) -> Request | Response:
        """`request`, of which the form has been read, or what is answered instead of handling it."""
        if request.method in SAFE:
            return request
        body = await bodies.read(request, self.most_bytes)
        request.state.fields = fields.parse(request, body, self.most_fields)
        return bodies.read_again(request, body)


class DashboardRoute(PublicDashboardRoute):
    """A route for whoever is signed in with the right that it needs (web/dashboard/session).

    Unsafe methods send a token of the session, as the field `token` or the header `X-CSRF-Token`.
    Raises FormExpired, ScopeMissing, SignedOut, BodyTooLarge, BodyIncomplete, DatabaseUnavailable.
    """

    most_bytes: ClassVar = fields.MAX_BYTES
    most_fields: ClassVar = fields.MAX_FIELDS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind ours. A route must name what it needs."""
        (self._needed,) = set(session.needs_of(self.dependant))
        return super().get_route_handler()

    async def enter(self, request: Request) -> Request | Response:
        """`request`, if who sends it may; else the way to sign in."""
        try:
            await session.open_session(request)
        except errors.SignedOut as refusal:
            return await self._signed_out(request, refusal)
        session.require(request.state.principal, self._needed)
        entered = await super().enter(request)
        if request.method not in SAFE:
            _require_token(request)
        return entered

    async def _signed_out(self, request: Request, refusal: errors.SignedOut) -> Response:
        """The way to sign in. It keeps a form that comes too late. Raises SignedOut for other unsafe requests."""
        if request.headers.get("hx-request") == "true":
            where = addresses.signin_page(addresses.wanted(request))
            return problems.respond(request, refusal, {"hx-redirect": where})
        if request.method in SAFE:
            return Redirect(addresses.signin_page(addresses.wanted(request)), 303, {})
        if request.scope["path"] == addresses.SIGN_OUT:
            return Redirect(addresses.signin_page(addresses.HOME), 303, {})
        action = addresses.within(forms.address(request))
        if request.method != "POST" or action is None or not fields.is_form(request):
            raise refusal
        await super().enter(request)
        late = signin_form.LateForm(action, request.state.fields)
        return signin_form.key_page(request, late=late, refusal=refusal)


def make_router(route_class: type[PublicDashboardRoute] = DashboardRoute) -> APIRouter:
    """A router for pages under /admin, which the description of the API leaves out."""
    return APIRouter(prefix=_PREFIX, route_class=route_class, include_in_schema=False)


def _require_token(request: Request) -> None:
    """Raises FormExpired unless `request` sends the token of its session."""
    parts: Parts = request.app.state.parts
    token = request.headers.get("x-csrf-token") or request.state.fields.first(fields.TOKEN)
    if not parts.session_cookies.is_form_token(request.state.session_id, token):
        raise errors.FormExpired(_OTHER_SESSION)


def _framed(send: Send) -> Send:
    """`send`, with our headers instead of others of these names."""

    async def framed(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [header for header in message["headers"] if header[0].lower() not in _HEADERS]
            message["headers"] = [*others, *_HEADERS.items()]
        await send(message)

    return framed
