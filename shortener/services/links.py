"""What can be done with links. Each writing function is one transaction that also records the change."""

from dataclasses import replace
from typing import Any

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain.link import Link, LinkDraft
from shortener.services import drafts, recorded
from shortener.services.drafts import LinkPolicy
from shortener.services.recorded import IfMatch
from shortener.storage import changes
from shortener.storage import links as rows
from shortener.storage.engine import Connection, Database


def create(
    database: Database, policy: LinkPolicy, draft: LinkDraft, *, actor: str, return_existing: bool = False
) -> tuple[Link, bool]:
    """Makes a link; returns it and whether it is new.

    With `return_existing` a living link with the same target (and the same code, if `draft` has one) is returned
    as it is instead. Raises errors.Target*, Code*, DatesContradict, TagInvalid, RuleInvalid, PlaceholderInvalid,
    DomainNotFound, ExternalIdTaken.
    """
    draft = drafts.checked(draft, policy)
    with database.write() as connection:
        changes.lock(connection)
        existing = _existing(connection, draft) if return_existing else None
        if existing is not None:
            return existing, False
        return recorded.add(connection, draft, policy, actor), True


def get(database: Database, code: str, domain: str = "") -> Link:
    """The link called `code`, or that has it as an alias. Raises LinkNotFound."""
    with database.read() as connection:
        return recorded.find(connection, domain, code)


def edit(
    database: Database,
    policy: LinkPolicy,
    code: str,
    edits: dict[str, Any],
    *,
    actor: str,
    domain: str = "",
    if_match: IfMatch = None,
) -> Link:
    """Gives the link called `code` new values for the fields of LinkDraft in `edits`.

    Raises LinkNotFound, VersionMismatch, and what `create` raises.
    """
    with database.write() as connection:
        changes.lock(connection)
        before = recorded.find(connection, domain, code)
        recorded.match(before, if_match)
        draft = drafts.edited(drafts.of_link(before), edits, policy)
        return recorded.change(connection, before, draft, actor)


def put(
    database: Database,
    policy: LinkPolicy,
    code: str,
    draft: LinkDraft,
    *,
    actor: str,
    if_match: IfMatch = None,
) -> tuple[Link, bool]:
    """Makes the link called `code` exactly what `draft` says, creating it if need be; returns whether it is new.

    Raises what `edit` raises, and AliasInvalid if the code is an alias.
    """
    with database.write() as connection:
        changes.lock(connection)
        draft, before = _named(connection, policy, replace(draft, code=code))
        _refuse_alias(before, draft.code)
        return _put(connection, policy, before, draft, actor, if_match)


def put_external(
    database: Database,
    policy: LinkPolicy,
    external_id: str,
    draft: LinkDraft,
    *,
    actor: str,
    if_match: IfMatch = None,
) -> tuple[Link, bool]:
    """The same of the link that another system calls `external_id`; without a code in `draft` it keeps its own."""
    draft = drafts.checked(replace(draft, external_id=external_id), policy)
    with database.write() as connection:
        changes.lock(connection)
        return _put(connection, policy, rows.by_external_id(connection, external_id), draft, actor, if_match)


def delete(database: Database, code: str, *, actor: str, domain: str = "", if_match: IfMatch = None) -> Link:
    """Deletes the link called `code` with its aliases, and returns what it was. The statistics stay.

    Raises LinkNotFound, VersionMismatch, and AliasInvalid if the code is an alias.
    """
    with database.write() as connection:
        changes.lock(connection)
        before = recorded.find(connection, domain, code)
        _refuse_alias(before, code)
        recorded.match(before, if_match)
        recorded.remove(connection, before, actor)
    return before


def _named(connection: Connection, policy: LinkPolicy, draft: LinkDraft) -> tuple[LinkDraft, Link | None]:
    """A checked `draft`, and the link that has its code already: that may be a code which no new link may have."""
    code = codes.normal_form(draft.code or "")
    domain = hosts.normal_form(draft.domain) if draft.domain else ""
    before = rows.by_code(connection, domain, code) if code else None
    if before is None:
        return drafts.checked(draft, policy), None
    return drafts.checked(
        replace(draft, code=code), policy, [name for name in drafts.FIELDS if name != "code"]
    ), before


def _put(
    connection: Connection, policy: LinkPolicy, before: Link | None, draft: LinkDraft, actor: str, if_match: IfMatch
) -> tuple[Link, bool]:
    if before is not None:
        recorded.match(before, if_match)
        return recorded.change(connection, before, draft, actor), False
    if if_match is not None:
        raise errors.VersionMismatch("There is no such link yet: send no If-Match.", field="If-Match")
    return recorded.add(connection, draft, policy, actor), True


def _refuse_alias(link: Link | None, code: str | None) -> None:
    if link is not None and code is not None and codes.normal_form(code) in link.aliases:
        raise errors.AliasInvalid(f"'{code}' is an alias of '{link.code}': change that link, or remove the alias.")


def _existing(connection: Connection, draft: LinkDraft) -> Link | None:
    if draft.code is None:
        return rows.by_target(connection, draft.domain, draft.target)
    found = rows.by_code(connection, draft.domain, draft.code)
    return found if found is not None and found.target == draft.target else None
