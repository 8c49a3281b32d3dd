"""How the API's routes are made: under one prefix, behind a key, and with a body that is read within limits."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope as ASGIScope

from shortener import errors
from shortener.domain.access import READING_SCOPES, Scope
from shortener.settings import Settings
from shortener.web import bodies
from shortener.web.api import examples
from shortener.web.api.parameters import check_names, names_of
from shortener.web.deps import JSON, authenticated
from shortener.web.idempotency import answer_once
from shortener.web.responses import ORJSONResponse

_PREFIX = "/api/v1"


def operation_id(route: APIRoute) -> str:
    """The name of a route in the API's description, and so that of a method in generated clients."""
    return f"{route.tags[0]}_{route.name}"


class ApiRoute(APIRoute):
    """A route that asks for the key before it reads a body, and reads that before the framework takes it apart.

    Raises KeyMissing, KeyInvalid, ScopeMissing, ValidationFailed for an unknown query parameter,
    UnsupportedMediaType, BodyTooLarge.
    """

    #: Whether a body must say that it is JSON.
    is_json: ClassVar = True
    #: The methods of all routes at this path, unless it has external ids behind it (web/routes).
    resource_methods: frozenset[str] | None = None
    #: Whether a less specific path may take the methods that are not among these.
    gives_way: bool = False

    def matches(self, scope: ASGIScope) -> tuple[Match, ASGIScope]:
        """Whether this route takes a request: also to refuse a method that the resource at its path has not."""
        match, child_scope = super().matches(scope)
        is_refused = self.resource_methods is not None and scope["method"] not in self.resource_methods
        if match is Match.PARTIAL and is_refused and not self.gives_way:
            # Else a less specific path would take it: GET /links/bulk would be for a link called `bulk`.
            return Match.FULL, child_scope
        return match, child_scope

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind ours."""
        answer = super().get_route_handler()
        (scope,) = set(_scopes(self.dependant))
        parameters = names_of(self.dependant)

        async def handle(request: Request) -> Response:
            request.state.principal = await authenticated(request, scope)
            await self.check_resource(request)
            check_names(request.query_params, parameters)
            if self.is_json:
                _require_json(request)
            body = await bodies.read(request, self.most_bytes(request.app.state.parts.settings))
            if scope in READING_SCOPES:
                return await answer(bodies.read_again(request, body))
            return await answer_once(request, body, answer)

        return handle

    async def check_resource(self, request: Request) -> None:
        """Raises HTTPException (405) where a more specific path, without this method, is what `request` names."""

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        """Of a body."""
        return settings.max_body_bytes


def make_router(tag: str, path: str = "", route_class: type[ApiRoute] = ApiRoute) -> APIRouter:
    """A router for the routes under /api/v1 and `path`."""
    return APIRouter(
        prefix=_PREFIX + path,
        tags=[tag],
        responses=examples.WITH_KEY,
        default_response_class=ORJSONResponse,
        generate_unique_id_function=operation_id,
        route_class=route_class,
    )


def _scopes(dependant: Dependant) -> Iterator[Scope]:
    """The scopes that the route's dependencies ask for (deps.principal_with)."""
    for part in dependant.dependencies:
        scope = getattr(part.call, "needs", None)
        if scope is not None:
            yield scope
        yield from _scopes(part)


def _require_json(request: Request) -> None:
    """Refuses a body that does not say it is plain JSON. Raises UnsupportedMediaType."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if not has_body:
        return
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not JSON.fullmatch(sent):
        raise errors.UnsupportedMediaType(
            f"The body must be JSON, sent with Content-Type: application/json (not '{sent or 'none'}')."
        )
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise errors.UnsupportedMediaType(f"Send the body as it is, without Content-Encoding (not '{coding}').")
