"""`shortener link schedule`, `schedules` and `unschedule`: changes of links that are to happen at a moment."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, moment
from shortener.cli.fields import Clear, NewCode, Target, changes, given, with_fields
from shortener.cli.history import in_words
from shortener.cli.one_link import Code, Domain, named
from shortener.cli.output import AsJson, date_and_time, show_json, show_table


@with_fields
def schedule(
    code: Code,
    at: Annotated[str, typer.Option(help="When, such as 2027-01-31T12:00:00Z.")],
    fields: dict[str, Any],
    target: Target = None,
    new_code: NewCode = None,
    clear: Clear = None,
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a link at a moment: within a second of it every visitor sees it."""
    body = {"at": moment(at), "changes": changes(given(target=target, code=new_code) | fields, clear)}
    api = Api(url, key)
    link = named(api, code, domain)
    made = api.call("POST", link.path("schedule"), json=body, params=link.params)
    show_json(made) if as_json else typer.echo(
        f"Change {made['id']} of {link.code} is scheduled for {date_and_time(made['at'])}."
    )


def schedules(code: Code, domain: Domain = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List the changes that wait for their moment, the next first."""
    api = Api(url, key)
    link = named(api, code, domain)
    found = api.call("GET", link.path("schedule"), params=link.params)["data"]
    if as_json:
        show_json(found)
        return
    rows = [
        (change["id"], date_and_time(change["at"]), change["actor"], _changes(change["changes"])) for change in found
    ]
    show_table(("id", "at", "by", "changes"), rows)


def unschedule(
    code: Code,
    change: Annotated[int, typer.Argument(metavar="ID", help="The change's id, as `link schedules` shows it.")],
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Take back a change before it happens."""
    api = Api(url, key)
    link = named(api, code, domain)
    api.call("DELETE", link.path("schedule", str(change)), params=link.params)
    typer.echo(f"Cancelled change {change} of {link.code}.")


def _changes(values: dict[str, Any]) -> str:
    return "; ".join(f"{name} {in_words(name, value) or '–'}" for name, value in values.items())
