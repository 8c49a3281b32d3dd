"""The command line. Commands on links, keys and statistics speak the REST API, local or remote, so that both behave
alike; this module only knows which commands there are. Heavy imports stay inside the commands that need them.
"""

import os
import sys
from typing import Annotated

import typer
from typer import core

from shortener import __version__, errors
from shortener.cli import (
    aliases,
    bulk,
    clicks,
    db,
    domains,
    erase,
    explain,
    history,
    keys,
    links,
    live,
    orphans,
    qr,
    schedules,
    serve,
    signin,
    stats,
    tags,
)
from shortener.cli.output import complain
from shortener.domain import text

# Rich leaves bold and dim where NO_COLOR takes the colours (https://no-color.org); without Rich help has no styles.
if os.environ.get("NO_COLOR"):
    core.HAS_RICH = False

app = typer.Typer(
    name="shortener",
    help="A self-hosted URL shortener: fast redirects, exact click statistics, a REST API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("signin")(signin.signin)
app.command("stats")(stats.stats)
app.command("live")(live.live)
app.command("clicks")(clicks.clicks)
app.command("orphans")(orphans.orphans)
links.app.command("history")(history.history)
links.app.command("revert")(history.revert)
links.app.command("schedule")(schedules.schedule)
links.app.command("schedules")(schedules.schedules)
links.app.command("unschedule")(schedules.unschedule)
links.app.command("explain")(explain.explain)
links.app.command("qr")(qr.qr)
links.app.command("import")(bulk.import_links)
links.app.add_typer(aliases.app, name="alias")
app.add_typer(links.app, name="link")
app.add_typer(tags.app, name="tag")
app.add_typer(domains.app, name="domain")
app.add_typer(keys.app, name="key")
app.add_typer(erase.app, name="erase")
app.add_typer(db.app, name="db")


def _show_version(wanted: bool) -> None:  # typer passes the option's value
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the command line and exits.

    0 done, 1 our fault, 2 bad input, 3 not found, 4 no access, 5 conflict, 6 done in part: some of many were refused.
    """
    try:
        app()
    except errors.ShortenerError as error:
        sys.exit(complain(error.detail))
    except UnicodeEncodeError as error:  # bytes that are no text come as lone surrogates, which cannot be sent
        sys.exit(complain(f"'{text.printable(error.object[:64])}' is not UTF-8", 2))
