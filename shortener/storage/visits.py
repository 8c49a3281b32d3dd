"""What a visit reads of a link's row. Asked for every miss of the cache, so it is one statement, built once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select

from shortener.storage.tables import link


@dataclass(frozen=True, slots=True)
class Visited:
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
    select(*(link.c[name] for name in Visited.__slots__))
    .select_from(_named.join(link, link.c.id == func.coalesce(_named.c.alias_of, _named.c.id)))
    .where(_named.c.code == bindparam("code"), _named.c.deleted_at.is_(None), link.c.deleted_at.is_(None))
)
_on_default_domain = _by_code.where(_named.c.domain == "")
#: What the default domain has answers on every host, unless that has a link of its own.
_on_domain = (
    _by_code.where(_named.c.domain.in_((bindparam("domain"), "")))
    .order_by(case((_named.c.domain == "", 1), else_=0))
    .limit(1)
)


def visited(connection: Connection, domain: str, code: str) -> Visited | None:
    """The living link that a visit to `code`, in normal form, meets on `domain`, or None. By the unique index."""
    query = _on_domain if domain else _on_default_domain
    row = connection.execute(query, {"domain": domain, "code": code} if domain else {"code": code}).one_or_none()
    return Visited(*row) if row else None
