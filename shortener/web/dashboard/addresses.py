"""Addresses of the administration pages: where a browser may be led after signing in, and by what it asks for that.

An address here is path and query, without a host. A path under /admin/ that leads out of it by `..` would be a short
link, and lead anywhere.
"""

import re
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request

from shortener.domain import signin
from shortener.web import forms

HOME: Final = signin.HOME
SIGN_OUT: Final = "/admin/signout"
#: Longest address that a browser is led to; longer ones would not fit into an address themselves.
MAX_LENGTH: Final = 2048
#: Characters that RFC 3986 allows in a path and a query.
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
_ADDRESS = re.compile(rf"(/admin/{_CHARACTER}*)(?:\?(?:{_CHARACTER}|\?)*)?")
#: Ends of segments, to browsers and to proxies that decode a path.
_SEPARATOR = re.compile(r"[/\\]")
_DOTS = frozenset({".", ".."})


def within(address: str) -> str | None:
    """`address`, if it is one of the administration pages wherever it is resolved, else None."""
    found = _ADDRESS.fullmatch(address) if len(address) <= MAX_LENGTH else None
    if found is None or "//" in found[1] or not _DOTS.isdisjoint(_SEPARATOR.split(unquote(found[1]))):
        return None
    return address


def wanted(request: Request) -> str:
    """The page to come back to after signing in: the one that a fragment was asked for by, or the one asked for."""
    shown = request.headers.get("hx-current-url")
    address = forms.address(request) if shown is None else _without_host(shown)
    return within(address) or HOME


def signin_page(address: str) -> str:
    """Where to sign in, and be led to `address` then."""
    return signin.PATH if address == HOME else f"{signin.PATH}?next={quote(address, safe='/')}"


def _without_host(url: str) -> str:
    rest = url.partition("://")[2].partition("#")[0]
    return rest[len(rest.partition("/")[0]) :]
