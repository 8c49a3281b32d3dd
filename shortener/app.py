"""The composition root: the only place that wires things together."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, nullcontext, suppress
from functools import partial
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.staticfiles import StaticFiles

from shortener import __version__, errors, settings
from shortener.clicks import frame
from shortener.clicks.drainer import Drainer
from shortener.clicks.durability import open_spool, room
from shortener.clicks.geo import Geo
from shortener.clicks.room import try_folder
from shortener.clicks.salt import REFRESH_SECONDS, Salts
from shortener.clicks.spool import Spool
from shortener.domain import access, target
from shortener.domain.target import TargetPolicy
from shortener.redirect.answer import AnswerPolicy
from shortener.redirect.cache import Cache
from shortener.redirect.domains import Domains, Fallbacks
from shortener.redirect.entry import Defaults
from shortener.redirect.follower import Follower
from shortener.redirect.limit import Limiter
from shortener.redirect.lookup import Lookup
from shortener.services.answers import Answers
from shortener.services.drafts import LinkPolicy
from shortener.services.keys import opens, preset_of
from shortener.services.live import Feed
from shortener.services.passwords import Passwords
from shortener.services.qr import read_logo
from shortener.services.scheduler import Scheduler
from shortener.services.secret import Secret
from shortener.settings import Settings
from shortener.storage import schema
from shortener.storage.engine import Database
from shortener.web import errors as problems
from shortener.web import own_traffic, pages, routes
from shortener.web.api import description
from shortener.web.api.route import operation_id
from shortener.web.dashboard.cookies import SessionCookies
from shortener.web.deps import Parts
from shortener.web.grants import Grants
from shortener.web.incoming import INCOMING_BODIES, IncomingBodies
from shortener.web.live import Hub
from shortener.web.middleware import HeadAsGet, Observed, Private, WellFormed
from shortener.web.outbox import Outbox
from shortener.web.visitors import Visitors
from shortener.web.visits import Visits

#: Seconds between looks at what the hot path has counted.
_PUBLISH_SECONDS = 1.0
#: Seconds for which a start waits for a database that has gone away, and between attempts.
_READ_SECONDS, _AGAIN_SECONDS = 10.0, 0.2

Read = TypeVar("Read")

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
        generate_unique_id_function=operation_id,
        routes=[*routes.ROUTES],
    )
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    paths = [str(context.path) for context in iter_route_contexts(app.routes)]
    app.router.routes.extend(routes.VISITS)
    parts = _assemble(configured, paths)
    app.state.parts, app.state.draining = parts, draining
    problems.install(app)
    description.install(app)
    app.add_middleware(HeadAsGet, reserved=parts.link_policy.reserved)
    app.add_middleware(WellFormed)
    app.add_middleware(Private)
    app.add_middleware(Observed)
    return app


def _assemble(configured: Settings, paths: Sequence[str]) -> Parts:
    """The parts of an application whose own routes have these `paths`."""
    database = Database(configured.database, pooled=configured.is_pooled)
    reserved = frozenset(path.split("/")[1] for path in paths)
    targets = TargetPolicy(
        extra_schemes=frozenset(configured.target_schemes), own_hosts=target.own_hosts(configured.public_url)
    )
    defaults = Defaults(configured.redirect_status, configured.redirect_cache_seconds, frame.pack_link)
    domains = _domains(configured, targets)
    cache = Cache(configured.cached_links, configured.cached_bytes)
    logo = read_logo(configured.qr_logo)
    # Last, since it opens a file: what fails must have nothing to close.
    secret, geo = Secret(database), Geo(configured.geoip_path)
    is_https = configured.public_url.startswith("https:")
    return Parts(
        settings=configured,
        database=database,
        cache=cache,
        base_policy=LinkPolicy(targets, reserved, configured.code_length),
        answer_policy=AnswerPolicy(configured.redirect_cache_seconds),
        preset=preset_of(configured.admin_key),
        lookup=Lookup(database, cache, defaults, domains),
        domains=domains,
        geo=geo,
        visitors=Visitors(geo, secret.read, configured.trusted_proxies),
        limiter=Limiter(database),
        secret=secret,
        passwords=Passwords(database),
        answers=Answers(database, configured.stats_cache_bytes),
        logo=logo,
        grants=Grants(secret.read, secure=is_https),
        session_cookies=SessionCookies(secret.read, secure=is_https),
    )


def _domains(configured: Settings, targets: TargetPolicy) -> Domains:
    fallbacks = Fallbacks(
        status=configured.redirect_status,
        home_target=configured.home_target,
        not_found_target=configured.not_found_target,
        expired_target=configured.expired_target,
    )
    return Domains(fallbacks, targets, configured.public_url)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Opens the spool, keeps salts and cache fresh and drains, until the app ends.

    Its state is what the connections of a worker share (web/edge, web/protocol).
    """
    parts: Parts = app.state.parts
    if app.state.draining:
        _replace_server(parts.settings)
    async with AsyncExitStack() as opened:
        # What is opened is closed in reverse order, also where the start fails half-way.
        for part in (parts.database, parts.lookup, parts.geo, parts.limiter):
            opened.callback(part.close)
        database_id = await _read_in_time(partial(identify, parts.database))
        salts = Salts(parts.database)
        await _read_in_time(salts.refresh)
        await _read_in_time(parts.secret.read)
        parts.spool = opened.enter_context(closing(open_spool(parts.settings, database_id)))
        opened.callback(_stop_recording, parts)
        parts.recorder = own_traffic.make_recorder(parts.settings, parts.spool, salts, parts.domains)
        reserved = parts.base_policy.reserved
        visits = Visits(parts.lookup, parts.cache, parts.recorder, Outbox(parts.spool), parts.visitors, reserved)
        may_follow = partial(opens, parts.database, parts.preset, access.Scope.STATS_READ)
        parts.live = Hub(Feed(parts.database), may_follow, parts.settings.live_subscribers)
        opened.push_async_callback(parts.live.close)
        drainer = _draining(parts) if app.state.draining else nullcontext()
        for running in (_kept_fresh(salts), _published(parts.spool, visits), _in_step(parts), drainer):
            await opened.enter_async_context(running)
        yield {"visits": visits, INCOMING_BODIES: IncomingBodies(parts.settings.trusted_proxies)}


