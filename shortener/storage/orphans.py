"""Orphans: clicks on codes that no link has, as they are read; and the living codes that may have been meant.

Orphans are raw rows of a pseudo-link, with the path as the label of their code; so they are known as long as those.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, and_, any_, bindparam, func, or_, select

from shortener.domain.click import ClickClass
from shortener.domain.link import ORPHANS_ID
from shortener.storage.click_tables import click, label
from shortener.storage.tables import link

_living = link.c.deleted_at.is_(None)
#: A list of codes is one parameter: as a parameter each, they take the drivers longer than looking them up.
_in_array = link.c.code == any_(bindparam("codes", type_=ARRAY(Text)))
_in_json = link.c.code.in_(select(func.json_each(bindparam("codes", type_=Text)).table_valued("value").c.value))
_living_of = {
    dialect: select(link.c.domain, link.c.code).where(one_of_them, _living)
    for dialect, one_of_them in (("postgresql", _in_array), ("sqlite", _in_json))
}


@dataclass(frozen=True, slots=True)
class Orphan:
    """A path that was asked for although no link is there."""

    #: Of its label.
    id: int
    path: str
    clicks: int
    last_clicked_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """Which clicks are meant: those of some UTC days and classes."""

    #: Counted from 1970-01-01.
    days: range
    classes: Collection[ClickClass]


def asked_most(connection: Connection, span: Span, limit: int, after: tuple[int, int] | None) -> list[Orphan]:
    """Up to `limit` paths, the one asked for most first, from behind `after`: clicks and id of one. One query."""
    clicks, value = func.count().label("clicks"), click.c.code
    grouped = select(value, clicks, func.max(click.c.time_ms).label("last_ms")).where(
        _orphans(span), value.is_not(None)
    )
    counted = grouped.group_by(value).subquery()
    query = select(label.c.id, label.c.text, counted.c.clicks, counted.c.last_ms)
    query = query.join(counted, counted.c.code == label.c.id).order_by(counted.c.clicks.desc(), label.c.id.desc())
    if after is not None:
        same = and_(counted.c.clicks == after[0], label.c.id < after[1])
        query = query.where(or_(counted.c.clicks < after[0], same))
    return [Orphan(*row) for row in connection.execute(query.limit(limit))]


def referrers(
    connection: Connection, span: Span, ids: Collection[int], most: int
) -> dict[int, list[tuple[str, int]]]:
    """The up to `most` referrers that sent most clicks to each of the paths with these `ids`. One query."""
    path, referrer = click.c.code, click.c.referrer
    clicks = func.count().label("clicks")
    grouped = select(path, referrer, clicks).where(_orphans(span), path.in_(ids), referrer.is_not(None))
    counted = grouped.group_by(path, referrer).subquery()
    order = (counted.c.clicks.desc(), counted.c.referrer)
    place = func.row_number().over(partition_by=counted.c.code, order_by=order)
    placed = select(counted, place.label("place")).subquery()
    query = select(placed.c.code, label.c.text, placed.c.clicks).join(label, label.c.id == placed.c.referrer)
    found: dict[int, list[tuple[str, int]]] = {}
    for path_id, text, count in connection.execute(query.where(placed.c.place <= most).order_by(placed.c.place)):
        found.setdefault(path_id, []).append((text, count))
    return found


def living(connection: Connection, domains: Sequence[str], codes: Collection[str]) -> list[tuple[str, str]]:
    """Domain and code of those of `codes` that links and aliases on `domains` have. By the unique index."""
    query = _living_of[connection.dialect.name].where(link.c.domain.in_(domains))
    wanted = list(codes) if connection.dialect.name == "postgresql" else json.dumps(list(codes))
    return [(row.domain, row.code) for row in connection.execute(query, {"codes": wanted})]


def neighbours(connection: Connection, domain: str, code: str, each: int) -> list[tuple[str, str]]:
    """Domain and code of the `each` links and aliases before and behind `code` in the order of the unique index.

    They begin as `code` does, as far as any does.
    """
    query = select(link.c.domain, link.c.code).where(link.c.domain == domain, _living).limit(each)
    behind = query.where(link.c.code >= code).order_by(link.c.code)
    before = query.where(link.c.code < code).order_by(link.c.code.desc())
    return [(row.domain, row.code) for half in (behind, before) for row in connection.execute(half)]


def _orphans(span: Span) -> ColumnElement[Any]:
    # A list of days and not a range, so that the index finds each day's orphans at once.
    days = click.c.day.in_(span.days)
    kinds = click.c["class"].in_([int(kind) for kind in span.classes])
    return and_(days, click.c.link_id == ORPHANS_ID, kinds)
