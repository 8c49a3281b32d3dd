"""The clicks since one of all clicks: what was told as of that one is right with these."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, literal_column, select

from shortener.domain.click import Dimension
from shortener.storage import kept
from shortener.storage.click_tables import click
from shortener.storage.stats import Scope

#: What a row has: when, of what class, whether it is its visitor's first of the day, and the ids of labels.
TIME, CLASS, FIRST = range(3)
_BEFORE_LABELS = ("time_ms", "class", "first")
#: Where a row has the label of a dimension.
PLACES = {dimension: place for place, dimension in enumerate(Dimension, len(_BEFORE_LABELS))}


def clicks(connection: Connection, scope: Scope, since: int) -> Sequence[Sequence[Any]]:
    """The clicks in a scope, of all classes and times, that came after the one with the id `since`. One query."""
    return kept.rows(connection, _clicks(scope.shape), {**scope.parameters, "since": since})


@lru_cache
def _clicks(scope: Scope) -> Select[Any]:
    # By a sum, so that no engine looks for the link's clicks by day instead of the few last ones.
    of_scope = scope.clicked(click.c.link_id + literal_column("0", BigInteger))
    columns = (click.c[name] for name in (*_BEFORE_LABELS, *(dimension.label for dimension in PLACES)))
    return select(*columns).where(click.c.id > bindparam("since", type_=BigInteger), of_scope)
