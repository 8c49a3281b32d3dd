"""`shortener link alias`: add, remove."""

from typing import Annotated

import typer

from shortener.cli.client import Api, Key, Url, in_path
from shortener.cli.one_link import Code, Domain, named, show_link
from shortener.cli.output import AsJson, show_json

app = typer.Typer(help="Other codes of a link.", no_args_is_help=True)


@app.command()
def add(
    code: Code,
    alias: Annotated[str | None, typer.Argument(help="The other code; left out, one is made.")] = None,
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let another code lead where a link leads, and show the link."""
    api = Api(url, key)
    link = named(api, code, domain)
    changed = api.call("POST", link.path("aliases"), json={"code": alias}, params=link.params)
    show_link(changed, as_json=as_json)


@app.command()
def remove(
    code: Code,
    alias: Annotated[str, typer.Argument(help="The other code.")],
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take an alias away: its code is free again, what it counted stays with the link."""
    api = Api(url, key)
    link = named(api, code, domain)
    changed = api.call("DELETE", link.path("aliases", in_path(alias)), params=link.params)
    show_json(changed) if as_json else typer.echo(f"Removed the alias {alias} of {changed['code']}.")
