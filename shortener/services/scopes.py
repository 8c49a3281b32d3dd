"""Scopes by the names that people have for them: whose clicks are asked about, and since when there can be any."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain import tag as tags
from shortener.services import recorded
from shortener.storage import links, schema, stats
from shortener.storage.engine import Connection
from shortener.storage.stats import Scope

#: Finds a scope, and the moment before which there are no clicks in it.
Place = Callable[[Connection], tuple[Scope, datetime]]


def link(code: str, domain: str = "") -> Place:
    """Where a link's clicks are. Finding it raises LinkNotFound, DomainInvalid."""
    return lambda connection: of_link(connection, domain, code)


def domain(name: str) -> Place:
    """Where those on a domain are; the empty name is the default one. Finding it raises DomainNotFound."""
    return lambda connection: (of_domain(connection, name), schema.created_at(connection))


def tag(name: str) -> Place:
    """Where those on the links with a tag are. Finding it raises TagNotFound."""
    return lambda connection: (of_tag(connection, name), schema.created_at(connection))


def _pseudo(scope: Scope, connection: Connection) -> tuple[Scope, datetime]:
    return scope, schema.created_at(connection)


#: Where the clicks on all links are, and the visits to unknown codes.
ALL: Place = partial(_pseudo, stats.INSTANCE)
ORPHANS: Place = partial(_pseudo, stats.ORPHANS)


def of_link(connection: Connection, domain: str, code: str) -> tuple[Scope, datetime]:
    """The link called `code` on `domain`, by its own code or an alias, and when it was made.

    Raises LinkNotFound, DomainInvalid.
    """
    normal = codes.normal_form(code)
    found = links.identity(connection, hosts.normal_form(domain) if domain else "", normal) if normal else None
    if found is None:
        raise recorded.not_found(domain, code)
    return Scope(found[0]), found[1]


def of_domain(connection: Connection, name: str) -> Scope:
    """The links on a domain; an empty `name` is the default one. Raises DomainNotFound."""
    try:
        scope = stats.of_domain(connection, hosts.normal_form(name) if name else "")
    except errors.DomainInvalid:
        scope = None
    if scope is None:
        raise errors.DomainNotFound(f"The domain '{name[: hosts.MAX_LENGTH]}' is not configured here.")
    return scope


def of_tag(connection: Connection, name: str) -> Scope:
    """The links that carry a tag now. Raises TagNotFound."""
    try:
        scope = stats.of_tag(connection, tags.normal_form(name))
    except errors.TagInvalid:
        scope = None
    if scope is None:
        raise errors.TagNotFound(f"There is no tag '{name[: tags.MAX_LENGTH]}'.")
    return scope
