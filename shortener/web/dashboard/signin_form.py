"""The pages that ask for a key, or to use a sign-in link, and what they keep of a form that was sent too late."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shortener import errors
from shortener.domain import host as hosts
from shortener.errors import Refused
from shortener.web import pages
from shortener.web.dashboard.addresses import within
from shortener.web.dashboard.fields import TOKEN, Fields
from shortener.web.deps import Parts
from shortener.web.statuses import STATUS_OF_CODE

#: The name of both forms in web/grants.
FORM: Final = "signin"
#: Before the names of the fields that are kept, which may be called as ours are.
_KEPT = "field:"
#: Hosts of this machine itself: nobody on the network reads along.
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class LateForm:
    """A form that was sent after its session had ended: where to, and its fields."""

    action: str
    fields: Fields


def late_form(fields: Fields) -> LateForm | None:
    """The form that was kept in the `fields` of the page that asks for a key, if one was."""
    action = within(fields.first("action"))
    if action is None:
        return None
    pairs = [(name.removeprefix(_KEPT), value) for name, value in fields.pairs if name.startswith(_KEPT)]
    return LateForm(action, Fields(pairs))


def key_page(
    request: Request, next_address: str = "", late: LateForm | None = None, refusal: Refused | None = None
) -> Response:
    """The page that asks for a key, after `refusal` if that is what came of the last time.

    It leads to `next_address` then, or keeps the form `late` to be sent again.
    """
    kept = [(_KEPT + name, value) for name, value in late.fields.without(TOKEN).pairs] if late else []
    shown = None if isinstance(refusal, errors.SignedOut) else refusal
    return _page(
        request,
        "dashboard/signin.html",
        refusal,
        next=within(next_address) or "",
        action=late.action if late else "",
        kept=kept,
        refusal=None if shown is None else shown.detail,
    )


def link_page(request: Request, refusal: Refused | None = None) -> Response:
    """The page that asks to use a sign-in link, which a program that only looks at its address does not."""
    return _page(request, "dashboard/signin_link.html", refusal, refusal=None if refusal is None else refusal.detail)


def _page(request: Request, template: str, refusal_of: Refused | None, **values: object) -> Response:
    parts: Parts = request.app.state.parts
    browser = parts.grants.browser(request)
    response = pages.page(
        template,
        200 if refusal_of is None else STATUS_OF_CODE[refusal_of.code],
        {"retry-after": str(refusal_of.seconds)} if isinstance(refusal_of, errors.TooManyTries) else {},
        token=parts.grants.form_token(FORM, browser),
        is_exposed=_is_exposed(request, parts),
        **values,
    )
    parts.grants.remember(response, browser)
    return response


def _is_exposed(request: Request, parts: Parts) -> bool:
    """Whether others on the network may read what a browser sends: nothing says that it is encrypted."""
    host = hosts.of_header(request.headers.get("host", "").encode("latin-1"))
    return not parts.settings.public_url.startswith("https:") and host not in _LOCAL
