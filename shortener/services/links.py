"""What can be done with links. Each writing function is one transaction that also records the change."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import page as pages
from shortener.domain import tag as tags
from shortener.domain import target as targets
from shortener.domain.link import Link, LinkDraft
from shortener.domain.page import Page
from shortener.domain.target import TargetPolicy
from shortener.storage import changes
from shortener.storage import links as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.links import Listing, Sort

_DRAFT_FIELDS = tuple(field.name for field in fields(LinkDraft))


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What this instance allows and prefers."""

    targets: TargetPolicy
    #: First path segments of the shortener's own routes, lower case.
    reserved: Collection[str]
    #: Characters of a generated code.
    code_length: int


def create(
    database: Database, policy: LinkPolicy, draft: LinkDraft, *, actor: str, return_existing: bool = False
) -> tuple[Link, bool]:
    """Makes a link; returns it and whether it is new.

    With `return_existing` a living link with the same target (and the same code, if `draft` has one) is returned
    as it is instead. Raises errors.Target*, CodeInvalid, CodeReserved, CodeTaken, DatesContradict, TagInvalid.
    """
    draft = _checked(draft, policy)
    with database.write() as connection:
        changes.lock(connection)
        existing = _existing(connection, draft) if return_existing else None
        if existing is not None:
            return existing, False
        return _add(connection, draft, policy, actor), True


def get(database: Database, code: str) -> Link:
    """The link called `code`. Raises LinkNotFound."""
    with database.read() as connection:
        return _by_code(connection, code)


def search(
    database: Database,
    *,
    limit: int,
    sort: Sort,
    descending: bool,
    text: str | None = None,
    tag: str | None = None,
    cursor: str | None = None,
) -> Page[Link]:
    """A page of the living links that carry `tag` and contain `text`. Raises CursorInvalid, TagInvalid."""
    listing = Listing(limit=limit + 1, sort=sort, descending=descending, search=text)
    if tag is not None:
        listing = replace(listing, tag=tags.normal_form(tag, name="tag"))
    question = pages.question("links", sort, "desc" if descending else "asc", text or "", listing.tag or "")
    if cursor is not None:
        listing = replace(listing, after=_position(question, cursor, sort))
    with database.read() as connection:
        found = rows.page(connection, listing)
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], pages.make_cursor(question, [rows.sort_value(last, sort), last.id]))


def edit(database: Database, policy: LinkPolicy, code: str, edits: dict[str, Any], *, actor: str) -> Link:
    """Gives the link called `code` new values for the fields of LinkDraft in `edits`, but its code.

    Raises LinkNotFound and what `create` raises.
    """
    with database.write() as connection:
        changes.lock(connection)
        before = _by_code(connection, code)
        draft = _checked(replace(_draft(before), **edits), policy, edits.keys())
        return _change(connection, before, draft, actor)


def put(database: Database, policy: LinkPolicy, code: str, draft: LinkDraft, *, actor: str) -> tuple[Link, bool]:
    """Makes the link called `code` exactly what `draft` says, creating it if need be; returns whether it is new.

    Raises what `create` raises.
    """
    draft = _checked(replace(draft, code=code), policy)
    with database.write() as connection:
        changes.lock(connection)
        before = rows.by_code(connection, "", draft.code or "")
        if before is None:
            return _add(connection, draft, policy, actor), True
        return _change(connection, before, draft, actor), False


def delete(database: Database, code: str, *, actor: str) -> Link:
    """Deletes the link called `code`, and returns what it was. The code is free again, the statistics stay.

    Raises LinkNotFound.
    """
    now = datetime.now(UTC)
    with database.write() as connection:
        changes.lock(connection)
        before = _by_code(connection, code)
        rows.bury(connection, before.id, now)
        _record(connection, "link-deleted", before, _difference(_draft(before), None), actor, now)
    return before


def _checked(draft: LinkDraft, policy: LinkPolicy, changed: Collection[str] = _DRAFT_FIELDS) -> LinkDraft:
    """`draft` with its `changed` fields in normal form; raises the first thing that is wrong with them.

    What was not changed is not judged again: a policy that has become stricter must not block other edits.
    """
    if draft.valid_from and draft.expires_at and draft.valid_from >= draft.expires_at:
        raise errors.DatesContradict(field="expires_at")
    normal: dict[str, Any] = {}
    for name in ("target", "expired_target"):
        value = getattr(draft, name)
        if name in changed and value is not None:
            normal[name] = targets.check(value, policy.targets, name=name)
    if "code" in changed and draft.code is not None:
        normal["code"] = codes.check(draft.code, policy.reserved)
    if "tags" in changed:
        normal["tags"] = tags.normal_forms(draft.tags)
    return replace(draft, **normal)


def _existing(connection: Connection, draft: LinkDraft) -> Link | None:
    if draft.code is None:
        return rows.by_target(connection, "", draft.target)
    found = rows.by_code(connection, "", draft.code)
    return found if found is not None and found.target == draft.target else None


def _add(connection: Connection, draft: LinkDraft, policy: LinkPolicy, actor: str) -> Link:
    now = datetime.now(UTC)
    code = draft.code or _generated(policy, policy.code_length)
    attempts = 0
    while rows.add(connection, draft, code=code, nonce=secrets.randbits(32), now=now) is None:
        if draft.code is not None:
            raise errors.CodeTaken(f"Another link is called '{code}' already; choose another code.", field="code")
        attempts += 1
        code = _generated(policy, policy.code_length + attempts // codes.ATTEMPTS_PER_LENGTH)
    made = _by_code(connection, code)
    _record(connection, "link-created", made, _difference(None, _draft(made)), actor, now)
    return made


def _generated(policy: LinkPolicy, length: int) -> str:
    while True:
        code = "".join(secrets.choice(codes.ALPHABET) for _ in range(length))
        if code.lower() not in policy.reserved:
            return code


def _change(connection: Connection, before: Link, draft: LinkDraft, actor: str) -> Link:
    difference = _difference(_draft(before), replace(draft, code=before.code))
    if not difference:
        return before
    now = datetime.now(UTC)
    rows.change(connection, before.id, draft, now)
    _record(connection, "link-edited", before, difference, actor, now)
    return _by_code(connection, before.code)


def _by_code(connection: Connection, code: str) -> Link:
    normal = codes.normal_form(code)
    found = rows.by_code(connection, "", normal) if normal else None
    if found is None:
        raise errors.LinkNotFound(f"There is no link called '{codes.shown(code)}'.")
    return found


def _draft(link: Link) -> LinkDraft:
    return LinkDraft(**{name: getattr(link, name) for name in _DRAFT_FIELDS})


def _difference(before: LinkDraft | None, after: LinkDraft | None) -> dict[str, list[Any]]:
    """Field → [before, after], for those that differ."""
    pairs = {name: [getattr(before, name, None), getattr(after, name, None)] for name in _DRAFT_FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _record(
    connection: Connection, kind: str, link: Link, diff: dict[str, list[Any]], actor: str, now: datetime
) -> None:
    changes.append(
        connection, at=now, actor=actor, kind=kind, code=link.code, domain=link.domain, link_id=link.id, diff=diff
    )


def _position(question: str, cursor: str, sort: Sort) -> tuple[Any, int]:
    value, link_id = pages.read_cursor(question, cursor, (str if sort is Sort.CREATED else int, int))
    if sort is Sort.CREATED:
        value = pages.read_moment(value)
    return value, link_id
