"""`shortener link`: create, list, show, edit, delete, undelete. What else it can do is in modules of its own."""

from collections.abc import Callable
from operator import itemgetter
from typing import Annotated, Any

import typer

from shortener.cli.bulk import delete_many
from shortener.cli.client import Api, Key, Url
from shortener.cli.fields import Clear, NewCode, Target, changes, given, with_fields
from shortener.cli.history import IfMatch, seen
from shortener.cli.one_link import Code, Domain, named, show_link
from shortener.cli.output import AsJson, Yes, ask, date_and_time, show_json, show_table

app = typer.Typer(help="Short links.", no_args_is_help=True)


@app.command()
@with_fields
def create(
    target: Annotated[str, typer.Argument(help="Where the link leads.")],
    fields: dict[str, Any],
    code: Annotated[str | None, typer.Option(help="The short code; default: one is made.")] = None,
    domain: Annotated[str | None, typer.Option(help="A configured domain; default: every host.")] = None,
    if_exists: Annotated[
        str | None, typer.Option(help="'return' shows the link that leads there already, if there is one.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Sent again with the same one within 24 hours, it creates nothing more.")
    ] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Create a link and print its short URL."""
    body = given(target=target, code=code, domain=domain) | fields
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    link = Api(url, key).call("POST", "/links", json=body, params={"if_exists": if_exists}, headers=headers)
    show_json(link) if as_json else typer.echo(link["short_url"])


@app.command("list")
def list_links(
    search: Annotated[str | None, typer.Option(help="Part of a code, target, title or note.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only links with this tag; several times: see --tag-match.")
    ] = None,
    tag_match: Annotated[str | None, typer.Option(help="all (the default), any or none of the tags.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only links on this domain; '' is the default one.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="live, disabled, scheduled, expired or exhausted; 'deleted' lists what `undelete` can bring back. "
            "Default: all but deleted links."
        ),
    ] = None,
    created_start: Annotated[str | None, typer.Option(help="Only links created then or later.")] = None,
    created_end: Annotated[str | None, typer.Option(help="Only links created before.")] = None,
    clicked_start: Annotated[str | None, typer.Option(help="Only links last clicked then or later.")] = None,
    clicked_end: Annotated[str | None, typer.Option(help="Only links that nobody has clicked since.")] = None,
    target_host: Annotated[str | None, typer.Option(help="Only links to this host.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only links created with the API key that has this id.")] = None,
    sort: Annotated[str, typer.Option(help="created, clicks, last_clicked or title.")] = "created",
    order: Annotated[str, typer.Option(help="desc or asc: which end comes first.")] = "desc",
    limit: Annotated[int, typer.Option(min=1, help="Most links to show.")] = 50,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List links: the newest, or those most or last clicked, first."""
    params = {"search": search, "tag": tag, "tag_match": tag_match, "domain": domain, "state": state}
    params |= {"created_start": created_start, "created_end": created_end}
    params |= {"clicked_start": clicked_start, "clicked_end": clicked_end}
    params |= {"target_host": target_host, "owner": owner, "sort": sort, "order": order}
    links = Api(url, key).collect("/links", params, limit, hint=not as_json)
    show_json(links) if as_json else _show_list(links, deleted=state == "deleted")


@app.command()
def show(code: Code, domain: Domain = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show everything about a link."""
    api = Api(url, key)
    link = named(api, code, domain)
    show_link(api.call("GET", link.path(), params=link.params), as_json=as_json)


@app.command()
@with_fields
def edit(
    code: Code,
    fields: dict[str, Any],
    target: Target = None,
    new_code: NewCode = None,
    clear: Clear = None,
    domain: Domain = None,
    if_match: IfMatch = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a link; those not named stay."""
    api = Api(url, key)
    body = changes(given(target=target, code=new_code) | fields, clear)
    link = named(api, code, domain)
    headers = seen(api, link, if_match)
    edited = api.call("PATCH", link.path(), json=body, params=link.params, headers=headers)
    show_link(edited, as_json=as_json)


@app.command()
def delete(
    codes: Annotated[list[str], typer.Argument(metavar="CODE…", help="The short codes, or short URLs.")],
    domain: Domain = None,
    yes: Yes = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Delete links; their statistics stay, and for 30 days `undelete` brings each back."""
    ask(f"Delete {codes[0] if len(codes) == 1 else f'{len(codes)} links'}?", yes=yes)
    api = Api(url, key)
    links = [named(api, code, domain) for code in codes]
    if len(links) > 1:
        delete_many(api, links)
        return
    api.call("DELETE", links[0].path(), params=links[0].params)
    typer.echo(f"Deleted {links[0].code}.")


@app.command()
def undelete(
    link_id: Annotated[
        int, typer.Argument(metavar="ID", help="The link's id, as `link list --state deleted` shows it.")
    ],
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Bring back a link that was deleted in the last 30 days, with its aliases and statistics."""
    show_link(Api(url, key).call("POST", f"/links/{link_id}/undelete"), as_json=as_json)


def _show_list(links: list[dict[str, Any]], *, deleted: bool) -> None:
    columns = ["code", "target", "title", "state", "clicks", "unique", "tags", "created"]
    if deleted:
        # Several may have had the same code.
        columns = ["id", *(name for name in columns if name not in ("state", "created")), "deleted"]
    # Where all are on the default domain, as on most instances, it is not worth a column.
    if any(link["domain"] for link in links):
        columns.insert(columns.index("target"), "domain")
    rows = [[_CELLS.get(name, itemgetter(name))(link) for name in columns] for link in links]
    show_table(columns, rows, numeric=("clicks", "unique"))


#: What a list shows of a link where that is not a field as it is.
_CELLS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "tags": lambda link: ", ".join(link["tags"]),
    "created": lambda link: date_and_time(link["created_at"]),
    "deleted": lambda link: date_and_time(link["deleted_at"]),
}
