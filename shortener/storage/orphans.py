"""Orphans: clicks on codes that no link has, as they are read; and the living codes that may have been meant.

Orphans are raw rows of a pseudo-link, with the path as the label of their code; so they are known as long as those.
Their domain is the one whose host was visited. Rows from before that was stored, and those of domains that have been
deleted since, count for the default domain, which answers on every host that is not configured.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from shortener.domain.click import ClickClass
from shortener.domain.link import ORPHANS_ID
from shortener.storage.click_tables import click, label
from shortener.storage.tables import domain, link

_living = link.c.deleted_at.is_(None)
#: A list of codes is one parameter: as a parameter each, they take the drivers longer than looking them up.
_in_array = link.c.code == any_(bindparam("codes", type_=ARRAY(Text)))
_in_json = link.c.code.in_(select(func.json_each(bindparam("codes", type_=Text)).table_valued("value").c.value))
_living_of = {
    dialect: select(link.c.code).where(one_of_them, _living)
    for dialect, one_of_them in (("postgresql", _in_array), ("sqlite", _in_json))
}
#: Clicks, and the domain of each as `Orphan` names it.
_with_domain = click.join(domain, domain.c.id == click.c.domain_id, isouter=True)
_DEFAULT: ColumnElement[str] = literal_column("''")
_on_domain = func.coalesce(domain.c.name, _DEFAULT).label("domain")

#: Clicks, id and domain of an orphan.
After = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A path that was asked for although no link is there."""

    #: Of its path's label.
    id: int
    #: Empty is the default one.
    domain: str
    path: str
    clicks: int
    last_clicked_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """Which clicks are meant: those of some UTC days and classes."""

    #: Counted from 1970-01-01.
    days: range
    classes: Collection[ClickClass]


def asked_most(connection: Connection, span: Span, limit: int, after: After | None) -> list[Orphan]:
    """Up to `limit` paths of domains, the one asked for most first, from behind `after`. One query."""
    clicks, value = func.count().label("clicks"), click.c.code
    grouped = select(value, _on_domain, clicks, func.max(click.c.time_ms).label("last_ms")).select_from(_with_domain)
    grouped = grouped.where(_orphans(span), value.is_not(None))
    counted = grouped.group_by(value, _on_domain).subquery()
    place = (counted.c.clicks, label.c.id, counted.c.domain)
    query = select(label.c.id, counted.c.domain, label.c.text, counted.c.clicks, counted.c.last_ms)
    query = query.join(counted, counted.c.code == label.c.id).order_by(*(each.desc() for each in place))
    if after is not None:
        query = query.where(tuple_(*place) < tuple_(*map(literal, after)))
    return [Orphan(*row) for row in connection.execute(query.limit(limit))]


def referrers(
    connection: Connection, span: Span, ids: Collection[int], most: int
) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """The up to `most` referrers that sent most clicks to each of the paths with these `ids`. One query.

    By domain and id of the path; those of the paths on other domains are there too.
    """
    path, referrer = click.c.code, click.c.referrer
    clicks = func.count().label("clicks")
    grouped = select(path, _on_domain, referrer, clicks).select_from(_with_domain)
    grouped = grouped.where(_orphans(span), path.in_(ids), referrer.is_not(None))
    counted = grouped.group_by(path, _on_domain, referrer).subquery()
    order = (counted.c.clicks.desc(), counted.c.referrer)
    place = func.row_number().over(partition_by=(counted.c.code, counted.c.domain), order_by=order)
    placed = select(counted, place.label("place")).subquery()
    query = select(placed.c.domain, placed.c.code, label.c.text, placed.c.clicks)
    query = query.join(label, label.c.id == placed.c.referrer).where(placed.c.place <= most)
    found: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for domain_name, path_id, text, count in connection.execute(query.order_by(placed.c.place)):
        found.setdefault((domain_name, path_id), []).append((text, count))
    return found


def living(connection: Connection, domain: str, codes: Collection[str]) -> list[str]:
    """Those of `codes` that links and aliases on `domain` have. By the unique index."""
    query = _living_of[connection.dialect.name].where(link.c.domain == domain)
    wanted = list(codes) if connection.dialect.name == "postgresql" else json.dumps(list(codes))
    return list(connection.execute(query, {"codes": wanted}).scalars())


def neighbours(connection: Connection, domain: str, code: str, each: int) -> list[str]:
    """The `each` codes of links and aliases before and behind `code` in the order of the unique index.

    They begin as `code` does, as far as any does.
    """
    query = select(link.c.code).where(link.c.domain == domain, _living).limit(each)
    behind = query.where(link.c.code >= code).order_by(link.c.code)
    before = query.where(link.c.code < code).order_by(link.c.code.desc())
    return [found for half in (behind, before) for found in connection.execute(half).scalars()]


def _orphans(span: Span) -> ColumnElement[Any]:
    # A list of days and not a range, so that the index finds each day's orphans at once.
    days = click.c.day.in_(span.days)
    kinds = click.c["class"].in_([int(kind) for kind in span.classes])
    return and_(days, click.c.link_id == ORPHANS_ID, kinds)
