"""Writing links within a transaction, each write with the change that tells history and caches of it."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shortener import errors
from shortener.domain import access
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain import link as links
from shortener.domain.link import Link, LinkDraft
from shortener.services import drafts
from shortener.services.drafts import LinkPolicy
from shortener.storage import changes, domains
from shortener.storage import links as rows
from shortener.storage.engine import Connection

#: The tags of an If-Match header; None where there is none.
IfMatch = Sequence[str] | None
#: Kinds of changes to a link, as history names them.
CREATED, EDITED, DELETED, UNDELETED = "link-created", "link-edited", "link-deleted", "link-undeleted"


def find(connection: Connection, domain: str, code: str) -> Link:
    """The link called `code` on `domain`, by its own code or an alias. Raises LinkNotFound, DomainInvalid."""
    normal = codes.normal_form(code)
    found = rows.by_code(connection, hosts.normal_form(domain) if domain else "", normal) if normal else None
    if found is None:
        raise not_found(domain, code)
    return found


def not_found(domain: str, code: str) -> errors.LinkNotFound:
    """What is raised where no link on `domain` is called `code`."""
    where = f" on {domain}" if domain else ""
    return errors.LinkNotFound(f"There is no link called '{codes.shown(code)}'{where}.")


def add(connection: Connection, draft: LinkDraft, policy: LinkPolicy, actor: str) -> Link:
    """Makes a link of a checked draft. Raises CodeTaken, ExternalIdTaken, DomainNotFound."""
    if draft.domain and domains.by_name(connection, draft.domain) is None:
        raise errors.DomainNotFound(f"The domain '{draft.domain}' is not configured here.", field="domain")
    _check_external_id(connection, draft, None)
    now, owner = datetime.now(UTC), access.key_of(actor)
    code = draft.code or generated(policy, 0)
    attempts = 0
    while rows.add(connection, draft, code=code, nonce=secrets.randbits(32), owner=owner, now=now) is None:
        if draft.code is not None:
            raise taken(code)
        attempts += 1
        code = generated(policy, attempts)
    made = find(connection, draft.domain, code)
    record(connection, CREATED, made, drafts.difference(None, drafts.of_link(made)), actor, now)
    return made


def change(connection: Connection, before: Link, draft: LinkDraft, actor: str, kind: str = EDITED) -> Link:
    """Makes a link what a checked draft says; one that changes nothing is not recorded. Raises what `add` raises."""
    draft = replace(draft, domain=before.domain, code=draft.code or before.code)
    difference = drafts.difference(drafts.of_link(before), draft)
    if not difference:
        return before
    _check_external_id(connection, draft, before.id)
    code = draft.code or before.code
    if code != before.code and rows.id_of_code(connection, before.domain, code) is not None:
        raise taken(code)
    now = datetime.now(UTC)
    rows.change(connection, before.id, draft, now)
    after = find(connection, before.domain, code)
    # By its old code: caches know it by that. The new one they find by the link's id.
    record(connection, kind, replace(after, code=before.code), difference, actor, now)
    return after


def remove(connection: Connection, before: Link, actor: str) -> None:
    """Deletes a link with its aliases."""
    now = datetime.now(UTC)
    rows.bury(connection, before.id, now)
    record(connection, DELETED, before, drafts.difference(drafts.of_link(before), None), actor, now)


def record(
    connection: Connection, kind: str, link: Link, diff: dict[str, list[Any]], actor: str, now: datetime
) -> None:
    """Writes down a change of `link`, as it is after it."""
    changes.append(
        connection,
        at=now,
        actor=actor,
        kind=kind,
        code=link.code,
        domain=link.domain,
        link_id=link.id,
        diff=diff,
        version=link.version,
    )


def generated(policy: LinkPolicy, attempts: int) -> str:
    """A random code for a link, longer after many failed `attempts`."""
    length = policy.code_length + attempts // codes.ATTEMPTS_PER_LENGTH
    while True:
        code = codes.of_number(secrets.randbelow(len(codes.ALPHABET) ** length), length)
        if code.lower() not in policy.reserved:
            return code


def match(before: Link, if_match: IfMatch) -> None:
    """Raises VersionMismatch unless `before` is what its editor has seen (RFC 9110 section 13.1.1)."""
    if if_match is not None and "*" not in if_match and links.etag(before) not in if_match:
        detail = (
            f"The link is at {links.etag(before)}, not {', '.join(if_match)}: read it again before you change it."
        )
        raise errors.VersionMismatch(detail, field="If-Match")


def taken(code: str) -> errors.CodeTaken:
    """What to say where a code is another link's."""
    return errors.CodeTaken(f"Another link is called '{code}' already; choose another code.", field="code")


def _check_external_id(connection: Connection, draft: LinkDraft, link_id: int | None) -> None:
    other = None if draft.external_id is None else rows.by_external_id(connection, draft.external_id)
    if other is not None and other.id != link_id:
        detail = f"The link '{other.code}' has the external id '{draft.external_id}' already."
        raise errors.ExternalIdTaken(detail, field="external_id")
