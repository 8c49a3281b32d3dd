"""What routes ask for: the parts this process is made of, and who is calling."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from shortener import errors
from shortener.clicks.spool import Spool
from shortener.domain.access import Caller, Scope
from shortener.redirect.answer import AnswerPolicy
from shortener.redirect.cache import Cache
from shortener.redirect.lookup import Lookup
from shortener.services import keys
from shortener.services.keys import Preset
from shortener.services.links import LinkPolicy
from shortener.settings import Settings
from shortener.storage.engine import Database
from shortener.web.clicks import Recorder


@dataclass(slots=True)
class Parts:
    """What app.create_app has put together. The last two exist while the app runs."""

    settings: Settings
    database: Database
    link_policy: LinkPolicy
    answer_policy: AnswerPolicy
    preset: Preset
    cache: Cache
    lookup: Lookup
    #: Our own pages that have the shape of a code: `docs`, `healthz`, …
    own_pages: frozenset[str]
    recorder: Recorder | None = None
    spool: Spool | None = None


async def _parts(request: Request) -> Parts:
    # Asynchronous although it waits for nothing: a plain function would be sent to a thread, for 200 µs a request.
    found: Parts = request.app.state.parts
    return found


PartsDep = Annotated[Parts, Depends(_parts)]

#: The media types that FastAPI reads as JSON.
_JSON = re.compile(r"application/(.+\+)?json")

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="`Authorization: Bearer KEY`")
_header = APIKeyHeader(
    name="X-Api-Key", auto_error=False, scheme_name="ApiKey", description="The same key, for clients without bearers."
)


def _sent_key(request: Request) -> bytes:
    """The key in a request's headers, as bytes: comparing must not fail on what is no text. Raises KeyMissing."""
    for name, value in request.scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:].strip())
        if name == b"x-api-key":
            return bytes(value)
    raise errors.KeyMissing


def caller_with(scope: Scope) -> Callable[..., Caller]:
    """A dependency that lets through who sends a key with `scope`. Raises KeyMissing, KeyInvalid, ScopeMissing."""

    def caller(
        request: Request,
        parts: PartsDep,
        _bearer_scheme: Annotated[object, Security(_bearer)],
        _header_scheme: Annotated[object, Security(_header)],
    ) -> Caller:
        found = keys.authenticate(parts.database, parts.preset, _sent_key(request))
        if not found.may(scope):
            allowed = ", ".join(sorted(found.scopes))
            raise errors.ScopeMissing(f"This needs the scope {scope}; the key has {allowed}.")
        return found

    caller.needs = scope  # type: ignore[attr-defined]  # read by the test that holds every route to a scope
    return caller


LinksReader = Annotated[Caller, Depends(caller_with(Scope.LINKS_READ))]
LinksWriter = Annotated[Caller, Depends(caller_with(Scope.LINKS_WRITE))]
StatsReader = Annotated[Caller, Depends(caller_with(Scope.STATS_READ))]
Administrator = Annotated[Caller, Depends(caller_with(Scope.ADMIN))]


async def require_json(request: Request) -> None:
    """Refuses a body that does not say it is plain JSON. Raises UnsupportedMediaType."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if not has_body:
        return
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _JSON.fullmatch(sent):
        raise errors.UnsupportedMediaType(
            f"The body must be JSON, sent with Content-Type: application/json (not '{sent or 'none'}')."
        )
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise errors.UnsupportedMediaType(f"Send the body as it is, without Content-Encoding (not '{coding}').")
