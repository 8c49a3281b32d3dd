"""Groupings: what the rows of an answer can be."""

from enum import StrEnum

from shortener.domain.click import Dimension

TIMESERIES, HOUR_OF_WEEK = "timeseries", "hour_of_week"
LINK, TAG, DOMAIN = "link", "tag", "domain"

#: By the names that the API has; a dimension's label stands for its values.
Grouping = StrEnum(  # type: ignore[misc]  # mypy wants the names spelt out
    "Grouping",
    {name: name for name in (TIMESERIES, HOUR_OF_WEEK, *(each.label for each in Dimension), LINK, TAG, DOMAIN)},
)


def dimension(grouping: str) -> Dimension | None:
    """The dimension whose values `grouping` names; None for all others."""
    return Dimension.__members__.get(grouping.upper())
