"""Many links at once: each item by itself, in order, the rest unaffected by one that is refused."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from shortener import errors
from shortener.domain import access
from shortener.domain import code as codes
from shortener.domain.link import Link, LinkDraft
from shortener.errors import Refused
from shortener.services import drafts, recorded
from shortener.services.drafts import LinkPolicy
from shortener.storage import changes, domains
from shortener.storage import links as rows
from shortener.storage.engine import Connection, Database

#: Most items of one call (DESIGN section 8; Dub takes 100).
MAX_ITEMS = 10_000
#: Links written together.
_TOGETHER = 500
#: Edits and deletions in one transaction, which other writers wait for: an edit takes 1 ms.
_CHANGED_TOGETHER = 100
#: Seconds between two of these transactions: a lock is nobody's turn by itself, and whoever released it is the first
#: to have it again. SQLite's other processes look every 100 ms at most.
_PAUSE_SECONDS = 0.02

Item = TypeVar("Item")


def create(
    database: Database, policy: LinkPolicy, items: Sequence[LinkDraft | Refused], *, actor: str
) -> list[Link | Refused]:
    """Makes the links of `items` in one transaction; what is refused stays what it is, or becomes why."""
    checked = [_tried(lambda draft: drafts.checked(draft, policy), item) for item in items]
    with database.write() as connection:
        changes.lock(connection)
        named = _Naming(connection, policy, [item for item in checked if isinstance(item, LinkDraft)])
        made = [_tried(named.name, item) for item in checked]
        return _added(connection, made, actor)


def edit(
    database: Database,
    policy: LinkPolicy,
    items: Sequence[tuple[str, str, dict[str, Any]] | Refused],
    *,
    actor: str,
) -> list[Link | Refused]:
    """Gives links, named by domain and code, new values, as `services.links.edit` does."""

    def change(connection: Connection, item: tuple[str, str, dict[str, Any]]) -> Link:
        domain, code, edits = item
        before = recorded.find(connection, domain, code)
        draft = drafts.edited(drafts.of_link(before), edits, policy)
        return recorded.change(connection, before, draft, actor)

    return _one_by_one(database, items, change)


def delete(database: Database, items: Sequence[tuple[str, str] | Refused], *, actor: str) -> list[Link | Refused]:
    """Deletes links, named by domain and code; returns what they were."""

    def remove(connection: Connection, item: tuple[str, str]) -> Link:
        link = recorded.find(connection, *item)
        if codes.normal_form(item[1]) in link.aliases:
            raise errors.AliasInvalid(f"'{item[1]}' is an alias of '{link.code}'.", field="code")
        recorded.remove(connection, link, actor)
        return link

    return _one_by_one(database, items, remove)


def _one_by_one(
    database: Database, items: Sequence[Item | Refused], write: Callable[[Connection, Item], Link]
) -> list[Link | Refused]:
    done: list[Link | Refused] = []
    for start in range(0, len(items), _CHANGED_TOGETHER):
        if start:
            time.sleep(_PAUSE_SECONDS)
        with database.write() as connection:
            changes.lock(connection)
            # Whatever is refused is refused before anything is written.
            done += [
                _tried(lambda item: write(connection, item), item)
                for item in items[start : start + _CHANGED_TOGETHER]
            ]
    return done


Result = TypeVar("Result")


def _tried(act: Callable[[Item], Result], item: Item | Refused) -> Result | Refused:
    if isinstance(item, Refused):
        return item
    try:
        return act(item)
    except Refused as error:
        return error


class _Naming:
    """Gives drafts their codes, and refuses those whose code, external id or domain cannot be."""

    def __init__(self, connection: Connection, policy: LinkPolicy, wanted: Iterable[LinkDraft]) -> None:
        self._connection = connection
        self._policy = policy
        self._domains: dict[str, set[str]] = {}
        external_ids: set[str] = set()
        unnamed: Counter[str] = Counter()
        for draft in wanted:
            chosen = self._domains.setdefault(draft.domain, set())
            if draft.code is not None:
                chosen.add(draft.code)
            else:
                unnamed[draft.domain] += 1
            if draft.external_id is not None:
                external_ids.add(draft.external_id)
        self._taken = {name: rows.taken_codes(connection, name, chosen) for name, chosen in self._domains.items()}
        self._spare = {name: self._free(name, count) for name, count in unnamed.items()}
        self._external_ids = rows.taken_external_ids(connection, external_ids)
        known = {name for name in self._domains if name and domains.by_name(connection, name) is not None}
        self._unknown = self._domains.keys() - known - {""}

    def name(self, draft: LinkDraft) -> LinkDraft:
        """`draft` with a code that is its own from now on. Raises CodeTaken, ExternalIdTaken, DomainNotFound."""
        if draft.domain in self._unknown:
            raise errors.DomainNotFound(f"The domain '{draft.domain}' is not configured here.", field="domain")
        if draft.external_id in self._external_ids:
            detail = f"Another link has the external id '{draft.external_id}' already."
            raise errors.ExternalIdTaken(detail, field="external_id")
        taken = self._taken[draft.domain]
        if draft.code in taken:
            raise recorded.taken(draft.code or "")
        code = draft.code or self._generated(draft.domain)
        taken.add(code)
        if draft.external_id is not None:
            self._external_ids.add(draft.external_id)
        return draft if draft.code else replace(draft, code=code)

    def _free(self, domain: str, count: int) -> set[str]:
        """About `count` generated codes that nobody has, nor asks for."""
        codes = {recorded.generated(self._policy, 0) for _ in range(count)} - self._domains[domain]
        return codes - rows.taken_codes(self._connection, domain, codes)

    def _generated(self, domain: str) -> str:
        if self._spare[domain]:
            return self._spare[domain].pop()
        attempts = 0
        while True:
            code = recorded.generated(self._policy, attempts)
            mine = code in self._taken[domain] or code in self._domains[domain]
            if not mine and rows.id_of_code(self._connection, domain, code) is None:
                return code
            attempts += 1


def _added(connection: Connection, made: Sequence[LinkDraft | Refused], actor: str) -> list[Link | Refused]:
    """What becomes of drafts that have their codes. In pieces, as rows take ten times the memory of what they say."""
    added: list[Link | Refused] = []
    for start in range(0, len(made), _TOGETHER):
        piece = made[start : start + _TOGETHER]
        ready = iter(_insert(connection, [item for item in piece if isinstance(item, LinkDraft)], actor))
        added += [item if isinstance(item, Refused) else next(ready) for item in piece]
    return added


def _insert(connection: Connection, drafted: Sequence[LinkDraft], actor: str) -> list[Link]:
    now = datetime.now(UTC)
    new = [(draft.code or "", secrets.randbits(32), draft) for draft in drafted]
    if not new:
        return []
    owner = access.key_of(actor)
    ids = rows.add_many(connection, new, owner=owner, now=now)
    links = [_link(link_id, nonce, draft, owner, now) for link_id, (_, nonce, draft) in zip(ids, new, strict=True)]
    common = {"at": now, "actor": actor, "kind": recorded.CREATED, "version": 1}
    changes.append_many(
        connection,
        [
            {
                **common,
                "domain": link.domain,
                "code": link.code,
                "link_id": link.id,
                "diff": drafts.difference(None, draft),
            }
            for link, draft in zip(links, drafted, strict=True)
        ],
    )
    return links


def _link(link_id: int, nonce: int, draft: LinkDraft, owner: str | None, now: datetime) -> Link:
    values = {name: getattr(draft, name) for name in drafts.FIELDS}
    return Link(id=link_id, nonce=nonce, **values, created_at=now, updated_at=now, version=1, owner=owner)
