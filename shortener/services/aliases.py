"""Aliases: other codes of a link. Their clicks count for the link, and apart by code."""

import secrets
from datetime import UTC, datetime

from shortener import errors
from shortener.domain import code as codes
from shortener.domain.link import Link
from shortener.services import recorded
from shortener.services.drafts import LinkPolicy
from shortener.storage import aliases as rows
from shortener.storage import changes
from shortener.storage.engine import Connection, Database

#: Most aliases of a link: each change of the link is told to caches under each of them.
MAX_ALIASES = 100


def add(
    database: Database, policy: LinkPolicy, code: str, alias: str | None, *, actor: str, domain: str = ""
) -> Link:
    """Gives the link called `code` an alias, a generated one where `alias` is None; returns the link.

    Raises LinkNotFound, CodeInvalid, CodeReserved, CodeTaken, AliasInvalid.
    """
    chosen = None if alias is None else codes.check(alias, policy.reserved)
    with database.write() as connection:
        changes.lock(connection)
        link = recorded.find(connection, domain, code)
        _check(link, code)
        now = datetime.now(UTC)
        made = _insert(connection, policy, link, chosen, now)
        diff = {"aliases": [list(link.aliases), [*link.aliases, made]]}
        recorded.record(connection, "alias-created", link, diff, actor, now)
        return recorded.find(connection, domain, link.code)


def remove(database: Database, code: str, alias: str, *, actor: str, domain: str = "") -> Link:
    """Takes an alias from the link called `code`: it is free again. Raises LinkNotFound, AliasNotFound."""
    with database.write() as connection:
        changes.lock(connection)
        link = recorded.find(connection, domain, code)
        now = datetime.now(UTC)
        normal = codes.normal_form(alias)
        if normal is None or not rows.bury(connection, link.id, normal, now):
            raise errors.AliasNotFound(f"'{link.code}' has no alias '{codes.shown(alias)}'.")
        diff = {"aliases": [list(link.aliases), [name for name in link.aliases if name != normal]]}
        recorded.record(connection, "alias-deleted", link, diff, actor, now)
        return recorded.find(connection, domain, link.code)


def _check(link: Link, code: str) -> None:
    if codes.normal_form(code) in link.aliases:
        raise errors.AliasInvalid(f"'{code}' is an alias itself: make one of '{link.code}'.")
    if len(link.aliases) >= MAX_ALIASES:
        raise errors.AliasInvalid(f"A link has at most {MAX_ALIASES} aliases.")


def _insert(connection: Connection, policy: LinkPolicy, link: Link, chosen: str | None, now: datetime) -> str:
    attempts = 0
    while True:
        code = chosen or recorded.generated(policy, attempts)
        if rows.add(connection, link.id, domain=link.domain, code=code, nonce=secrets.randbits(32), now=now):
            return code
        if chosen is not None:
            raise recorded.taken(code)
        attempts += 1
