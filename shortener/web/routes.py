"""The routes of the application, in the order in which requests are matched."""

from collections import defaultdict
from collections.abc import Sequence

from starlette.routing import BaseRoute

from shortener.web import ops, previews, redirects
from shortener.web import qr as qr_codes
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
    listing,
    live,
    orphans,
    qr,
    stats,
    stats_files,
    tags,
    undelete,
)
from shortener.web.api.any_text import TAG
from shortener.web.api.route import ApiRoute
from shortener.web.dashboard import home, signin, signout

#: Bulks first, since `bulk` could be a code; and tags after what stands behind a tag.
ROUTES: Sequence[BaseRoute] = [
    route
    for part in (
        bulk,
        stats,
        stats_files,
        clicks,
        live,
        listing,
        links,
        aliases,
        history,
        undelete,
        explain,
        qr,
        tags,
        domains,
        orphans,
        erasing,
        keys,
        ops,
        signin,
        signout,
        home,
    )
    for route in part.router.routes
]

#: Routes of short links, which come last, since they match any first segment. They are not
#: included as routers: the framework would build each again for the first request, which takes 25 ms (measured).
VISITS: Sequence[BaseRoute] = [route for part in (qr_codes, previews, redirects) for route in part.router.routes]

#: Below this path there are external ids only for PUT: a link may be called `external`.
_SHARED = "/api/v1/links/external/"


def _note_methods() -> None:
    """Lets every route know the methods of all at its path."""
    by_path: defaultdict[str, list[ApiRoute]] = defaultdict(list)
    for route in ROUTES:
        if isinstance(route, ApiRoute) and not route.path.startswith(_SHARED):
            by_path[route.path].append(route)
    for together in by_path.values():
        methods = frozenset(method for route in together for method in route.methods or ())
        for route in together:
            route.resource_methods = methods
            # A tag's own name may end like the path of something behind one.
            route.gives_way = f"/{TAG}/" in route.path


_note_methods()
