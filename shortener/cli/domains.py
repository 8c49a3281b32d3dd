"""`shortener domain`: create, list, show, edit, delete."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path
from shortener.cli.output import AsJson, Yes, ask, show_fields, show_json, show_table

#: No instance has more domains than people can look through.
MOST = 10_000

app = typer.Typer(help="Host names that links answer on.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The host name, such as go.example.com.")]
HomeTarget = Annotated[str | None, typer.Option(help="Where the bare host leads.")]
NotFoundTarget = Annotated[str | None, typer.Option(help="Where a code that no link has leads.")]
ExpiredTarget = Annotated[str | None, typer.Option(help="Where links lead that are over and do not say it.")]
Status = Annotated[int | None, typer.Option(help="301, 302, 307 or 308, for links that do not say it.")]


@app.command()
def create(
    name: Name,
    home_target: HomeTarget = None,
    not_found_target: NotFoundTarget = None,
    expired_target: ExpiredTarget = None,
    status: Status = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let links answer on a host name; what is not given is as everywhere on this instance."""
    body = {
        "name": name,
        "home_target": home_target,
        "not_found_target": not_found_target,
        "expired_target": expired_target,
        "status": status,
    }
    _show(Api(url, key).call("POST", "/domains", json=body), as_json=as_json)


@app.command("list")
def list_domains(url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List domains, by name."""
    found = Api(url, key).collect("/domains", {}, MOST)
    if as_json:
        show_json(found)
        return
    columns = ("domain", "links", "status", "home", "not found", "expired")
    answers = ("status", "home_target", "not_found_target", "expired_target")
    rows = [(domain["unicode_name"], domain["links"], *(domain[name] for name in answers)) for domain in found]
    show_table(columns, rows, numeric=("links",))


@app.command()
def show(name: Name, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show everything about a domain."""
    _show(Api(url, key).call("GET", _path(name)), as_json=as_json)


@app.command()
def edit(
    name: Name,
    home_target: HomeTarget = None,
    not_found_target: NotFoundTarget = None,
    expired_target: ExpiredTarget = None,
    status: Status = None,
    clear: Annotated[
        list[str] | None, typer.Option(help="A field that is the instance's own again, such as status; may repeat.")
    ] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change what a domain says; what is not named stays."""
    given = {
        "home_target": home_target,
        "not_found_target": not_found_target,
        "expired_target": expired_target,
        "status": status,
    }
    body = {field: value for field, value in given.items() if value is not None}
    _show(Api(url, key).call("PATCH", _path(name), json=body | dict.fromkeys(clear or ())), as_json=as_json)


@app.command()
def delete(name: Name, yes: Yes = False, url: Url = None, key: Key = None) -> None:
    """Delete a domain without links; its host has the default domain's from then on."""
    ask(f"Delete the domain {name}?", yes=yes)
    Api(url, key).call("DELETE", _path(name))
    typer.echo(f"Deleted {name}.")


def _path(name: str) -> str:
    return f"/domains/{in_path(name)}"


def _show(domain: dict[str, Any], *, as_json: bool) -> None:
    show_json(domain) if as_json else show_fields(domain)
