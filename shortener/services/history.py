"""History of links: what has been changed, by whom and when; and going back to what was."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from shortener import errors
from shortener.domain import page as pages
from shortener.domain import rule as rules
from shortener.domain.link import Link
from shortener.domain.page import Page
from shortener.services import drafts, recorded
from shortener.services.drafts import LinkPolicy
from shortener.services.recorded import IfMatch
from shortener.storage import changes
from shortener.storage.changes import Entry
from shortener.storage.engine import Connection, Database

#: Fields that going back leaves alone: a code may be another link's by now, and no password is in the history.
_KEPT = frozenset({"code", "domain", "password_hash"})
_MOMENTS = frozenset({"valid_from", "expires_at"})
_TUPLES = frozenset({"tags"})


def versions(database: Database, code: str, *, domain: str = "", limit: int, cursor: str | None) -> Page[Entry]:
    """A page of the changes of the link called `code`, the last first. Raises LinkNotFound, CursorInvalid."""
    with database.read() as connection:
        link = recorded.find(connection, domain, code)
        question = pages.question("history", str(link.id))
        before = None if cursor is None else int(pages.read_cursor(question, cursor, (int,))[0])
        found = changes.of_link(connection, link.id, before=before, at_most=limit + 1)
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], pages.make_cursor(question, [found[limit - 1].seq]))


def revert(
    database: Database,
    policy: LinkPolicy,
    code: str,
    version: int,
    *,
    actor: str,
    domain: str = "",
    if_match: IfMatch = None,
) -> Link:
    """Makes the link called `code` what it was at `version`, but for its code and password, as a new version.

    What was allowed then and is not now is refused. Raises LinkNotFound, VersionNotFound, VersionMismatch and what
    `services.links.create` raises.
    """
    with database.write() as connection:
        changes.lock(connection)
        link = recorded.find(connection, domain, code)
        recorded.match(link, if_match)
        draft = drafts.edited(drafts.of_link(link), drafts.written(_at(connection, link, version)), policy)
        return recorded.change(connection, link, replace(draft, code=link.code), actor, "link-reverted")


def _at(connection: Connection, link: Link, version: int) -> dict[str, Any]:
    """The fields in which `link` was another at `version`, as they were: the changes after it, taken back."""
    if not 1 <= version <= link.version:
        raise errors.VersionNotFound(f"'{link.code}' has versions 1 to {link.version}, not {version}.")
    old: dict[str, Any] = {}
    for entry in changes.after_version(connection, link.id, version):
        old.update({name: pair[0] for name, pair in entry.diff.items()})
    values = {name: _value(name, old[name]) for name in drafts.FIELDS if name in old and name not in _KEPT}
    return {name: value for name, value in values.items() if value != getattr(link, name)}


def _value(name: str, kept: Any) -> Any:
    """A value of history as a draft takes it."""
    if kept is None:
        return () if name in _TUPLES or name == "rules" else None
    if name == "rules":
        return rules.load(orjson.dumps(kept).decode())
    if name in _MOMENTS:
        return datetime.fromisoformat(kept)
    return tuple(kept) if name in _TUPLES else kept
