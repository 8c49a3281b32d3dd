"""Prefetches: requests that a browser sends ahead of a click. They are refused, so that the browser asks again.

A page with speculation rules, `rel=prefetch` or prerendering has its links fetched before anybody clicks. A redirect
that is fetched ahead is followed from the browser's memory later, and the click itself never reaches the shortener.
A response whose status is not ok is never used for a navigation (Speculation Rules, "prefetch record": "failed"), so
the browser sends the person's click as a request of its own.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shortener import metrics
from shortener.domain import click as clicks
from shortener.web import forms, pages
from shortener.web.responses import label_status

#: Of the answer to every prefetch. draft-ietf-httpbis-pre-denied proposes a status of its own for this.
STATUS: Final = 503
#: Headers that announce a prefetch: Fetch's own, and what browsers sent before it or still send. Each has a name, as
#: every visit is asked for each: four look-ups cost half of what a loop does.
SEC_PURPOSE, PURPOSE, X_MOZ, X_PURPOSE = b"sec-purpose", b"purpose", b"x-moz", b"x-purpose"
_HEADERS: Final = (SEC_PURPOSE, PURPOSE, X_MOZ, X_PURPOSE)
#: By what `shortener_requests_total` counts these answers, which are no errors.
_LABEL: Final = "prefetch"


def is_prefetch(fields: dict[bytes, bytes]) -> bool:
    """Whether a GET with these header fields, named in lower case, is sent ahead of a click."""
    return any(clicks.is_prefetch(fields[name].decode("latin-1")) for name in _HEADERS if name in fields)


def refuse(request: Request) -> Response:
    """The answer to a prefetch of a short link: STATUS, and a page with a link to the address that was asked for."""
    metrics.PREFETCHES.inc()
    label_status(request.scope, _LABEL)
    return pages.page("prefetch.html", STATUS, {"cache-control": "no-store"}, address=forms.address(request))
