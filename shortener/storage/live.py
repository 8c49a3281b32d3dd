"""Clicks as those see them who follow: in the order in which they were committed, with words for label ids.

Ids are given out in that order (storage/clicks.take_ids), so whatever lies above an id has come after it.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter, cover, pass_all
from shortener.domain.link import INSTANCE_ID
from shortener.storage import labels
from shortener.storage.click_tables import click
from shortener.storage.filters import conditions
from shortener.storage.tables import domain

#: Values of one IN: far below what either database takes.
_CHUNK = 500

_facts = (click.c.id, click.c.link_id, click.c.time_ms, click.c["class"], click.c.first, domain.c.name)
_labels = tuple(click.c[dimension.label] for dimension in Dimension)
_rows = select(*_facts, *_labels).join(domain, domain.c.id == click.c.domain_id, isouter=True)


class Click(NamedTuple):
    """A committed click."""

    id: int
    link_id: int
    time_ms: int
    click_class: ClickClass
    #: Whether it is its visitor's first of the day.
    is_first: bool
    #: The name of its link's domain; empty is the default one.
    domain: str
    #: What it has no value for is not in it.
    values: dict[Dimension, str]


class Wanted(NamedTuple):
    """Which clicks are meant: by the link, by who clicked, and by what is known of them."""

    #: Ids; None for all links. Visits to codes that no link has are of none.
    links: frozenset[int] | None
    classes: frozenset[ClickClass]
    #: In the order of dimensions, so that the same are equal.
    filters: tuple[Filter, ...] = ()

    def covers(self, other: "Wanted") -> bool:
        """Whether every click that `other` means is meant too."""
        of_links = self.links is None or (other.links is not None and other.links <= self.links)
        return of_links and other.classes <= self.classes and cover(self.filters, other.filters)

    def means(self, click_class: ClickClass, values: Mapping[Dimension, str]) -> bool:
        """Whether a click of a class and with these values, on a link that is meant, is meant."""
        return click_class in self.classes and pass_all(self.filters, values)


def united(every: Collection[Wanted]) -> Wanted:
    """What covers `every` one of some; that is all links where they name more than one statement takes.

    It has no filters, as there is no telling what those of several have in common.
    """
    classes: frozenset[ClickClass] = frozenset().union(*(wanted.classes for wanted in every))
    named = [wanted.links for wanted in every if wanted.links is not None]
    links: frozenset[int] = frozenset().union(*named)
    return Wanted(links if len(named) == len(every) and len(links) <= _CHUNK else None, classes)


def between(
    connection: Connection, after: int, upto: int, wanted: Wanted, limit: int, *, newest: bool = False
) -> list[Click]:
    """Up to `limit` of the wanted clicks with `after` < id ≤ `upto`, by id: the first of them, or the `newest`.

    Goes through all clicks between, and looks labels up: two or three queries, more where there are many labels.
    """
    order = click.c.id.desc() if newest else click.c.id
    query = _rows.where(*_conditions(connection, after, upto, wanted)).order_by(order).limit(limit)
    found = sorted(tuple(row) for row in connection.execute(query))
    texts = labels.texts(connection, {value for row in found for value in row[len(_facts) :] if value is not None})
    return [_click(row, texts) for row in found]


def count(connection: Connection, after: int, upto: int, wanted: Wanted) -> int:
    """How many wanted clicks have `after` < id ≤ `upto`. Goes through all clicks between."""
    query = select(func.count()).select_from(click).where(*_conditions(connection, after, upto, wanted))
    return int(connection.execute(query).scalar_one())


def _conditions(connection: Connection, after: int, upto: int, wanted: Wanted) -> tuple[ColumnElement[bool], ...]:
    # Orphans and the unattributed, which are below it, are no link's.
    of_links = click.c.link_id > INSTANCE_ID if wanted.links is None else click.c.link_id.in_(sorted(wanted.links))
    kinds = click.c["class"].in_(sorted(int(kind) for kind in wanted.classes))
    return click.c.id > after, click.c.id <= upto, of_links, kinds, *conditions(connection, wanted.filters)


def _click(row: tuple[Any, ...], texts: Mapping[int, str]) -> Click:
    click_id, link_id, time_ms, kind, first, domain_name = row[: len(_facts)]
    values = {
        dimension: texts[value]
        for dimension, value in zip(Dimension, row[len(_facts) :], strict=True)
        # One that has been erased meanwhile is as absent as one that never was.
        if value is not None and value in texts
    }
    return Click(click_id, link_id, time_ms, ClickClass(kind), bool(first), domain_name or "", values)
