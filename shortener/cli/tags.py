"""`shortener tag`: list, create, edit, merge, delete."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path
from shortener.cli.output import AsJson, Yes, ask, show_fields, show_json, show_table

app = typer.Typer(help="Words that links are grouped by.", no_args_is_help=True)

Tag = Annotated[str, typer.Argument(help="The tag.")]
Color = Annotated[str | None, typer.Option(help="Its colour, as '#rrggbb'.")]


@app.command("list")
def list_tags(
    search: Annotated[str | None, typer.Option(help="Part of a name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most tags to show.")] = 50,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List tags, by name."""
    found = Api(url, key).collect("/tags", {"search": search}, limit, hint=not as_json)
    if as_json:
        show_json(found)
        return
    columns = ("tag", "links", "clicks", "unique", "color")
    rows = [tuple(tag[column] for column in ("name", *columns[1:])) for tag in found]
    show_table(columns, rows, numeric=("links", "clicks", "unique"))


@app.command()
def create(tag: Tag, color: Color = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Create a tag. Links that name a new tag create it too."""
    _show(Api(url, key).call("POST", "/tags", json={"name": tag, "color": color}), as_json=as_json)


@app.command()
def edit(
    tag: Tag,
    name: Annotated[str | None, typer.Option(help="Its new name, on all its links.")] = None,
    color: Color = None,
    clear: Annotated[list[str] | None, typer.Option(help="A field to empty: color.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Rename a tag or give it another colour."""
    body = {field: value for field, value in (("name", name), ("color", color)) if value is not None}
    _show(Api(url, key).call("PATCH", _path(tag), json=body | dict.fromkeys(clear or ())), as_json=as_json)


@app.command()
def merge(
    tag: Tag,
    into: Annotated[str, typer.Argument(help="The tag that its links get instead.")],
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give every link of a tag another tag instead, and delete the first."""
    _show(Api(url, key).call("POST", f"{_path(tag)}/merge", json={"into": into}), as_json=as_json)


@app.command()
def delete(tag: Tag, yes: Yes = False, url: Url = None, key: Key = None) -> None:
    """Delete a tag and take it off all links, which stay."""
    ask(f"Delete the tag {tag} and take it off all its links?", yes=yes)
    Api(url, key).call("DELETE", _path(tag))
    typer.echo(f"Deleted {tag}.")


def _path(tag: str) -> str:
    return f"/tags/{in_path(tag)}"


def _show(tag: dict[str, Any], *, as_json: bool) -> None:
    show_json(tag) if as_json else show_fields(tag)
