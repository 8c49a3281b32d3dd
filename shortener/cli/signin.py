"""`shortener signin`: a link that signs a browser in. Always local."""

import typer


def signin() -> None:
    """Print a link that signs one browser in to the administration pages, once, as an administrator."""
    from shortener import served, settings
    from shortener.domain import signin as links
    from shortener.services import signin_links
    from shortener.storage import opening

    configured = settings.load()
    base_url = configured.base_url or served.recall(configured.data_dir) or configured.public_url
    database = opening.ready(configured.database, pooled=configured.is_pooled)
    try:
        token = signin_links.create(database)
    finally:
        database.close()
    typer.echo(links.address(base_url, token))
    minutes = int(links.LINK_LIFETIME.total_seconds() // 60)
    hours = int(links.KEY_LIFETIME.total_seconds() // 3600)
    typer.echo(f"Open it within {minutes} minutes. It works once, and signs you in for {hours} hours.", err=True)
