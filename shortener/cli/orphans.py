"""`shortener orphans`: paths that were asked for although no link is there."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url
from shortener.cli.output import AsJson, date_and_time, show_json, show_table

#: Rows of one page: the most that the API gives of this list.
_PAGE = 100


def orphans(
    days: Annotated[int | None, typer.Option(help="How many UTC days back; 1 is today. Default: 30.")] = None,
    classes: Annotated[
        str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor; default: human.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most paths to show.")] = 20,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List paths that were asked for in vain, most often first, and which links of their domain may be meant."""
    found = Api(url, key).collect("/orphans", {"days": days, "class": classes}, limit, _PAGE, hint=not as_json)
    if as_json:
        show_json(found)
        return
    # Where all are on the default domain, as on most instances, it is not worth a column.
    where = ("domain",) if any(each["domain"] for each in found) else ()
    rows = [
        (
            each["path"],
            *(each[name] for name in where),
            each["clicks"],
            date_and_time(each["last_clicked_at"]),
            _referrers(each),
            _meant(each),
        )
        for each in found
    ]
    show_table(("path", *where, "clicks", "last clicked", "from", "meant"), rows, numeric=("clicks",))


def _referrers(orphan: dict[str, Any]) -> str | None:
    return ", ".join(f"{each['value']} {each['clicks']}" for each in orphan["referrers"]) or None


def _meant(orphan: dict[str, Any]) -> str | None:
    """Codes, with their domain where that is not the default one."""
    meant = orphan["suggestions"]
    return ", ".join(f"{each['domain']}/{each['code']}".lstrip("/") for each in meant) or None
