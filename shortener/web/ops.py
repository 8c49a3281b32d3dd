"""What operators and their machines look at, and the few fixed files every site has."""

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import FileResponse, PlainTextResponse, Response

from shortener import __version__, errors, logs, metrics
from shortener.clicks import election
from shortener.domain.access import Scope
from shortener.redirect.entry import UNCACHED
from shortener.web import pages
from shortener.web.api import examples
from shortener.web.api.route import operation_id
from shortener.web.api.schemas.problems import HealthOut, ReadinessOut
from shortener.web.deps import Parts, PartsDep, authenticated, is_administrator
from shortener.web.public_route import PublicRoute
from shortener.web.responses import ORJSONResponse, Redirect

router = APIRouter(tags=["operations"], generate_unique_id_function=operation_id, route_class=PublicRoute)

_NOT_STORED = {"cache-control": "no-store"}
_OK = "ok"

log = logs.Bounded()


@router.get(
    "/healthz", response_model=HealthOut, summary="Whether the process is alive", response_class=ORJSONResponse
)
async def healthz() -> Response:
    """Answers as long as the process does; asks nobody else."""
    return ORJSONResponse({"status": "ok", "version": __version__}, headers=_NOT_STORED)


@router.get(
    "/readyz",
    response_model=ReadinessOut,
    summary="Whether everything it needs works",
    response_class=ORJSONResponse,
    responses=examples.NOT_READY,
)
def readyz(request: Request, parts: PartsDep) -> Response:
    """Asks every dependency; 503 when one fails. Redirects may go on nevertheless, and warnings fail nothing.

    Administrators' keys learn why.
    """
    faults = {"database": _database(parts), "spool": _spool(parts), "drainer": _drainer(parts)}
    ready = not any(faults.values())
    # Why may name hosts, ports and folders, which are not for strangers.
    with_cause = not ready and is_administrator(request)
    checks = {
        name: _OK if not fault else fault if with_cause else f"{name} unavailable" for name, fault in faults.items()
    }
    content = {"status": _OK if ready else "failing", "checks": checks, "warnings": _warnings(parts)}
    return ORJSONResponse(content, status_code=200 if ready else 503, headers=_NOT_STORED)


async def _require_metrics_reader(request: Request, parts: PartsDep) -> None:
    """Lets those pass who may read metrics here. Raises PathNotFound, KeyMissing, KeyInvalid, ScopeMissing."""
    if parts.settings.metrics == "key":
        await authenticated(request, Scope.STATS_READ)
    elif parts.settings.metrics != "everybody":
        raise errors.PathNotFound


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=examples.NO_METRICS,
    dependencies=[Depends(_require_metrics_reader)],
)
def metrics_page() -> Response:
    """Counters and times of all processes of this server, in Prometheus' text format.

    The setting SHORTENER_METRICS says who may read them: everybody, keys with `stats:read`, or nobody on this port.
    """
    return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST, headers=_NOT_STORED)


@router.get("/", summary="The home page", response_class=Response)
async def home(request: Request, parts: PartsDep) -> Response:
    """Leads to the home target if the domain or the instance has one, else shows a small page."""
    domain = parts.domains.of_host(request.headers.get("host", "").encode("latin-1"))
    target = parts.domains.of(domain).home_target
    if target is not None:
        return Redirect(target, 302, {"cache-control": UNCACHED})
    return pages.page("home.html", base_url=parts.settings.public_url, version=__version__)


@router.get("/docs", summary="This description, to read and try", response_class=Response)
@router.get("/docs/", include_in_schema=False)
async def docs() -> Response:
    """The API's description as a page; everything it needs is served from here."""
    return pages.page("docs.html")


@router.get("/robots.txt", summary="What crawlers may fetch", response_class=PlainTextResponse)
async def robots() -> Response:
    """Short links may be followed, since previews in messengers depend on it; the rest is nothing to index."""
    paths = ("/api/", "/admin/", "/admin$", "/docs/", "/docs$", "/metrics$")
    return PlainTextResponse("".join(["User-agent: *\n", *(f"Disallow: {path}\n" for path in paths)]))


@router.get("/favicon.ico", summary="The icon", response_class=Response)
async def favicon() -> Response:
    """The icon that browsers ask for by themselves."""
    return FileResponse(pages.STATIC / "favicon.ico", media_type="image/vnd.microsoft.icon")


def _warnings(parts: Parts) -> list[str]:
    warning = None if parts.recorder is None else parts.recorder.proxy_warning
    return [] if warning is None else [warning]


def _database(parts: Parts) -> str | None:
    try:
        parts.database.ping()
    except errors.DatabaseUnavailable as error:
        cause = " ".join(str(getattr(error.__cause__, "orig", None) or error.__cause__ or "").split())
        log.warning("the database is not ready", cause=cause)
        return f"{error.detail} {cause}".rstrip()
    return None


def _spool(parts: Parts) -> str | None:
    if parts.spool is None:
        return "The spool is not open."
    return parts.spool.fault and f"Clicks cannot be recorded: {parts.spool.fault}"


def _drainer(parts: Parts) -> str | None:
    # It may be any process that uses this data directory.
    return election.condition(parts.settings.spool_dir)
