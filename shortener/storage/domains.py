"""Rows of domain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, or_, select, update

from shortener.storage import pairs
from shortener.storage.engine import insert_into
from shortener.storage.tables import domain, link

#: The domain of every host that has none of its own. Its row is always there.
DEFAULT = ""


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """What a domain says where its links and pages say nothing themselves; None: what the instance says."""

    id: int
    home_target: str | None
    not_found_target: str | None
    expired_target: str | None
    #: One of domain.link.REDIRECT_STATUSES.
    status: int | None


@dataclass(frozen=True, slots=True)
class Domain:
    """A configured domain."""

    #: In the normal form of domain.host.
    name: str
    created_at: datetime
    settings: DomainSettings
    #: How many living links it has; aliases are none of their own.
    links: int


@dataclass(frozen=True, slots=True)
class Naming:
    """A link that has a host in one of its targets, as its row has them."""

    domain: str
    code: str
    target: str | None
    expired_target: str | None
    #: JSON, as domain.rule writes it.
    rules: str | None


_SETTINGS = tuple(domain.c[name] for name in DomainSettings.__slots__)
_living = and_(link.c.domain == domain.c.name, link.c.deleted_at.is_(None), link.c.alias_of.is_(None))


def all_settings(connection: Connection) -> dict[str, DomainSettings]:
    """The settings of every domain by its name, those of the default domain too. One query."""
    rows = connection.execute(select(domain.c.name, *_SETTINGS))
    return {name: DomainSettings(*settings) for name, *settings in rows}


def names(connection: Connection) -> list[str]:
    """The names of all configured domains, so without the default one. One query."""
    return list(connection.execute(select(domain.c.name).where(domain.c.name != DEFAULT)).scalars())


def ids(connection: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """The ids of domains, by the names of those that there are. A query for each 500."""
    return pairs.read(connection, domain.c.name, domain.c.id, wanted)


def by_name(connection: Connection, name: str) -> DomainSettings | None:
    """The settings of the domain with this name, in normal form, or None. By the unique index."""
    row = connection.execute(select(*_SETTINGS).where(domain.c.name == name)).one_or_none()
    return DomainSettings(*row) if row else None


def counted(connection: Connection, name: str) -> Domain | None:
    """The configured domain with this name, in normal form, or None."""
    row = connection.execute(_counted().where(domain.c.name == name)).one_or_none()
    return _domain(row) if row else None


def page(connection: Connection, *, limit: int, after: str = DEFAULT) -> Sequence[Domain]:
    """Up to `limit` configured domains by name, starting behind `after`. One query."""
    query = _counted().where(domain.c.name > after).order_by(domain.c.name).limit(limit)
    return [_domain(row) for row in connection.execute(query)]


def links_naming(connection: Connection, host: str, at_most: int) -> list[Naming]:
    """The first `at_most` living links that have `//` and `host` in one of their targets. Reads all links."""
    sought = f"//{host}"
    columns = (link.c.target, link.c.expired_target, link.c.rules)
    query = select(link.c.domain, link.c.code, *columns).where(
        link.c.deleted_at.is_(None), or_(*(column.contains(sought, autoescape=True) for column in columns))
    )
    return [Naming(*row) for row in connection.execute(query.order_by(link.c.id).limit(at_most))]


def add(connection: Connection, name: str, fields: Mapping[str, Any], now: datetime) -> bool:
    """Configures a domain with these settings; False if it is configured already: the unique constraint decides."""
    query = insert_into(connection, domain).values(name=name, created_at=now, **fields)
    return connection.execute(query.on_conflict_do_nothing().returning(domain.c.id)).scalar() is not None


def change(connection: Connection, name: str, fields: Mapping[str, Any]) -> None:
    """Gives a domain these settings."""
    connection.execute(update(domain).where(domain.c.name == name).values(**fields))


def remove(connection: Connection, name: str) -> None:
    """Takes away a domain without living links. Its tombstones, which clicks on their way look for, need another.

    They remember which one they were on, since they can be brought back.
    """
    connection.execute(update(link).where(link.c.domain == name).values(domain=DEFAULT, former_domain=name))
    connection.execute(delete(domain).where(domain.c.name == name))


def _counted() -> Select[Any]:
    links = select(func.count()).select_from(link).where(_living).correlate(domain).scalar_subquery()
    return select(domain.c.name, domain.c.created_at, *_SETTINGS, links.label("links")).where(
        domain.c.name != DEFAULT
    )


def _domain(row: Row[Any]) -> Domain:
    settings = DomainSettings(*(getattr(row, name) for name in DomainSettings.__slots__))
    return Domain(row.name, row.created_at, settings, row.links)
