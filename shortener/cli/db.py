"""`shortener db`: the schema of the database. Always local."""

import typer

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to this version's schema."""
    from shortener import settings
    from shortener.storage import opening

    configured = settings.load()
    database = opening.ready(configured.database, pooled=configured.is_pooled)
    typer.echo(f"{database} is at revision {opening.revision(database)}.")
    database.close()


@app.command()
def current() -> None:
    """Show which revision the database is at, and which one this version needs. Exit code 1 if they differ."""
    from shortener import settings
    from shortener.storage import opening, schema

    configured = settings.load()
    database = opening.opened(configured.database, pooled=configured.is_pooled)
    revision = opening.revision(database)
    database.close()
    typer.echo(f"{database} is at revision {revision or 'none'}; this version needs {schema.HEAD}.")
    raise typer.Exit(int(revision != schema.HEAD))