def _stop_recording(parts: Parts) -> None:
    parts.recorder = parts.live = None


def _replace_server(configured: Settings) -> None:
    """Does what `shortener serve` does before it forks, where it is another server that runs the application."""
    with suppress(OSError):  # the spool itself says what is wrong
        try_folder(configured.spool_dir)
    if configured.metrics_address is not None:
        log.warning("nobody shows the metrics: only `shortener serve` opens the port in SHORTENER_METRICS")


async def _read_in_time(read: Callable[[], Read]) -> Read:
    """What `read` returns, tried again while the database is away for a moment. Raises errors.Broken."""
    give_up = time.monotonic() + _READ_SECONDS
    while True:
        try:
            return read()
        except errors.Broken as error:
            if time.monotonic() > give_up:
                raise
            log.warning("the database cannot be asked, trying again", cause=str(error.__cause__ or error))
            await asyncio.sleep(_AGAIN_SECONDS)


def make_drainer(configured: Settings, database: Database) -> Drainer:
    """The drainer of a data directory. Raises StartFailed."""
    database_id = identify(database)
    with ExitStack() as undo:
        geo = undo.enter_context(closing(Geo(configured.geoip_path)))
        drainer = Drainer(
            configured.spool_dir,
            database,
            database_id,
            room(configured),
            orphans_per_day=configured.orphans_per_day,
            keep_days=configured.click_retention_days,
            geo=geo,
        )
        undo.pop_all()  # it closes that itself
    return drainer


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
async def _in_step(parts: Parts) -> AsyncIterator[None]:
    """Follows what is changed elsewhere, and has scheduled changes made."""
    with (
        closing(await _read_in_time(partial(Follower, parts.database, parts.lookup))) as follower,
        closing(Scheduler(parts.database, lambda: parts.link_policy)) as scheduler,
    ):
        async with _in_thread("follower", follower.run), _in_thread("scheduler", scheduler.run):
            yield


@asynccontextmanager
async def _draining(parts: Parts) -> AsyncIterator[None]:
    with closing(make_drainer(parts.settings, parts.database)) as drainer:
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
