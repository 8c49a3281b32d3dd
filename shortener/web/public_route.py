"""How routes are made that anybody may ask: nothing of a request is taken apart that its route does not read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.responses import Response

from shortener.domain.query import Query


class PublicRequest(Request):
    """A request without query parameters and cookies for the framework, which asks for both on every route.

    Taking 16 KiB of query apart would cost up to 6 ms, and 64 KiB of cookies 8 (measured).
    """

    @property
    def query_params(self) -> QueryParams:
        """None; the scope has the query."""
        return QueryParams()

    @property
    def cookies(self) -> dict[str, str]:
        """None; the headers have them (web/grants)."""
        return {}


class _WithParameters(PublicRequest):
    """One to a route that has query parameters."""

    @property
    def query_params(self) -> QueryParams:
        """All of them. Raises TooManyParameters."""
        Query(self.scope["query_string"].decode("latin-1")).check()
        return Request.query_params.fget(self)  # type: ignore[attr-defined,no-any-return]


class PublicRoute(APIRoute):
    """A route that anybody may ask."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, which gets less to do."""
        answer = super().get_route_handler()
        kind = _WithParameters if _has_parameters(self.dependant) else PublicRequest

        async def handle(request: Request) -> Response:
            return await answer(kind(request.scope, request.receive))

        return handle


def _has_parameters(dependant: Dependant) -> bool:
    """Whether a route has query parameters, itself or by what it depends on."""
    return bool(dependant.query_params) or any(map(_has_parameters, dependant.dependencies))
