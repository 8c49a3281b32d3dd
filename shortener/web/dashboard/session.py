"""Who acts in a request to an administration page: routes name the right that they need, as those of the API do."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from starlette.concurrency import run_in_threadpool

from shortener import errors
from shortener.domain.access import Principal, Scope
from shortener.services import sessions
from shortener.web.deps import Parts


async def open_session(request: Request) -> None:
    """Notes in the state of `request` who acts in it, and in which session.

    Raises SignedOut where it belongs to no session that lasts, DatabaseUnavailable.
    """
    parts: Parts = request.app.state.parts
    session_id = parts.session_cookies.read(request)
    if session_id is None:
        raise errors.SignedOut
    found = await run_in_threadpool(sessions.principal_of, parts.database, parts.preset, session_id)
    request.state.principal, request.state.session_id = found, session_id


def require(principal: Principal, scope: Scope | None) -> None:
    """Raises ScopeMissing unless `principal` has the right `scope`, if that is needed."""
    if scope is not None and not principal.may(scope):
        held = ", ".join(sorted(principal.scopes))
        raise errors.ScopeMissing(f"This needs the right {scope}; you are signed in with a key that has {held}.")


def principal_with(scope: Scope | None) -> Callable[..., Awaitable[Principal]]:
    """A dependency on who acts, with the right `scope`; None: any. It tells the route what to demand."""

    async def principal(request: Request) -> Principal:
        found: Principal = request.state.principal
        return found

    principal.needs = scope  # type: ignore[attr-defined]  # read by `needs_of`
    return principal


def needs_of(dependant: Dependant) -> Iterator[Scope | None]:
    """What a route's dependencies on its principal demand."""
    for part in dependant.dependencies:
        if hasattr(part.call, "needs"):
            yield part.call.needs  # type: ignore[union-attr]  # looked up above
        yield from needs_of(part)


SignedIn = Annotated[Principal, Depends(principal_with(None))]
LinksReader = Annotated[Principal, Depends(principal_with(Scope.LINKS_READ))]
LinksWriter = Annotated[Principal, Depends(principal_with(Scope.LINKS_WRITE))]
StatsReader = Annotated[Principal, Depends(principal_with(Scope.STATS_READ))]
Administrator = Annotated[Principal, Depends(principal_with(Scope.ADMIN))]
