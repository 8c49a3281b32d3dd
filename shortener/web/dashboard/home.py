"""The first of the administration pages: who is signed in, and with which rights."""

from fastapi import Request
from starlette.responses import Response

from shortener.web.dashboard.pages import page
from shortener.web.dashboard.route import make_router
from shortener.web.dashboard.session import SignedIn

router = make_router()


@router.get("/")
def home(request: Request, _principal: SignedIn) -> Response:
    """Shows who is signed in."""
    return page(request, "dashboard/home.html")
