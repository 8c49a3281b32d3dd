"""`shortener key`: create, list, revoke."""

from typing import Annotated

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.output import AsJson, date_and_time, show_json, show_table

#: No instance has more keys than people can look through.
MOST = 10_000

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", help="links:read, links:write, stats:read or admin; may be repeated.")
    ],
    expires_at: Annotated[str | None, typer.Option(help="Useless from this moment on.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it, this once."""
    body = {"name": name, "scopes": scopes, "expires_at": moment(expires_at)}
    made = Api(url, key).call("POST", "/keys", json=body)
    show_json(made) if as_json else typer.echo(made["key"])


@app.command("list")
def list_keys(url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List keys, newest first."""
    found = Api(url, key).collect("/keys", {}, MOST)
    if as_json:
        show_json(found)
        return
    columns = ("id", "name", "scopes", "created", "expires", "last used", "revoked")
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    rows = [(k["id"], k["name"], " ".join(k["scopes"]), *(date_and_time(k[t]) for t in times)) for k in found]
    show_table(columns, rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `key list` shows it.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Revoke a key: it opens nothing from now on."""
    Api(url, key).call("DELETE", f"/keys/{in_path(key_id)}")
    typer.echo(f"Revoked {key_id}.")
