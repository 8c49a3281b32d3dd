"""Scopes by the names that people have for them: whose clicks are asked about."""

from shortener import errors
from shortener.domain import host as hosts
from shortener.domain import tag as tags
from shortener.storage import stats
from shortener.storage.engine import Connection
from shortener.storage.stats import Scope


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
