"""Which routes there are but the short links', in the order in which they are looked at."""

from collections.abc import Sequence

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

#: Bulks first, since `bulk` could be a code; and tags after what stands behind a tag.
ROUTES: Sequence[BaseRoute] = [
    route
    for part in (
        bulk,
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
        ops,
    )
    for route in part.router.routes
]
