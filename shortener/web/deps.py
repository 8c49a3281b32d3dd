"""What routes ask for: the parts this process is made of, and who acts."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from shortener import errors, logs
from shortener.clicks.geo import Geo
from shortener.clicks.spool import Spool
from shortener.domain import access, visitor
from shortener.domain.access import Principal, Scope
from shortener.domain.target import TargetPolicy
from shortener.redirect.answer import AnswerPolicy
from shortener.redirect.cache import Cache
from shortener.redirect.domains import Domains
from shortener.redirect.limit import Limiter
from shortener.redirect.lookup import Lookup
from shortener.services import keys
from shortener.services.answers import Answers
from shortener.services.drafts import LinkPolicy
from shortener.services.keys import Preset
from shortener.services.passwords import Passwords
from shortener.services.qr import Logo
from shortener.services.secret import Secret
from shortener.settings import Settings
from shortener.storage.engine import Database
from shortener.web import clicks
from shortener.web.clicks import Recorder
from shortener.web.dashboard.cookies import SessionCookies
from shortener.web.grants import Grants
from shortener.web.live import Hub
from shortener.web.visitors import Visitors


@dataclass(slots=True)
class Parts:
    """What app.create_app has put together. The last three exist while the app runs."""

    settings: Settings
    database: Database
    #: Without the domains that have been configured; see `link_policy`.
    base_policy: LinkPolicy
    answer_policy: AnswerPolicy
    preset: Preset
    cache: Cache
    lookup: Lookup
    domains: Domains
    geo: Geo
    visitors: Visitors
    limiter: Limiter
    secret: Secret
    passwords: Passwords
    answers: Answers
    grants: Grants
    session_cookies: SessionCookies
    #: What stands in the middle of QR codes that ask for it.
    logo: Logo | None
    recorder: Recorder | None = None
    spool: Spool | None = None
    live: Hub | None = None

    @property
    def link_policy(self) -> LinkPolicy:
        """What links may be, by what this worker knows of the configured domains: a target there is a loop."""
        return _with_targets(self.base_policy, self.domains.policy)


@lru_cache(1)
def _with_targets(base: LinkPolicy, targets: TargetPolicy) -> LinkPolicy:
    return replace(base, targets=targets)


async def _parts(request: Request) -> Parts:
    # Asynchronous although it waits for nothing: a plain function would be sent to a thread, for 200 µs a request.
    found: Parts = request.app.state.parts
    return found


failed_keys = logs.Bounded()

PartsDep = Annotated[Parts, Depends(_parts)]

#: The media types that FastAPI reads as JSON.
JSON = re.compile(r"application/(.+\+)?json")

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="`Authorization: Bearer KEY`")
_header = APIKeyHeader(
    name="X-Api-Key", auto_error=False, scheme_name="ApiKey", description="The same key, for clients without bearers."
)


def sent_key(request: Request) -> bytes:
    """The key in a request's headers, as bytes: comparing must not fail on what is no text. Raises KeyMissing."""
    for name, value in request.scope["headers"]:
        key = b""
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            key = value[7:].strip()
        elif name == b"x-api-key":
            key = value.strip()
        if key:
            return bytes(key)
    raise errors.KeyMissing


async def authenticated(request: Request, scope: Scope) -> Principal:
    """Who sends `request`, with a key that must have `scope`. Raises KeyMissing, KeyInvalid, ScopeMissing."""
    parts: Parts = request.app.state.parts
    key = sent_key(request)
    found = keys.of_preset(parts.preset, key)
    if found is None:
        found = await run_in_threadpool(_authenticate, request, key)
    if not found.may(scope):
        allowed = ", ".join(sorted(found.scopes))
        raise errors.ScopeMissing(f"This needs the scope {scope}; the key has {allowed}.")
    return found


def is_administrator(request: Request) -> bool:
    """Whether `request` comes with an administrator's key; for routes that answer everybody, but not alike."""
    try:
        return _authenticate(request, sent_key(request)).may(Scope.ADMIN)
    except (errors.KeyMissing, errors.KeyInvalid, errors.DatabaseUnavailable):
        return False


def _authenticate(request: Request, key: bytes) -> Principal:
    """Who sends `key`. Raises KeyInvalid, and logs where such a key came from."""
    parts: Parts = request.app.state.parts
    try:
        return keys.authenticate(parts.database, parts.preset, key)
    except errors.KeyInvalid:
        log_failed_key(key, network_of(request))
        raise


def log_failed_key(key: bytes, network: bytes) -> None:
    """Logs that somebody in `network` has sent a key that opens nothing, within bounds."""
    source = visitor.network_text(network)
    failed_keys.warning("an API key opens nothing", key_id=access.public_id(key), source=source)


def network_of(request: Request) -> bytes:
    """The network from which `request` comes, as domain.visitor.network_bytes says."""
    asked = clicks.of_scope(request.scope)
    trusted = request.app.state.parts.settings.trusted_proxies
    address = visitor.client_address(asked.peer, [clicks.forwarded(asked).decode("latin-1")], trusted)
    return visitor.network_bytes(address)


def principal_with(scope: Scope) -> Callable[..., Awaitable[Principal]]:
    """A dependency on who sends a key with `scope`. It tells the route what to ask for (web/api/route)."""

    async def principal(
        request: Request,
        _bearer_scheme: Annotated[object, Security(_bearer)],
        _header_scheme: Annotated[object, Security(_header)],
    ) -> Principal:
        found: Principal = request.state.principal
        return found

    principal.needs = scope  # type: ignore[attr-defined]  # read by web/api/route
    return principal


LinksReader = Annotated[Principal, Depends(principal_with(Scope.LINKS_READ))]
LinksWriter = Annotated[Principal, Depends(principal_with(Scope.LINKS_WRITE))]
StatsReader = Annotated[Principal, Depends(principal_with(Scope.STATS_READ))]
Administrator = Annotated[Principal, Depends(principal_with(Scope.ADMIN))]


def _if_match(
    if_match: Annotated[
        str | None, Header(description="`ETag` of the version that you have seen; another is refused with 412.")
    ] = None,
) -> tuple[str, ...] | None:
    return None if if_match is None else tuple(tag.strip() for tag in if_match.split(","))


IfMatch = Annotated[tuple[str, ...] | None, Depends(_if_match)]
DomainName = Annotated[
    Annotated[str, Field(max_length=253)],
    Query(description="The link's domain; empty is the default one.", examples=["go.example.com"]),
]
