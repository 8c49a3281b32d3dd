"""`shortener stats`: who clicked."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.filters import Where, filters
from shortener.cli.one_link import named
from shortener.cli.output import AsJson, complain, show_json, show_table

Interval = Annotated[str | None, typer.Option(help="24h, 7d, 30d, 90d, 1y, mtd, qtd, ytd or all.")]
Start = Annotated[str | None, typer.Option(help="First moment, such as 2026-11-01 or 2026-11-01T00:00:00Z.")]
End = Annotated[str | None, typer.Option(help="First moment after.")]
Zone = Annotated[str | None, typer.Option(help="IANA time zone of days and of all dates given; default: UTC.")]
Domain = Annotated[str | None, typer.Option(help="The link's domain; without a code, all links of that domain.")]
Tag = Annotated[str | None, typer.Option(help="The links that carry this tag.")]
Orphans = Annotated[bool, typer.Option("--orphans", help="Visits to unknown codes.")]
Classes = Annotated[str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor.")]
Compare = Annotated[
    str | None,
    typer.Option(help="Compare with another period: previous, year (before), or weekday (the same ones before)."),
]
CompareStart = Annotated[str | None, typer.Option(help="First moment of a period of your own to compare with.")]
CompareEnd = Annotated[str | None, typer.Option(help="First moment after that.")]


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
    compare: Compare = None,
    compare_start: CompareStart = None,
    compare_end: CompareEnd = None,
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
        "compare": compare,
        "compare_start": moment(compare_start, timezone or "UTC"),
        "compare_end": moment(compare_end, timezone or "UTC"),
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
    if answer.get("previous"):
        _show_totals(answer["previous"])
    if not answer["complete"]:
        typer.echo(f"From {answer['range']['start'][:10]} only: older clicks are known by their sums alone.")


def _show_group(name: str, group: dict[str, Any], answer: dict[str, Any]) -> None:
    is_series = name == "timeseries"
    column = "bucket" if is_series else "value"
    is_compared = bool(answer.get("previous"))
    rows = [
        (_moment(row[column], answer) if is_series else row[column], *_counts(row, is_compared=is_compared))
        for row in group["data"]
    ]
    other = group.get("other")
    if other and (other["clicks"] or (is_compared and other["previous"]["clicks"])):
        rows.append(("(other)", *_counts(other, is_compared=is_compared)))
    totals = {**answer["totals"], "previous": answer["previous"]["totals"]} if is_compared else answer["totals"]
    rows.append(("total", *_counts(totals, is_compared=is_compared)))
    numeric = ("clicks", "unique", *(("compared",) if is_compared else ()))
    show_table((name, *numeric), rows, numeric=numeric)


def _counts(row: dict[str, Any], *, is_compared: bool) -> tuple[int | None, ...]:
    """The numbers of a row; of one that is compared, the clicks that it is compared with too, None where none are."""
    if not is_compared:
        return row["clicks"], row["unique"]
    return row["clicks"], row["unique"], None if row["previous"] is None else row["previous"]["clicks"]


def _show_totals(previous: dict[str, Any]) -> None:
    """Says which period was compared with, and what it has in all."""
    start, end = (datetime.fromisoformat(previous["range"][name]) for name in ("start", "end"))
    # Days by their names, the last one among them; what is cut otherwise by its ends.
    are_days = start.time() == end.time() == time()
    ends = (start.date(), end.date() - timedelta(days=1)) if are_days else (_to_minute(start), _to_minute(end))
    counts = f"{previous['totals']['clicks']} clicks, {previous['totals']['unique']} unique"
    typer.echo(f"Compared with {ends[0]} to {ends[1]}: {counts}.")
    if not previous["complete"]:
        typer.echo("That is what can be answered of it: older clicks are known by their sums alone.")


def _to_minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _moment(bucket: str, answer: dict[str, Any]) -> str:
    """A bucket of a day or wider as a date, a narrower one to the minute."""
    return bucket[: 16 if answer["range"]["granularity"] in ("15m", "hour") else 10].replace("T", " ")
