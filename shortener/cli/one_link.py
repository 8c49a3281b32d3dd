"""One link: how commands name it, and how they show it."""

from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import typer

from shortener.cli.client import Api, in_path
from shortener.cli.output import complain, show_fields, show_json
from shortener.cli.rules import line
from shortener.cli.wording import in_options

Code = Annotated[str, typer.Argument(help="The short code, an alias, or the short URL.")]
Domain = Annotated[str | None, typer.Option(help="The domain that it is on; default: the default one.")]


#: No instance has more domains than people can look through.
_MOST_DOMAINS = 10_000


class Link(NamedTuple):
    """A link as the API names it."""

    code: str
    domain: str | None

    def path(self, *rest: str) -> str:
        """Where the API has the link, or something below it."""
        return "/".join(("/links", in_path(self.code), *rest))

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that the path needs."""
        return {"domain": self.domain}


def named(api: Api, typed: str, domain: str | None) -> Link:
    """The link that `typed` names: by its code, or by its short URL, whose host is its domain if that is configured.

    Exits where a short URL has no code.
    """
    if "/" not in typed:  # no code has one
        return Link(typed, domain)
    parts = urlsplit(typed if "://" in typed else f"//{typed}")
    code = unquote(parts.path.split("/", 2)[1] if parts.path else "")
    if not code:
        raise typer.Exit(
            complain(f"'{typed}' has no short code; a short URL is such as https://go.example.com/menu", 2)
        )
    if domain is None:
        configured = {each["name"] for each in api.collect("/domains", {}, _MOST_DOMAINS)}
        domain = parts.hostname if parts.hostname in configured else None
    return Link(code, domain)


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
            shown[name] = in_options(" ".join(value))
        else:
            shown[name] = value
    show_fields(shown)
