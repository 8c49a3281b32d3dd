"""/api/v1/links/{code}/history, /revert and /schedule: what a link was, and what it is going to be."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from shortener import errors
from shortener.domain import page as pages
from shortener.services import drafts, schedules
from shortener.services import history as service
from shortener.storage.changes import Entry
from shortener.storage.schedules import ScheduledChange
from shortener.web.api import examples
from shortener.web.api.rendering import answer, fields_of
from shortener.web.api.route import make_router
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.links import LinkOut, RevertIn, ScheduleCreate, ScheduleOut, VersionOut
from shortener.web.deps import DomainName, IfMatch, LinksReader, LinksWriter, PartsDep
from shortener.web.responses import NoContent, ORJSONResponse

router = make_router("links", "/links/{code}")


@router.get(
    "/history",
    response_model=PageOut[VersionOut],
    summary="What has been changed",
    responses=examples.refusals(*examples.NAME, errors.ValidationFailed, errors.CursorInvalid),
)
def history(
    code: str,
    parts: PartsDep,
    _principal: LinksReader,
    domain: DomainName = "",
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="Changes per page.")] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """Every change of the link, the last first: who, when, and each field before and after, but for passwords."""
    found = service.versions(parts.database, code, domain=domain, limit=limit, cursor=cursor)
    return ORJSONResponse({"data": [_version(entry) for entry in found.items], "next": found.next})


@router.post(
    "/revert",
    response_model=LinkOut,
    summary="Go back to a version",
    responses={
        **examples.WITH_BODY,
        **examples.WITH_IDEMPOTENCY,
        **examples.refusals(
            *examples.NAME,
            errors.VersionNotFound,
            errors.VersionMismatch,
            errors.ExternalIdTaken,
            *examples.FIELDS,
        ),
    },
)
def revert(
    code: str,
    body: RevertIn,
    parts: PartsDep,
    principal: LinksWriter,
    domain: DomainName = "",
    if_match: IfMatch = None,
) -> Response:
    """Make the link what it was at a version, as a new version. Its code and password stay what they are."""
    link = service.revert(
        parts.database,
        parts.link_policy,
        code,
        body.version,
        actor=principal.actor,
        domain=domain,
        if_match=if_match,
    )
    return answer(link, parts)


@router.post(
    "/schedule",
    status_code=201,
    response_model=ScheduleOut,
    summary="Schedule a change",
    responses={
        **examples.WITH_BODY,
        **examples.WITH_IDEMPOTENCY,
        **examples.refusals(*examples.NAME, errors.ScheduleInvalid, *examples.FIELDS, *examples.CODE),
    },
)
def schedule(
    code: str, body: ScheduleCreate, parts: PartsDep, principal: LinksWriter, domain: DomainName = ""
) -> Response:
    """Change the link at a moment: within a second of it every visitor sees it, on all workers and nodes."""
    made = schedules.add(
        parts.database,
        parts.link_policy,
        code,
        body.at,
        fields_of(body.changes),
        actor=principal.actor,
        domain=domain,
    )
    return ORJSONResponse(_scheduled(made), status_code=201)


@router.get(
    "/schedule",
    response_model=PageOut[ScheduleOut],
    summary="What is scheduled",
    responses=examples.refusals(*examples.NAME),
)
def scheduled(code: str, parts: PartsDep, _principal: LinksReader, domain: DomainName = "") -> Response:
    """The changes that wait for their moment, the next first."""
    waiting = schedules.waiting(parts.database, code, domain=domain)
    return ORJSONResponse({"data": [_scheduled(change) for change in waiting], "next": None})


@router.delete(
    "/schedule/{id}",
    status_code=204,
    summary="Cancel a scheduled change",
    responses=examples.refusals(*examples.NAME, errors.ScheduleNotFound, errors.ValidationFailed),
    response_class=Response,
)
def cancel(
    code: str,
    id: Annotated[int, Path(ge=1, le=pages.MAX_INTEGER)],
    parts: PartsDep,
    principal: LinksWriter,
    domain: DomainName = "",
) -> Response:
    """Take back a change before it happens."""
    schedules.cancel(parts.database, code, id, actor=principal.actor, domain=domain)
    return NoContent()


def _version(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "at": entry.at,
        "actor": entry.actor,
        "kind": entry.kind,
        "code": entry.code,
        "changes": drafts.shown_difference(entry.diff),
    }


def _scheduled(change: ScheduledChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "at": change.at,
        "actor": change.actor,
        "created_at": change.created_at,
        "changes": drafts.shown(drafts.recorded(change.edits)),
    }
