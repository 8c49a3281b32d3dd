"""`shortener clicks`: single clicks, as a table or in a file."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import IO, Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, in_path, moment
from shortener.cli.files import STANDARD_OUTPUT, replacing
from shortener.cli.filters import Where, filters
from shortener.cli.one_link import named
from shortener.cli.output import AsJson, complain, date_and_time, progress, show_json, show_table

#: What the table shows: more does not fit.
_COLUMNS = ("time", "code", "class", "referrer", "country", "device", "os", "browser")
#: How many rows a file will have, where that is known; and what a file of clicks is called (web/api/attachments).
_TOTAL, _NAME = "x-total-count", 'filename="clicks.'

Tag = Annotated[str | None, typer.Option(help="Only links with this tag.")]
Domain = Annotated[str | None, typer.Option(help="The domain of CODE; without CODE, all links on it.")]
Orphans = Annotated[bool, typer.Option("--orphans", help="Paths that no link has.")]
Start = Annotated[str | None, typer.Option(help="First moment, such as 2026-11-01 or 2026-11-01T00:00:00Z.")]
Classes = Annotated[
    str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor; default: human.")
]
Csv = Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Write all as CSV; '-' is standard output.")]
Ndjson = Annotated[
    str | None, typer.Option("--ndjson", metavar="FILE", help="Write all as NDJSON; '-' is standard output.")
]


def clicks(
    code: Annotated[str | None, typer.Argument(help="A link's short code or short URL; left out, all links.")] = None,
    tag: Tag = None,
    domain: Domain = None,
    orphans: Orphans = False,
    interval: Annotated[str | None, typer.Option(help="24h, 7d, 30d, 90d, 1y, mtd, qtd, ytd or all.")] = None,
    start: Start = None,
    end: Annotated[str | None, typer.Option(help="First moment after.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone of --start and --end; default: UTC.")] = None,
    classes: Classes = None,
    where: Where = None,
    csv: Csv = None,
    ndjson: Ndjson = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most clicks to show; a file has all.")] = 20,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the last clicks one by one, or write all of them to a file."""
    api = Api(url, key)
    place, of_link = _place(api, code, tag, domain, orphans=orphans)
    params = {
        **of_link,
        "interval": interval,
        "start": moment(start, timezone or "UTC"),
        "end": moment(end, timezone or "UTC"),
        "timezone": timezone,
        "class": classes,
        **filters(where),
    }
    path = f"{place}/clicks"
    if csv is not None and ndjson is not None:
        raise typer.Exit(complain("--csv and --ndjson: write one file at a time", 2))
    if csv is not None:
        _write(api, f"{path}.csv", {**params, "bom": bom or None}, csv, header=1)
    elif ndjson is not None:
        _write(api, f"{path}.ndjson", params, ndjson, header=0)
    else:
        _show(api.collect(path, params, limit, hint=not as_json), as_json=as_json)


def _place(
    api: Api, code: str | None, tag: str | None, domain: str | None, *, orphans: bool
) -> tuple[str, dict[str, Any]]:
    """The path of what is meant, and what else says which link it is. Exits if it is more than one thing."""
    chosen = {"CODE": code is not None, "--tag": tag is not None, "--orphans": orphans}
    chosen["--domain"] = domain is not None and code is None
    names = [name for name, given in chosen.items() if given]
    if len(names) > 1:
        raise typer.Exit(complain(f"{' and '.join(names)}: ask for one of them at a time", 2))
    if code is not None:
        link = named(api, code, domain)
        return link.path(), link.params
    if tag is not None:
        return f"/tags/{in_path(tag)}", {}
    if domain is not None:
        return f"/domains/{in_path(domain)}", {}
    return "/orphans" if orphans else "", {}


def _write(api: Api, path: str, params: dict[str, Any], name: str, *, header: int) -> None:
    """Writes an answer to a file, whose first `header` lines are no clicks."""
    with replacing(name) as file, ExitStack() as shown:
        sink = _Sink(file, shown)
        api.fetch(path, params, sink.begin)
    if name != STANDARD_OUTPUT:
        typer.echo(f"Wrote {sink.lines - header:,} clicks to {name}.")


class _Sink:
    """Where an answer goes: into a file, and into the bar that shows how far it is."""

    def __init__(self, file: IO[bytes], shown: ExitStack) -> None:
        self._file = file
        self._shown = shown
        self._advance: Callable[[int], None] | None = None
        #: Lines written.
        self.lines = 0

    def begin(self, headers: Mapping[str, str]) -> Callable[[bytes], None]:
        """What takes the pieces. Exits if no shortener answers like this."""
        if _NAME not in headers.get("content-disposition", ""):
            raise typer.Exit(complain("the answer is no list of clicks; is the address right?"))
        total = headers.get(_TOTAL)
        self._advance = self._shown.enter_context(progress("Writing", None if total is None else int(total)))
        return self._take

    def _take(self, piece: bytes) -> None:
        self._file.write(piece)
        lines = piece.count(b"\n")
        self.lines += lines
        if self._advance is not None:
            self._advance(lines)


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    rows = [(date_and_time(each["time"]), *(each[name] for name in _COLUMNS[1:])) for each in found]
    show_table(_COLUMNS, rows)
