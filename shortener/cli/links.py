"""`shortener link`: create, list, show, edit, delete."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.output import AsJson, show_fields, show_json, show_table

app = typer.Typer(help="Short links.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The short code.")]
Title = Annotated[str | None, typer.Option(help="A name for people.")]
Notes = Annotated[str | None, typer.Option(help="Anything worth remembering.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A word to group by; may be repeated.")]
Status = Annotated[int | None, typer.Option(help="301, 302, 307 or 308; default: the instance's own.")]
ValidFrom = Annotated[str | None, typer.Option(help="Not before this moment, such as 2027-01-31T12:00:00Z.")]
ExpiresAt = Annotated[str | None, typer.Option(help="Not from this moment on.")]
ExpiredTarget = Annotated[str | None, typer.Option(help="Where it leads when it is expired or disabled.")]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it leads anywhere.")]


@app.command()
def create(
    target: Annotated[str, typer.Argument(help="Where the link leads.")],
    code: Annotated[str | None, typer.Option(help="The short code; default: one is made.")] = None,
    title: Title = None,
    notes: Notes = None,
    tags: Tags = None,
    status: Status = None,
    valid_from: ValidFrom = None,
    expires_at: ExpiresAt = None,
    expired_target: ExpiredTarget = None,
    if_exists: Annotated[
        str | None, typer.Option(help="'return' shows the link that leads there already, if there is one.")
    ] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Create a link and print its short URL."""
    body = _body(
        target=target,
        code=code,
        title=title,
        notes=notes,
        tags=tags,
        status=status,
        valid_from=moment(valid_from),
        expires_at=moment(expires_at),
        expired_target=expired_target,
    )
    link = Api(url, key).call("POST", "/links", json=body, params={"if_exists": if_exists})
    show_json(link) if as_json else typer.echo(link["short_url"])


@app.command("list")
def list_links(
    search: Annotated[str | None, typer.Option(help="Part of a code, target, title or note.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only links with this tag.")] = None,
    sort: Annotated[str, typer.Option(help="created, clicks or last_clicked.")] = "created",
    limit: Annotated[int, typer.Option(min=1, help="Most links to show.")] = 50,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List links: the newest, or those most or last clicked, first."""
    links = Api(url, key).collect("/links", {"search": search, "tag": tag, "sort": sort}, limit)
    if as_json:
        show_json(links)
        return
    columns = ("code", "target", "clicks", "unique", "tags", "created")
    rows = [
        (
            link["code"],
            link["target"],
            link["clicks"],
            link["unique"],
            ", ".join(link["tags"]),
            link["created_at"][:10],
        )
        for link in links
    ]
    show_table(columns, rows, numeric=("clicks", "unique"))


@app.command()
def show(code: Code, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show everything about a link."""
    _show(Api(url, key).call("GET", _path(code)), as_json=as_json)


@app.command()
def edit(
    code: Code,
    target: Annotated[str | None, typer.Option(help="Where the link leads.")] = None,
    title: Title = None,
    notes: Notes = None,
    tags: Tags = None,
    status: Status = None,
    enabled: Enabled = None,
    valid_from: ValidFrom = None,
    expires_at: ExpiresAt = None,
    expired_target: ExpiredTarget = None,
    clear: Annotated[list[str] | None, typer.Option(help="A field to empty, such as title; may be repeated.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a link; those not named stay."""
    body = _body(
        target=target,
        title=title,
        notes=notes,
        tags=tags,
        status=status,
        enabled=enabled,
        valid_from=moment(valid_from),
        expires_at=moment(expires_at),
        expired_target=expired_target,
    )
    emptied: dict[str, Any] = {name: [] if name == "tags" else None for name in clear or ()}
    _show(Api(url, key).call("PATCH", _path(code), json=body | emptied), as_json=as_json)


@app.command()
def delete(code: Code, url: Url = None, key: Key = None) -> None:
    """Delete a link; what was counted stays."""
    Api(url, key).call("DELETE", _path(code))
    typer.echo(f"Deleted {code}.")


def _body(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _path(code: str) -> str:
    return f"/links/{in_path(code)}"


def _show(link: dict[str, Any], *, as_json: bool) -> None:
    show_json(link) if as_json else show_fields(link)
