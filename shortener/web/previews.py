"""Previews: what a link is, for who wants to look before following it: `/{code}+`. No redirect, and no click.

What a link keeps to itself it keeps here too: behind a password everything, behind a limit the target, since a look
at that would be worth a click.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import Response

from shortener import errors
from shortener.domain import code as codes
from shortener.domain.destination import compile_destination
from shortener.domain.host import short_url
from shortener.domain.link import Link, State
from shortener.domain.query import Query
from shortener.redirect.entry import UNCACHED, Entry
from shortener.services import links
from shortener.web import errors as problems
from shortener.web import forms, pages
from shortener.web.api import examples
from shortener.web.api.schemas.fields import A_MOMENT, Out
from shortener.web.deps import Parts, PartsDep
from shortener.web.public_route import PublicRoute
from shortener.web.responses import ORJSONResponse

router = APIRouter(tags=["visits"], route_class=PublicRoute)

#: Not kept, since it must end with the link, and not found by search engines.
HEADERS: Final = {"cache-control": UNCACHED, "x-robots-tag": "noindex"}
#: Schemes that a target may have to be a link on a page; all others do something in the visitor's name.
_WEB = ("http://", "https://")


class PreviewOut(Out):
    """What a link is. Behind a password there is nothing but that."""

    short_url: str = Field(examples=["http://localhost:8000/sale"])
    target: str | None = Field(
        description="Where it leads somebody who adds nothing; null where that is withheld.",
        examples=["https://example.com/sale?utm=x"],
    )
    withheld: Literal["password", "limit"] | None = Field(
        description="Why the target is not shown: it takes a password, or works a limited number of times.",
        examples=[None],
    )
    has_rules: bool = Field(description="Whether it leads some visitors elsewhere.", examples=[False])
    title: str | None = Field(examples=["Autumn sale"])
    created_at: AwareDatetime | None = Field(examples=["2026-11-01T09:30:00Z"])
    expires_at: AwareDatetime | None = Field(examples=[A_MOMENT])


@dataclass(frozen=True, slots=True)
class _Named:
    """A link as it was asked for."""

    #: In normal form.
    code: str
    #: The domain that the Host header names.
    domain: str
    short_url: str


@dataclass(frozen=True, slots=True)
class _Preview:
    """PreviewOut."""

    short_url: str
    target: str | None = None
    withheld: Literal["password", "limit"] | None = None
    has_rules: bool = False
    title: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None


async def _named(request: Request, code: str, parts: PartsDep) -> _Named:
    """The link whose preview is asked for. Raises LinkNotFound, LinkGone, DatabaseUnavailable."""
    found = _name(request, code, parts)
    entry = await parts.lookup.find(found.domain, found.code) if found.code else None
    state = State.SCHEDULED if entry is None else entry.state(datetime.now(UTC))
    if state is State.SCHEDULED:
        raise problems.link_not_found(code)
    if state is not State.LIVE:
        raise problems.link_gone(state)
    return found


def preview(request: Request, named: Annotated[_Named, Depends(_named)], parts: PartsDep) -> Response:
    """What a link is and where it leads, without following it: a page for browsers, JSON for programs.

    It is not a click. A link with a password shows nothing, one with a limit no target.
    """
    try:
        link = links.get(parts.database, named.code, named.domain)
    except errors.LinkNotFound:
        # What the default domain has answers on every host.
        link = links.get(parts.database, named.code)
    return _respond(request, named, _of_link(named, link))


def limited_preview(request: Request, entry: Entry, parts: Parts) -> Response:
    """The answer to a program at a link with a limit: that there is one. Asks no database.

    A person whose browser is taken for a program finds a form on the page, which takes a slot (web/limits).
    """
    named = _name(request, request.path_params["code"], parts)
    shown = _Preview(named.short_url, withheld="limit", expires_at=entry.expires_at)
    return _respond(request, named, shown, forms.action(request))


def _name(request: Request, code: str, parts: Parts) -> _Named:
    normal = codes.normal_form(code) or ""
    domain = parts.domains.of_host(request.headers.get("host", "").encode("latin-1"))
    return _Named(normal, domain, short_url(parts.settings.public_url, domain, normal))


def _of_link(named: _Named, link: Link) -> _Preview:
    if link.password_hash is not None:
        return _Preview(named.short_url, withheld="password")
    is_limited = link.max_clicks is not None
    return _Preview(
        named.short_url,
        target=None if is_limited else _target(named, link),
        withheld="limit" if is_limited else None,
        has_rules=bool(link.rules),
        title=link.title,
        created_at=link.created_at,
        expires_at=link.expires_at,
    )


def _target(named: _Named, link: Link) -> str:
    """Where the link leads who brings no path and no query of their own."""
    return compile_destination(link.target, forward_query=False, forward_path=False).to(named.code, "", Query(""))


def _respond(request: Request, named: _Named, shown: _Preview, action: str | None = None) -> Response:
    """The preview as JSON or as a page; `action` is where the page's form is sent, if it has one."""
    if not pages.wanted(request):
        return ORJSONResponse(asdict(shown), headers=HEADERS)
    host = shown.short_url.split("://")[1].rpartition("/")[0]
    is_web = shown.target is not None and shown.target.startswith(_WEB)
    path = f"/{codes.in_path(named.code)}"
    headers = {**HEADERS, "content-security-policy": forms.POLICY} if action else HEADERS
    values = {"shown": shown, "host": host, "code": named.code, "path": path, "is_web": is_web, "action": action}
    return pages.page("preview.html", 200, headers, **values)


def mount(into: APIRouter) -> None:
    """Adds the route to `into`; it must come before those of short links, which match any first segment."""
    for method in ("GET", "HEAD"):
        into.add_api_route(
            "/{code}+",
            preview,
            methods=[method],
            operation_id=f"preview_{method.lower()}",
            summary=f"Look at a short link without following it ({method})",
            response_model=PreviewOut,
            response_class=ORJSONResponse,
            responses={
                200: {"description": "What the link is", "content": {"text/html": {"schema": {"type": "string"}}}},
                **examples.refusals(errors.LinkNotFound, errors.LinkGone, errors.DatabaseUnavailable),
            },
        )


mount(router)
