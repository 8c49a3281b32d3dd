"""The columns of a link's row that a draft decides."""

from typing import Any

from shortener.domain import listing, search
from shortener.domain import rule as rules
from shortener.domain import target as targets
from shortener.domain.link import LinkDraft


def columns(draft: LinkDraft, code: str) -> dict[str, Any]:
    """The columns of a link that becomes what `draft` says and is called `code`."""
    return {
        "domain": draft.domain,
        "code": code,
        "target": draft.target,
        "target_hash": targets.fingerprint(draft.target),
        "title": draft.title,
        "notes": draft.notes,
        "status": draft.status,
        "enabled": draft.enabled,
        "valid_from": draft.valid_from,
        "expires_at": draft.expires_at,
        "expired_target": draft.expired_target,
        "max_clicks": draft.max_clicks,
        "admit_programs": draft.admit_programs,
        "password_hash": draft.password_hash,
        "forward_query": draft.forward_query,
        "forward_path": draft.forward_path,
        "track": draft.track,
        "rules": rules.dump(draft.rules),
        "external_id": draft.external_id,
        "search_text": search.searchable(code=code, target=draft.target, title=draft.title, notes=draft.notes),
        "title_key": listing.title_key(draft.title),
        "target_host": targets.host_in(draft.target),
    }
