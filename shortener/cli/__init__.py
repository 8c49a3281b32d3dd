"""The command line. Commands on links, keys and statistics speak the REST API, local or remote, so that both behave
alike; this module only knows which commands there are. Heavy imports stay inside the commands that need them.
"""

import sys
from typing import Annotated

import typer

from shortener import __version__, errors
from shortener.cli import db, domains, keys, links, serve, stats, tags
from shortener.cli.output import complain

app = typer.Typer(
    name="shortener",
    help="A self-hosted URL shortener: fast redirects, exact click statistics, a REST API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("stats")(stats.stats)
app.add_typer(links.app, name="link")
app.add_typer(tags.app, name="tag")
app.add_typer(domains.app, name="domain")
app.add_typer(keys.app, name="key")
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
    """Runs the command line and exits: 0 done, 1 our fault, 2 bad input, 3 not found, 4 no access, 5 conflict."""
    try:
        app()
    except errors.ShortenerError as error:
        sys.exit(complain(error.detail))
