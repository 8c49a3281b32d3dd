"""Links between the API's shapes and the services' drafts: reading one from a body, writing one into an answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shortener.domain import code as codes
from shortener.domain import link as links
from shortener.domain import password as passwords
from shortener.domain import placeholder
from shortener.domain import rule as rules
from shortener.domain.host import short_url
from shortener.domain.link import Link, LinkDraft
from shortener.services.passwords import hash_password
from shortener.web.api.schemas.links import LinkCreate, LinkPatch, LinkPut
from shortener.web.api.schemas.rules import draft_rules
from shortener.web.deps import Parts
from shortener.web.responses import ORJSONResponse


def render(link: Link, parts: Parts, warnings: Sequence[str] = ()) -> dict[str, object]:
    """A link as LinkOut says, with `warnings` before those that it always has."""
    settings = parts.settings
    return {
        "code": link.code,
        "domain": link.domain,
        "short_url": short_url(settings.public_url, link.domain, link.code),
        "target": placeholder.written(link.target),
        "title": link.title,
        "notes": link.notes,
        "tags": link.tags,
        "status": link.status,
        "enabled": link.enabled,
        "state": links.state_of(link, datetime.now(UTC)),
        "valid_from": link.valid_from,
        "expires_at": link.expires_at,
        "expired_target": link.expired_target and placeholder.written(link.expired_target),
        "max_clicks": link.max_clicks,
        "admit_programs": link.admit_programs,
        "has_password": link.password_hash is not None,
        "forward_query": link.forward_query,
        "forward_path": link.forward_path,
        "track": link.track,
        "rules": [rules.as_data(rules.written(rule)) for rule in link.rules],
        "external_id": link.external_id,
        "id": link.id,
        "owner": link.owner,
        "aliases": link.aliases,
        "clicks": link.clicks,
        "unique": link.unique,
        "last_clicked_at": link.last_clicked_at,
        "created_at": link.created_at,
        "updated_at": link.updated_at,
        "deleted_at": link.deleted_at,
        "version": link.version,
        "warnings": [*warnings, *_warnings(link, parts)],
    }


def _warnings(link: Link, parts: Parts) -> list[str]:
    found = [
        *links.expiry_warnings(link.expires_at, datetime.now(UTC)),
        *links.placeholder_warnings(link),
        *links.code_warnings(link),
        *rules.warnings(link.rules),
    ]
    if links.is_same_for_all(link):
        instance_status = parts.domains.of(link.domain).status
        found = links.warnings(link.status, instance_status, parts.settings.redirect_cache_seconds) + found
    return found


def draft_of(body: LinkCreate) -> LinkDraft:
    """The draft of a link to be made. Raises PasswordInvalid."""
    return LinkDraft(**fields_of(body, whole=True))


def fields_of(body: LinkPut | LinkPatch, *, whole: bool = False) -> dict[str, Any]:
    """The fields of a body as a draft takes them: those that were sent, or all if the body is `whole`.

    A password is hashed here, before any transaction begins. Raises PasswordInvalid.
    """
    names = type(body).model_fields if whole else body.sent_fields()
    values = {name: getattr(body, name) for name in names}
    if "tags" in values:
        values["tags"] = tuple(body.tags)
    if "rules" in values:
        values["rules"] = draft_rules(body.rules)
    if "password" in values:
        password = values.pop("password")
        values["password_hash"] = None if password is None else hash_password(passwords.check(password))
    return values


def answer(link: Link, parts: Parts, *, is_new: bool = False, warnings: Sequence[str] = ()) -> ORJSONResponse:
    """Answers with a link that has just been written, once visits to this worker see it so.

    `warnings` come before those that the link always has.
    """
    for name in (link.code, *link.aliases):
        parts.lookup.forget(link.domain, name)
    headers = {"etag": links.etag(link)}
    if is_new:
        place = f"?domain={link.domain}" if link.domain else ""
        headers["location"] = f"/api/v1/links/{codes.in_path(link.code)}{place}"
    body = render(link, parts, warnings)
    return ORJSONResponse(body, status_code=201 if is_new else 200, headers=headers)
