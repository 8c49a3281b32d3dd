"""One link: how commands name it, and how they show it."""

from typing import Annotated, Any

import typer

from shortener.cli.client import in_path
from shortener.cli.output import show_fields, show_json
from shortener.cli.rules import line

Code = Annotated[str, typer.Argument(help="The short code, or an alias.")]
Domain = Annotated[str | None, typer.Option(help="The domain that it is on; default: the default one.")]


def link_path(code: str, *rest: str) -> str:
    """Where the API has the link called `code`, or something below it."""
    return "/".join(("/links", in_path(code), *rest))


def show_link(link: dict[str, Any], *, as_json: bool) -> None:
    """Prints a link: for people a field per line, and a line per rule, named as errors name it."""
    if as_json:
        show_json(link)
        return
    shown: dict[str, Any] = {}
    for name, value in link.items():
        if name == "rules":
            shown |= {f"rules.{index}": line(rule) for index, rule in enumerate(value)}
        elif name == "warnings":  # sentences, which commas would run together
            shown[name] = " ".join(value)
        else:
            shown[name] = value
    show_fields(shown)
