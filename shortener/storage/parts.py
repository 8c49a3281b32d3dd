"""Parts: what answers about clicks are added up from, rows of key, clicks and unique.

They come from folded days and months, from the raw rows that are not folded yet, and from the raw rows at the edges
of the period (sums from their slots); or, where filters ask about several dimensions at once, from raw rows alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.cover import Cover
from shortener.domain.period import DAY_MS, SLOT_MS, Period, month_of_day
from shortener.storage.click_tables import TOTAL, click
from shortener.storage.filters import Conditions, within
from shortener.storage.part_queries import (
    COLUMNS,
    EDGES,
    Key,
    by_link,
    folded,
    grouped,
    mark_name,
    only_raw,
    raw,
    rest_by_link,
    with_clicks,
)
from shortener.storage.stats import Scope

_NO_EDGE = (-DAY_MS, -DAY_MS)


@dataclass(frozen=True, slots=True)
class Parts:
    """A query for rows of key, clicks and unique."""

    query: FromClause
    parameters: Mapping[str, Any]
    #: Whether the query will be asked again with other parameters.
    is_kept: bool = True


def of_values(
    scope: Scope,
    dimension: Dimension,
    cover: Cover,
    classes: Collection[ClickClass],
    mark: int,
    among: Collection[int] | None = None,
) -> Parts:
    """Clicks by the values of a dimension that is folded up to `mark`; those without a value are in none.

    `among` names the label ids of those that are asked for, if not all.
    """
    return _of(scope, int(dimension), Key.VALUE, _parameters(scope, int(dimension), cover, classes, mark), among)


def of_total(
    scope: Scope,
    key: Key,
    cover: Cover,
    classes: Collection[ClickClass],
    mark: int,
    among: Collection[int] | None = None,
) -> Parts:
    """Clicks by link, domain, class or day, where daily totals are folded up to `mark`.

    `among` names the keys that are asked for, if not all.
    """
    return _of(scope, TOTAL, key, _parameters(scope, TOTAL, cover, classes, mark), among)


def of_links(
    scope: Scope, cover: Cover, classes: Collection[ClickClass], mark: int, *, is_around: bool, is_summed: bool
) -> Parts:
    """Clicks by link; `is_around` says that they are what each has had in all less those in `cover`.

    What is not summed has a link several times, and perhaps with clicks less than nothing.
    """
    query = (rest_by_link if is_around else by_link)(scope.shape)
    query = with_clicks(query) if is_summed else query
    return Parts(query, _parameters(scope, TOTAL, cover, classes, mark))


def of_raw(scope: Scope, dimension: int, key: Key, cover: Cover, classes: Collection[ClickClass], mark: int) -> Parts:
    """The same of those clicks alone that are not folded, or in no whole day."""
    return Parts(only_raw(scope.shape, dimension, key), _parameters(scope, dimension, cover, classes, mark))


def filtered(scope: Scope, key: Key, period: Period, classes: Collection[ClickClass], passing: Conditions) -> Parts:
    """The raw clicks that fulfil the conditions `passing`, by link or by domain."""
    column = click.c[COLUMNS[key]]
    kinds = [int(kind) for kind in classes]
    where = (*within(period), scope.clicked(), click.c["class"].in_(kinds), *passing)
    return Parts(grouped(raw(column).where(*where)), {}, is_kept=False)


def padded(ids: Collection[int]) -> list[int]:
    """The ids, some of them again, so that there are few lengths of lists that statements are kept for."""
    wanted = sorted(ids) or [0]
    return wanted + wanted[-1:] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))


def _of(
    scope: Scope, dimension: int, key: Key, parameters: Mapping[str, Any], among: Collection[int] | None
) -> Parts:
    if among is None:
        return Parts(folded(scope.shape, dimension, key), parameters)
    given = {**parameters, "among": padded(among)}
    return Parts(folded(scope.shape, dimension, key, has_among=True), given)


def _parameters(
    scope: Scope, dimension: int, cover: Cover, classes: Collection[ClickClass], mark: int
) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        **scope.parameters,
        "kinds": [int(kind) for kind in classes],
        "days": cover.days,
        "months": cover.months,
        mark_name(dimension): mark,
        "first_day": cover.whole[0],
        "end_day": cover.whole[1],
    }
    for number, (start_ms, end_ms) in zip(EDGES, (*cover.edges, _NO_EDGE, _NO_EDGE), strict=False):
        day = start_ms // DAY_MS
        parameters |= {f"day_{number}": day, f"from_{number}": start_ms, f"to_{number}": end_ms}
        slots = {f"from_slot_{number}": start_ms // SLOT_MS, f"to_slot_{number}": end_ms // SLOT_MS}
        parameters |= {f"month_{number}": month_of_day(day), **slots}
    return parameters
