"""The option `--where`: filters, as every command takes them that tells of clicks."""

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer

from shortener.cli.output import complain
from shortener.domain.click import Dimension

_FILTERS = tuple(dimension.label for dimension in Dimension)

Where = Annotated[
    list[str] | None,
    typer.Option(help="Only some clicks: browser=Firefox,Chrome, or country=-DE for all others; several times."),
]


def filters(where: Iterable[str] | None) -> dict[str, str]:
    """Filters as the API's parameters. Exits where one is not written as such or unknown, or two are of the same
    dimension.
    """
    found: dict[str, str] = {}
    for written in where or ():
        name, equals, values = written.partition("=")
        if not equals:
            raise typer.Exit(complain(f"'{written}' is no filter: write it as browser=Firefox.", 2))
        if name not in _FILTERS:
            nearest = difflib.get_close_matches(name, _FILTERS, 1)
            meant = f"Did you mean '{nearest[0]}'? " if nearest else ""
            raise typer.Exit(
                complain(f"--where {name}: There is no such filter. {meant}There are: {', '.join(_FILTERS)}.", 2)
            )
        if name in found:
            raise typer.Exit(complain(f"--where {name}: write all its values in one, with commas between them.", 2))
        found[name] = values
    return found
