"""Forms on our own pages: where they are sent, and reading one that has come back.

A form is sent to the short link that it stands for, so it is answered as a visit is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import Request

from shortener import errors
from shortener.web import bodies, pages
from shortener.web.deps import Parts
from shortener.web.own_hosts import OwnHosts

#: Bytes of a form: a password of 1,024 bytes, each written as three characters, and the rest.
MAX_BYTES: Final = 4096
#: What may stand in the path and the query of an address as it is (RFC 3986), and what is escaped already.
UNQUOTED: Final = "/?:@!$&'()*+,;=%"
#: Browsers hold redirects that follow a form to `form-action` too, and these forms lead wherever the link does.
POLICY: Final = pages.CONTENT_SECURITY_POLICY.replace("form-action 'self'; ", "")
_MEDIA_TYPE = "application/x-www-form-urlencoded"
#: More than the two fields that ours has are not looked at.
_MOST_FIELDS = 8
_FOREIGN = (
    "This form was sent from a page of another site. Open the link again, and send the form that you see there."
)
_NOT_OURS = "This was sent from a page of another site, or by a program that does not say from where."


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form that was sent."""

    fields: Mapping[str, str] = field(default_factory=dict)
    #: Why there are no fields: FormExpired if it is none of ours, BodyTooLarge or BodyIncomplete.
    fault: errors.Refused | None = None


async def read(request: Request) -> Form | None:
    """The form that `request` sends; None for another method or media type."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or sent != _MEDIA_TYPE:
        return None
    try:
        return Form(_fields(await bodies.read(request, MAX_BYTES)))
    except errors.Refused as fault:
        return Form(fault=fault)


def check_origin(request: Request, parts: Parts) -> None:
    """Raises FormExpired if the browser says that a form comes from another site, or does not say from where.

    Browsers send `Origin` with every POST (Fetch, "append a request Origin header"). Clients without it are no
    browsers, so nobody can make them send a form in somebody else's name.
    """
    origin = request.headers.get("origin")
    if origin is not None and not _is_ours(origin.lower(), request.headers.get("host", ""), parts):
        raise errors.FormExpired(_FOREIGN)


def require_origin(request: Request, parts: Parts) -> None:
    """Raises FormExpired unless the browser says that a request comes from a page of ours.

    For what a cookie lets do; a browser that sends no `Origin` says it by `Sec-Fetch-Site`, or is too old.
    """
    if "origin" in request.headers:
        is_ours = _is_ours(request.headers["origin"].lower(), request.headers.get("host", ""), parts)
    else:
        is_ours = request.headers.get("sec-fetch-site") == "same-origin"
    if not is_ours:
        raise errors.FormExpired(_NOT_OURS)


def address(request: Request) -> str:
    """Path and query of `request` as they came, without host. It begins with one slash, so it stays on this one."""
    path = "/" + quote(bytes(request.scope["raw_path"]).lstrip(b"/"), safe=UNQUOTED)
    query = quote(request.scope["query_string"], safe=UNQUOTED)
    return f"{path}?{query}" if query else path


def action(request: Request) -> str:
    """Where a form at the address of `request` is sent: the same link, by an address that browsers tell apart.

    A browser that sends a form forgets what it has stored under the address that it sends it to (RFC 9111 section
    4.4). It must remember the form, or "Back" would ask for the link again and be a second click.
    """
    path, _, query = address(request).partition("?")
    return f"{path}?{query.rstrip('&')}&" if query else f"{path}?"


def _is_ours(origin: str, host: str, parts: Parts) -> bool:
    own = OwnHosts(parts.settings.public_url, parts.domains)
    if not own.include(origin, host):
        return False
    # Where our pages are encrypted, one of their hosts that came unencrypted may be anybody's.
    is_encrypted = origin.startswith("https:") or not parts.settings.public_url.startswith("https:")
    return is_encrypted or not own.include(origin, "")


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises FormExpired if it is none of ours."""
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise errors.FormExpired from error
    return {name: values[0] for name, values in fields.items()}
