"""Pages for people: rendering, and what a browser is allowed to do on them."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from shortener import lazy

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = lazy.module("jinja2")

STATIC = Path(__file__).parent / "static"
#: Everything a page needs comes from this instance; nothing may be framed, and no inline script runs.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(
    template: str, status_code: int = 200, headers: dict[str, str] | None = None, /, **values: Any
) -> HTMLResponse:
    """`template` filled with `values`, escaped, as a response."""
    html = _templates().get_template(template).render(**values)
    policy = {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "same-origin"}
    return HTMLResponse(html, status_code=status_code, headers={**policy, **(headers or {})})


def wanted(request: Request) -> bool:
    """Whether whoever asks is a browser showing pages: it accepts HTML by name."""
    return "text/html" in request.headers.get("accept", "")


@cache
def _templates() -> "jinja2.Environment":
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
