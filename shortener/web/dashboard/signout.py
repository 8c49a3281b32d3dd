"""Signing out."""

from fastapi import Request
from starlette.responses import Response

from shortener.services import sessions
from shortener.web.dashboard.addresses import HOME, signin_page
from shortener.web.dashboard.route import make_router
from shortener.web.dashboard.session import SignedIn
from shortener.web.deps import PartsDep
from shortener.web.responses import Redirect

router = make_router()


@router.post("/signout")
def sign_out(request: Request, _principal: SignedIn, parts: PartsDep) -> Response:
    """Ends the session of a browser, and leads to the page that asks for a key."""
    sessions.sign_out(parts.database, request.state.session_id)
    response = Redirect(signin_page(HOME), 303, {})
    parts.session_cookies.take_back(response)
    return response
