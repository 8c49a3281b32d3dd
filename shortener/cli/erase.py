"""`shortener erase`: clicks go as if they had never been."""

from typing import Any

import typer

from shortener.cli.client import Api, Key, Url
from shortener.cli.one_link import Code, Domain, named
from shortener.cli.output import AsJson, Yes, ask, show_json

app = typer.Typer(help="Erase clicks for good: of a link, or on unknown codes.", no_args_is_help=True)


@app.command()
def link(
    code: Code, domain: Domain = None, yes: Yes = False, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Erase every click so far on a link and its aliases."""
    ask(f"Erase all clicks on {code}? It cannot be undone.", yes=yes)
    api = Api(url, key)
    meant = named(api, code, domain)
    _erase(api, meant.path("clicks"), meant.params, as_json=as_json)


@app.command()
def orphans(yes: Yes = False, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Erase every visit so far to a code that no link has."""
    ask("Erase all visits to unknown codes? It cannot be undone.", yes=yes)
    _erase(Api(url, key), "/orphans/clicks", {}, as_json=as_json)


def _erase(api: Api, path: str, params: dict[str, Any], *, as_json: bool) -> None:
    answer = first = api.call("DELETE", path, params=params)
    # No server need be there that would finish it.
    while not answer["finished"]:
        answer = api.call("DELETE", path, params=params)
    answer = {**answer, "clicks": first["clicks"]}
    show_json(answer) if as_json else typer.echo(f"Erased {answer['clicks']} clicks.")
