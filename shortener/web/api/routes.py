"""Which routes the API has, in the order in which they are looked at."""

from collections.abc import Sequence
from functools import lru_cache

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from shortener.web import ops
from shortener.web.api import (
    aliases,
    bulk,
    clicks,
    domains,
    erasing,
    explain,
    history,
    keys,
    links,
    live,
    orphans,
    qr,
    stats,
    stats_files,
    tags,
)
from shortener.web.deps import require_json

_PREFIX = "/api/v1"
#: The one whose bodies hold many items.
_OF_MANY = bulk.router
#: That one first, since `bulk` could be a code; and tags after what stands behind a tag.
_ROUTERS = (
    _OF_MANY,
    *(
        part.router
        for part in (
            stats,
            stats_files,
            clicks,
            live,
            links,
            aliases,
            history,
            explain,
            qr,
            tags,
            domains,
            orphans,
            erasing,
            keys,
        )
    ),
)


def operation_id(route: APIRoute) -> str:
    """The name of a route in the API's description, and so that of a method in generated clients."""
    return f"{route.tags[0]}_{route.name}"


@lru_cache(maxsize=4)
def included(max_body_bytes: int, max_bulk_bytes: int) -> Sequence[BaseRoute]:
    """All routes but the short links' (which read no body), with these limits of a body and of a bulk's.

    Applications with the same limits share them: FastAPI takes 0.1 s to work out the parameters of all.
    """
    router = APIRouter(redirect_slashes=False, generate_unique_id_function=operation_id)
    for part in _ROUTERS:
        of_many = part is _OF_MANY
        router.include_router(
            part,
            prefix=_PREFIX,
            dependencies=[] if of_many else [Depends(require_json)],
            max_body_size=max_bulk_bytes if of_many else max_body_bytes,
        )
    router.include_router(ops.router)
    return router.routes
