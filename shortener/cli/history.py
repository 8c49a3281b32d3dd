"""`shortener link history` and `revert`: what a link was, and making it that again."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, decoded
from shortener.cli.one_link import Code, Domain, Link, named, show_link
from shortener.cli.output import AsJson, complain, date_and_time, show_json, show_table
from shortener.cli.rules import line
from shortener.domain.text import printable

IfMatch = Annotated[
    int | None, typer.Option(metavar="VERSION", help="Only if it is at this version, as you have seen it.")
]


def history(
    code: Code,
    domain: Domain = None,
    limit: Annotated[int, typer.Option(min=1, help="Most changes to show.")] = 50,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what was changed, by whom and when, the last change first."""
    api = Api(url, key)
    link = named(api, code, domain)
    found = api.collect(link.path("history"), link.params, limit, hint=not as_json)
    if as_json:
        show_json(found)
        return
    rows = [
        (entry["version"], date_and_time(entry["at"]), entry["actor"], entry["kind"], _changes(entry["changes"]))
        for entry in found
    ]
    show_table(("version", "at", "by", "what", "changes"), rows)


def revert(
    code: Code,
    version: Annotated[int, typer.Argument(help="As `history` shows it.")],
    domain: Domain = None,
    if_match: IfMatch = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a link what it was at a version, as a new version. Its code and password stay what they are."""
    api = Api(url, key)
    link = named(api, code, domain)
    headers = seen(api, link, if_match)
    reverted = api.call("POST", link.path("revert"), json={"version": version}, params=link.params, headers=headers)
    show_link(reverted, as_json=as_json)


def seen(api: Api, link: Link, version: int | None) -> dict[str, str]:
    """Headers with which a request is refused unless `link` is at `version`. Exits if it is not so now."""
    if version is None:
        return {}
    response = api.send("GET", link.path(), params=link.params)
    now = decoded(response)["version"]
    if now != version:
        detail = f"The link is at version {now}, not {version}: look at it again before you change it."
        raise typer.Exit(complain(f"--if-match: {detail}", 5))
    return {"If-Match": response.headers["etag"]}


def in_words(name: str, value: Any) -> str | None:
    """A field's value as people read it; None where it is nothing."""
    if name == "rules":
        return "; ".join(map(line, value or ())) or None
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(key, inner) or '–'}" for key, inner in value.items())
    # In one line: notes have several.
    return None if value in (None, "") else printable(str(value))


def _changes(diff: dict[str, list[Any]]) -> str:
    """What a change was, but for fields that were nothing before and after, as most of a new link's are."""
    pairs = {name: [in_words(name, value) for value in pair] for name, pair in diff.items()}
    return "; ".join(
        f"{name} {after}" if before is None else f"{name} {before} → {after or '–'}"
        for name, (before, after) in pairs.items()
        if before is not None or after is not None
    )
