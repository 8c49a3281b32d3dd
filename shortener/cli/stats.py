"""`shortener stats`: who clicked."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.filters import Where, filters
from shortener.cli.one_link import named
from shortener.cli.output import AsJson, complain, show_json, show_table

Interval = Annotated[str | None, typer.Option(help="24h, 7d, 30d, 90d, 1y, mtd, qtd, ytd or all.")]
Start = Annotated[str | None, typer.Option(help="First moment, such as 2026-11-01 or 2026-11-01T00:00:00Z.")]
End = Annotated[str | None, typer.Option(help="First moment after.")]
Zone = Annotated[str | None, typer.Option(help="IANA time zone of days, --start and --end; default: UTC.")]
Domain = Annotated[str | None, typer.Option(help="The link's domain; without a code, all links of that domain.")]
Tag = Annotated[str | None, typer.Option(help="The links that carry this tag.")]
Orphans = Annotated[bool, typer.Option("--orphans", help="Visits to unknown codes.")]
Classes = Annotated[str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor.")]


def stats(
    code: Annotated[str | None, typer.Argument(help="A link's short code or short URL; left out, all links.")] = None,
    domain: Domain = None,
    tag: Tag = None,
    orphans: Orphans = False,
    interval: Interval = None,
    start: Start = None,
    end: End = None,
    timezone: Zone = None,
    granularity: Annotated[str | None, typer.Option(help="15m, hour, day, week or month.")] = None,
    group_by: Annotated[str | None, typer.Option(help="timeseries, browser, country, link, hour_of_week, …")] = None,
    classes: Classes = None,
    where: Where = None,
    compare: Annotated[bool, typer.Option("--compare", help="Show the period before as well.")] = False,
    limit: Annotated[int | None, typer.Option(help="Most rows of a breakdown.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show how often a link, or all, was clicked, by time or by who clicked."""
    params = {
        "interval": interval,
        "start": moment(start, timezone or "UTC"),
        "end": moment(end, timezone or "UTC"),
        "timezone": timezone,
        "granularity": granularity,
        "group_by": group_by,
        "class": classes,
        "limit": limit,
        "compare": "previous" if compare else None,
        **filters(where),
    }
    api = Api(url, key)
    place, of_link = _place(api, code, domain, tag, orphans=orphans)
    answer = api.call("GET", f"{place}/stats", params=params | of_link)
    show_json(answer) if as_json else _show(answer)


def _place(
    api: Api, code: str | None, domain: str | None, tag: str | None, *, orphans: bool
) -> tuple[str, dict[str, Any]]:
    """Where the API tells of what is meant, and the parameters of that. Exits where that is several things."""
    given = [code is not None, domain is not None and code is None, tag is not None, orphans]
    if sum(given) > 1:
        raise typer.Exit(complain("Name one of a code, --domain, --tag and --orphans.", 2))
    if code is not None:
        link = named(api, code, domain)
        return link.path(), link.params
    if domain is not None:
        return f"/domains/{in_path(domain or 'default')}", {}
    return f"/tags/{in_path(tag)}" if tag is not None else "/orphans" if orphans else "", {}


def _show(answer: dict[str, Any]) -> None:
    for name, group in (answer.get("groups") or {answer["group_by"]: answer}).items():
        _show_group(name, group, answer)
    if answer["excluded"]:
        left_out = ", ".join(f"{count} {kind}" for kind, count in answer["excluded"].items())
        typer.echo(f"Not counted: {left_out} (see --class).")
    if "previous" in answer:
        before = answer["previous"]
        typer.echo(f"Before, from {before['range']['start'][:10]}: {before['totals']['clicks']} clicks.")
    if not answer["complete"]:
        typer.echo(f"From {answer['range']['start'][:10]} only: older clicks are known by their sums alone.")


def _show_group(name: str, group: dict[str, Any], answer: dict[str, Any]) -> None:
    is_series = name == "timeseries"
    column = "bucket" if is_series else "value"
    rows = [
        (_moment(row[column], answer) if is_series else row[column], row["clicks"], row["unique"])
        for row in group["data"]
    ]
    if (group.get("other") or {}).get("clicks"):
        rows.append(("(other)", group["other"]["clicks"], group["other"]["unique"]))
    rows.append(("total", answer["totals"]["clicks"], answer["totals"]["unique"]))
    show_table((name, "clicks", "unique"), rows, numeric=("clicks", "unique"))


def _moment(bucket: str, answer: dict[str, Any]) -> str:
    """A bucket of a day or wider as a date, a narrower one to the minute."""
    return bucket[: 16 if answer["range"]["granularity"] in ("15m", "hour") else 10].replace("T", " ")
