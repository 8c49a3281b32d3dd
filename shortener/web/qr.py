"""QR codes over HTTP: what is asked for, how one is answered, and the public routes `/{code}.svg` and `/{code}.png`.

Whoever can visit a link can have its code; one that leads nowhere has none here, only in the API. None is a click.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import qr
from shortener.domain.host import short_url
from shortener.domain.link import State
from shortener.domain.qr import Design, Ecc
from shortener.services import qr as service
from shortener.services.qr import Kind, Logo
from shortener.web import errors as problems
from shortener.web.api import examples
from shortener.web.api.examples import Responses
from shortener.web.deps import PartsDep
from shortener.web.public_route import PublicRoute

router = APIRouter(tags=["visits"], route_class=PublicRoute)

#: How long a picture may be kept without asking again, seconds: so long may that of a disabled link still be seen.
CACHE_SECONDS = 300
#: An SVG can be opened as a page; it may show its logo and do nothing else.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
#: Longest colour that is looked at, in characters: longer than any that is one, so that there is something to say.
_MAX_COLOR = 32
_EXAMPLES = {
    Kind.SVG: '<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512">…</svg>',
    Kind.PNG: "(bytes)",
}
_COLOR_HELP = "`rrggbb` or `#rrggbb` (in an address `#` is written `%23`)"


async def _design(
    size: Annotated[
        int, Query(ge=qr.MIN_SIZE, le=qr.MAX_SIZE, description="Width and height in pixels.")
    ] = qr.DEFAULT_SIZE,
    margin: Annotated[
        int,
        Query(ge=0, le=qr.MAX_MARGIN, description="Least free space on each side, in modules; scanners want four."),
    ] = qr.DEFAULT_MARGIN,
    dark: Annotated[
        str, Query(max_length=_MAX_COLOR, description=f"Colour of the modules, {_COLOR_HELP}.", examples=["003366"])
    ] = qr.BLACK,
    light: Annotated[
        str,
        Query(max_length=_MAX_COLOR, description=f"Colour behind them, {_COLOR_HELP}, or `{qr.TRANSPARENT}`."),
    ] = qr.WHITE,
    ecc: Annotated[
        Ecc | None,
        Query(description="Error correction, at least; M if left out, and H with a logo.", examples=["Q"]),
    ] = None,
    logo: Annotated[bool, Query(description="Whether the instance's logo is in the middle.")] = False,
) -> Design:
    return qr.design(size=size, margin=margin, dark=dark, light=light, ecc=ecc, logo=logo)


async def _logo(parts: PartsDep) -> Logo | None:
    found: Logo | None = parts.logo
    return found


async def _if_none_match(
    if_none_match: Annotated[
        str | None, Header(description="`ETag` of the picture that you have; 304 if it is still the same.")
    ] = None,
) -> frozenset[str]:
    """The entity tags in an If-None-Match header. Weak comparison: `W/` does not count (RFC 9110 section 13.1.2)."""
    return frozenset(tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(","))


DesignDep = Annotated[Design, Depends(_design)]
LogoDep = Annotated[Logo | None, Depends(_logo)]
KnownTags = Annotated[frozenset[str], Depends(_if_none_match)]


def respond(
    kind: Kind, url: str, design: Design, logo: Logo | None, known: frozenset[str], *, head: bool
) -> Response:
    """The QR code of a short URL, or 304 where the client knows it. Any cache may keep it but for the API's."""
    tag = service.etag(kind, url, design, logo)
    headers = {"etag": tag, "cache-control": f"public, max-age={CACHE_SECONDS}"}
    if kind is Kind.SVG:
        headers["content-security-policy"] = CONTENT_SECURITY_POLICY
    if not known.isdisjoint({tag, "*"}):
        return Response(status_code=304, headers=headers)
    drawn = service.draw(kind, url, design, logo)
    headers["content-length"] = str(len(drawn))
    return Response(b"" if head else drawn, headers=headers, media_type=kind.media_type)


def responses(kind: Kind) -> Responses:
    """What a route that answers with a QR code can end in, for the OpenAPI description."""
    headers = {
        "ETag": {"description": "Changes with the picture.", "schema": {"type": "string"}},
        "Cache-Control": {"description": f"`max-age={CACHE_SECONDS}`", "schema": {"type": "string"}},
    }
    shape = {"type": "string"} if kind is Kind.SVG else {"type": "string", "format": "binary"}
    media = {"schema": shape, "examples": {kind: {"summary": "A picture", "value": _EXAMPLES[kind]}}}
    return {
        200: {"description": "The picture", "headers": headers, "content": {kind.media_type: media}},
        304: {"description": "The picture is the one that `If-None-Match` names"},
        **examples.refusals(errors.LinkNotFound, errors.ValidationFailed, errors.ColorInvalid, errors.QrInvalid),
    }


async def _visited_url(request: Request, code: str, parts: PartsDep) -> str:
    """The short URL of a link that can be visited. Raises LinkNotFound, LinkGone."""
    domain = parts.domains.of_host(request.headers.get("host", "").encode("latin-1"))
    normal = codes.normal_form(code)
    entry = await parts.lookup.find(domain, normal) if normal else None
    state = State.SCHEDULED if entry is None else entry.state(datetime.now(UTC))
    if normal is None or state is State.SCHEDULED:
        raise problems.link_not_found(code)
    if state is not State.LIVE:
        raise problems.link_gone(state)
    return short_url(parts.settings.public_url, domain, normal)


def _drawing(kind: Kind) -> Callable[..., Response]:
    # Not a coroutine: drawing would hold up every visit, so it is done in a thread.
    def draw(
        request: Request,
        url: Annotated[str, Depends(_visited_url)],
        design: DesignDep,
        logo: LogoDep,
        known: KnownTags,
    ) -> Response:
        """The QR code of a short link. It says the short URL with `?qr`, by which scans are told from other clicks.

        Asking for it is no click. A link that leads nowhere has none: 404 or 410, as for a visit.
        """
        return respond(kind, url, design, logo, known, head=request.method == "HEAD")

    return draw


def mount(into: APIRouter) -> None:
    """Adds the public routes to `into`; they must come before those of short links, which match any first segment."""
    for kind in Kind:
        for method in ("GET", "HEAD"):
            into.add_api_route(
                f"/{{code}}.{kind}",
                _drawing(kind),
                methods=[method],
                operation_id=f"qr_{kind}_{method.lower()}",
                summary=f"QR code of a short link as {kind.upper()} ({method})",
                response_class=Response,
                responses={
                    **responses(kind),
                    **examples.refusals(errors.TooManyParameters, errors.LinkGone, errors.DatabaseUnavailable),
                },
            )


mount(router)
