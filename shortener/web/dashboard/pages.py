"""Pages for whoever is signed in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shortener.web import pages
from shortener.web.deps import Parts


def page(
    request: Request,
    template: str,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    /,
    **values: Any,
) -> Response:
    """`template` filled with `values`, with the `principal` who is signed in, and the `token` that forms send."""
    parts: Parts = request.app.state.parts
    return pages.page(
        template,
        status_code,
        headers,
        principal=request.state.principal,
        token=parts.session_cookies.form_token(request.state.session_id),
        **values,
    )
