"""Filters as query parameters: one for each dimension, the same wherever clicks are told of, and no others."""

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, Field

from shortener import errors
from shortener.domain import filter as filters
from shortener.domain.click import Dimension
from shortener.domain.filter import Filter

#: Characters of a filter: a hundred values of the usual length, and a URL that most servers still take.
_MAX_FILTER = 8_000
#: Characters of a name that an error repeats.
_MAX_SHOWN = 40

#: What a filter is: see domain.filter.
FilterText = Annotated[
    str | None,
    Field(
        max_length=_MAX_FILTER,
        description="Only clicks with one of these values, as a comma list; with a leading `-` all others. "
        "An empty value stands for clicks without one.",
        examples=[None],
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


def check_names(request: Request) -> None:
    """Raises ValidationFailed where a parameter is sent that there is not: it would be a filter that does nothing."""
    names = _names(request.scope["route"].dependant)
    unknown = next((name for name in request.query_params if name not in names), None)
    if unknown is not None:
        shown = unknown[:_MAX_SHOWN]
        message = f"There is no parameter '{shown}' here; there are {', '.join(sorted(names))}."
        raise errors.ValidationFailed([errors.FieldProblem(shown, "unknown-parameter", message)])


def _names(dependant: Dependant) -> set[str]:
    """The query parameters of a route, and of whatever it depends on."""
    names = {name for inner in dependant.dependencies for name in _names(inner)}
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.update(inner.alias or name for name, inner in kind.model_fields.items())
        else:
            names.add(field.alias)
    return names


async def _filters(request: Request, asked: Annotated[Filters, Query()]) -> tuple[Filter, ...]:
    check_names(request)
    return parsed(asked)


#: The filters of a request, whose other parameters must be known too. Raises ValidationFailed.
FiltersDep = Annotated[tuple[Filter, ...], Depends(_filters)]
