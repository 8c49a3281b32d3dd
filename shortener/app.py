"""The composition root: the only place that wires things together."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, nullcontext, suppress

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.staticfiles import StaticFiles

from shortener import __version__, errors, settings
from shortener.clicks import frame
from shortener.clicks.drainer import Drainer
from shortener.clicks.durability import open_spool, room
from shortener.clicks.salt import REFRESH_SECONDS, Salts
from shortener.clicks.spool import Spool
from shortener.domain import access, target
from shortener.domain.target import TargetPolicy
from shortener.redirect.answer import AnswerPolicy
from shortener.redirect.cache import Cache
from shortener.redirect.entry import Defaults
from shortener.redirect.follower import Follower
from shortener.redirect.lookup import Lookup
from shortener.services.keys import Preset
from shortener.services.links import LinkPolicy
from shortener.settings import Settings
from shortener.storage import schema
from shortener.storage.engine import Database
from shortener.web import errors as problems
from shortener.web import ops, pages, redirects
from shortener.web.api import description, keys, links, stats
from shortener.web.clicks import Recorder
from shortener.web.deps import Parts, require_json
from shortener.web.middleware import BodyLimit, HeadAsGet, Observed
from shortener.web.outbox import Outbox
from shortener.web.visits import Visits

#: Seconds between looks at what the hot path has counted.
_PUBLISH_SECONDS = 1.0
#: First segments that are ours although no route begins with them yet.
_KEPT_FOR_LATER = frozenset({"admin"})

log = structlog.get_logger()


def create_app(configured: Settings | None = None, *, draining: bool = True) -> FastAPI:
    """The shortener as an ASGI application.

    API routes work at once; visits are recorded while its lifespan runs, and clicks drained unless that is somebody
    else's, not `draining`. It opens nothing and starts no thread before that: processes are forked with it.
    """
    configured = configured or settings.load()
    app = FastAPI(
        title="shortener",
        version=__version__,
        summary="A self-hosted URL shortener with exact statistics.",
        description=description.TEXT,
        openapi_tags=description.TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
    )
    _add_routes(app, configured.max_body_bytes)
    paths = [str(context.path) for context in iter_route_contexts(app.routes)]
    app.include_router(redirects.router)
    parts = _assemble(configured, paths)
    app.state.parts, app.state.draining = parts, draining
    problems.install(app)
    description.install(app)
    app.add_middleware(HeadAsGet, reserved=parts.link_policy.reserved)
    app.add_middleware(BodyLimit, most_bytes=configured.max_body_bytes)
    app.add_middleware(Observed)
    return app


def _add_routes(app: FastAPI, max_body_bytes: int) -> None:
    """Everything but the short links, which read no body at all."""
    api = APIRouter(prefix="/api/v1", dependencies=[Depends(require_json)], max_body_size=max_body_bytes)
    for part in (stats.router, links.router, keys.router):
        api.include_router(part)
    app.include_router(api)
    app.include_router(ops.router)
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")


def _assemble(configured: Settings, paths: Sequence[str]) -> Parts:
    """The parts of an application whose own routes have these `paths`."""
    database = Database(configured.database)
    reserved = frozenset(path.split("/")[1] for path in paths) | _KEPT_FOR_LATER
    targets = TargetPolicy(
        extra_schemes=frozenset(configured.target_schemes), own_hosts=target.own_hosts(configured.public_url)
    )
    defaults = Defaults(
        status=configured.redirect_status,
        expired_target=configured.expired_target,
        cache_seconds=configured.redirect_cache_seconds,
        pack_link=frame.pack_link,
    )
    cache = Cache(configured.cached_links)
    return Parts(
        settings=configured,
        database=database,
        cache=cache,
        link_policy=LinkPolicy(targets, reserved, configured.code_length),
        answer_policy=AnswerPolicy(configured.redirect_cache_seconds, configured.not_found_target),
        preset=Preset(access.digest(configured.admin_key.encode()) if configured.admin_key else None),
        lookup=Lookup(database, cache, defaults),
        own_pages=frozenset(path[1:] for path in paths if path.count("/") == 1 and path != "/static"),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Visits]]:
    """Opens the spool, keeps salts and cache fresh and drains, until the app ends.

    Its state is what the edge (web/edge) answers visits with.
    """
    parts: Parts = app.state.parts
    database_id = identify(parts.database)
    salts = Salts(parts.database)
    salts.refresh()
    parts.spool = open_spool(parts.settings, database_id)
    parts.recorder = Recorder(parts.spool, salts, parts.settings.trusted_proxies)
    reserved = parts.link_policy.reserved
    visits = Visits(parts.lookup, parts.cache, parts.recorder, Outbox(parts.spool), parts.answer_policy, reserved)
    try:
        drainer = _draining(parts, database_id) if app.state.draining else nullcontext()
        async with _kept_fresh(salts), _published(parts.spool, visits), _following(parts), drainer:
            yield {"visits": visits}
    finally:
        parts.recorder = None
        parts.spool.close()
        parts.lookup.close()
        parts.database.close()


def identify(database: Database) -> bytes:
    """Which database this is. Raises StartFailed if it has not the schema that this version needs."""
    with database.read() as connection:
        revision = schema.current(connection)
        found = schema.database_id(connection) if revision == schema.HEAD else None
    if found is None:
        raise errors.StartFailed(
            f"The database is at revision {revision}, this version needs {schema.HEAD}: run `shortener db upgrade`."
        )
    return found


@asynccontextmanager
async def _kept_fresh(salts: Salts) -> AsyncIterator[None]:
    async def refresh() -> None:
        try:
            await asyncio.to_thread(salts.refresh)
        except Exception as error:  # nothing may end this: without salts nobody is unique
            log.warning("salts not refreshed, trying again later", cause=str(error.__cause__ or error))

    async with _repeated(refresh, REFRESH_SECONDS):
        yield


@asynccontextmanager
async def _published(spool: Spool, visits: Visits) -> AsyncIterator[None]:
    async def publish() -> None:
        spool.publish()
        visits.publish()

    async with _repeated(publish, _PUBLISH_SECONDS):
        yield
    visits.publish()


@asynccontextmanager
async def _following(parts: Parts) -> AsyncIterator[None]:
    follower = Follower(parts.database, parts.lookup)
    with closing(follower):
        async with _in_thread("follower", follower.run):
            yield


@asynccontextmanager
async def _draining(parts: Parts, database_id: bytes) -> AsyncIterator[None]:
    drainer = Drainer(parts.settings.spool_dir, parts.database, database_id, room(parts.settings))
    with closing(drainer):
        async with _in_thread("drainer", drainer.run):
            yield


@asynccontextmanager
async def _repeated(action: Callable[[], Awaitable[None]], seconds: float) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _in_thread(name: str, run: Callable[[threading.Event], None]) -> AsyncIterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)
