"""`shortener link alias`: add, remove."""

from typing import Annotated

import typer

from shortener.cli.client import Api, Key, Url, in_path
from shortener.cli.one_link import Code, Domain, link_path, show_link
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
    link = Api(url, key).call("POST", link_path(code, "aliases"), json={"code": alias}, params={"domain": domain})
    show_link(link, as_json=as_json)


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
    link = Api(url, key).call("DELETE", link_path(code, "aliases", in_path(alias)), params={"domain": domain})
    show_json(link) if as_json else typer.echo(f"{alias} leads to {link['code']} no more.")
