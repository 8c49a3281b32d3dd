"""What a visit reads of a link's row. Asked for every miss of the cache, so it is one statement, built once."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Dialect, bindparam, func, literal_column, select

from shortener.storage import bulk
from shortener.storage.statements import first_row
from shortener.storage.tables import link


class Visited(NamedTuple):
    """What a visit needs of a link."""

    id: int
    nonce: int
    domain: str
    target: str
    status: int | None
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    expired_target: str | None
    max_clicks: int | None
    used: int
    admit_programs: bool
    password_hash: str | None
    forward_query: bool
    forward_path: bool
    track: bool
    #: JSON, as domain.rule writes it.
    rules: str | None
    version: int


#: The row with the code that was asked for, and the row of the link that it leads to: the same, but for an alias.
_named = link.alias("named")
_by_code = (
    select(*(link.c[name] for name in Visited._fields))
    .select_from(_named.join(link, link.c.id == func.coalesce(_named.c.alias_of, _named.c.id)))
    .where(_named.c.code == bindparam("code"), _named.c.deleted_at.is_(None), link.c.deleted_at.is_(None))
)
_DEFAULT: ColumnElement[str] = literal_column("''")
_on_default_domain = _by_code.where(_named.c.domain == _DEFAULT)
#: What the default domain has answers on every host, unless that has a link of its own: then there are two, and the
#: first counts.
_on_domain = _by_code.where(_named.c.domain.in_((bindparam("domain"), _DEFAULT))).order_by(_named.c.domain.desc())


def visited(connection: Connection, domain: str, code: str) -> Visited | None:
    """The living link that a visit to `code`, in normal form, meets on `domain`, or None. By the unique index."""
    if connection.dialect.name == "sqlite":
        return _by_driver(connection, domain, code)
    query, given = (_on_domain, {"domain": domain}) if domain else (_on_default_domain, {})
    row = connection.execute(query, {**given, "code": code}).first()
    return Visited._make(row) if row else None


def _by_driver(connection: Connection, domain: str, code: str) -> Visited | None:
    """The same without SQLAlchemy, which takes twice as long to look at statement and row as SQLite does.

    A worker asks this on its event loop, and nobody is served meanwhile.
    """
    row = first_row(connection, _text(on_domain=bool(domain)), (code, domain) if domain else (code,))
    if row is None:
        return None
    found = Visited._make(row)
    moment = _moment(connection.dialect)
    return found._replace(
        enabled=bool(found.enabled),
        valid_from=moment(found.valid_from),
        expires_at=moment(found.expires_at),
        admit_programs=bool(found.admit_programs),
        forward_query=bool(found.forward_query),
        forward_path=bool(found.forward_path),
        track=bool(found.track),
    )


@cache
def _text(*, on_domain: bool) -> str:
    return bulk.sql("sqlite", _on_domain if on_domain else _on_default_domain)


@cache
def _moment(dialect: Dialect) -> Callable[[Any], datetime | None]:
    """What makes a moment of what the driver gives."""
    kind = link.c.expires_at.type.dialect_impl(dialect)
    process: Callable[[Any], datetime | None] | None = kind.result_processor(dialect, None)
    return process or (lambda value: value)
