"""Filters as query parameters: one for each dimension, the same wherever clicks are told of, and no others."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from shortener.domain import filter as filters
from shortener.domain.click import Dimension
from shortener.domain.filter import Filter

#: Characters of a filter: a hundred values of the usual length, and a URL that most servers still take.
_MAX_FILTER = 8_000

#: What a filter is: see domain.filter.
FilterText = Annotated[
    str | None,
    Field(
        max_length=_MAX_FILTER,
        description="Only clicks with one of these values, as a comma list; with a leading `-` all others. "
        "An empty value stands for clicks without one.",
    ),
]


class Filters(BaseModel):
    """A filter for each dimension."""

    referrer: FilterText = None
    referrer_url: FilterText = None
    browser: FilterText = None
    os: FilterText = None
    device: FilterText = None
    country: FilterText = None
    region: FilterText = None
    city: FilterText = None
    language: FilterText = None
    utm_source: FilterText = None
    utm_medium: FilterText = None
    utm_campaign: FilterText = None
    utm_term: FilterText = None
    utm_content: FilterText = None
    code: FilterText = None
    variant: FilterText = None
    trigger: FilterText = None


def parsed(asked: Filters) -> tuple[Filter, ...]:
    """The filters that parameters name, in the order of dimensions. Raises ValidationFailed."""
    return filters.parse_all((each, getattr(asked, each.label)) for each in Dimension)


async def _filters(asked: Annotated[Filters, Query()]) -> tuple[Filter, ...]:
    return parsed(asked)


#: The filters of a request. Raises ValidationFailed.
FiltersDep = Annotated[tuple[Filter, ...], Depends(_filters)]
