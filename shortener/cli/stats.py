"""`shortener stats`: who clicked."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.output import AsJson, show_json, show_table


def stats(
    code: Annotated[str | None, typer.Argument(help="A link's short code; left out, all links.")] = None,
    interval: Annotated[str | None, typer.Option(help="24h, 7d, 30d, 90d, 1y, mtd, qtd, ytd or all.")] = None,
    start: Annotated[
        str | None, typer.Option(help="First moment, such as 2026-11-01 or 2026-11-01T00:00:00Z.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="First moment after.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA time zone of days, --start and --end; default: UTC.")
    ] = None,
    granularity: Annotated[str | None, typer.Option(help="15m, hour, day, week or month.")] = None,
    group_by: Annotated[str | None, typer.Option(help="timeseries, browser, country, referrer, …")] = None,
    classes: Annotated[str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor.")] = None,
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
    }
    path = "/stats" if code is None else f"/links/{in_path(code)}/stats"
    answer = Api(url, key).call("GET", path, params=params)
    show_json(answer) if as_json else _show(answer)


def _show(answer: dict[str, Any]) -> None:
    name = "bucket" if answer["group_by"] == "timeseries" else "value"
    rows = [(_shown(row[name], answer), row["clicks"], row["unique"]) for row in answer["data"]]
    if (answer.get("other") or {}).get("clicks"):
        rows.append(("(other)", answer["other"]["clicks"], answer["other"]["unique"]))
    rows.append(("total", answer["totals"]["clicks"], answer["totals"]["unique"]))
    show_table((answer["group_by"], "clicks", "unique"), rows, numeric=("clicks", "unique"))
    if answer["excluded"]:
        left_out = ", ".join(f"{count} {kind}" for kind, count in answer["excluded"].items())
        typer.echo(f"Not counted: {left_out} (see --class).")


def _shown(value: str | None, answer: dict[str, Any]) -> str | None:
    """A bucket of a day or wider as a date, a narrower one to the minute; a value as it is."""
    if value is None or answer["group_by"] != "timeseries":
        return value
    return value[: 16 if answer["range"]["granularity"] in ("15m", "hour") else 10].replace("T", " ")
