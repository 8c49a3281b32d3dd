"""Which routes the API has, in the order in which they are looked at."""

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

#: The one whose bodies hold many items.
OF_MANY = bulk.router
#: That one first, since `bulk` could be a code; and tags after what stands behind a tag.
ROUTERS = (
    OF_MANY,
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
