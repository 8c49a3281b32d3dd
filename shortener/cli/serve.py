"""`shortener serve`: migrates, binds, says where it is, and serves until it is told to stop."""

import contextlib
import socket
from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated

import typer

from shortener import __version__, errors, logs, settings
from shortener.cli.db import ready_database

if TYPE_CHECKING:
    from shortener.storage.engine import Database

#: Connections that may wait to be accepted; uvicorn's default.
_BACKLOG = 2048
#: Seconds that requests in flight have to finish after SIGTERM.
_GRACE_SECONDS = 10


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every IPv4 one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve short links and the API."""
    configured = settings.load()
    logs.configure(configured.log_level, as_json=configured.log_format == "json")
    listener = _bind(host, port)
    if configured.base_url is None:
        configured = configured.model_copy(update={"base_url": f"http://localhost:{listener.getsockname()[1]}"})
    database = ready_database(configured)
    key = None if configured.admin_key else _first_key(database)
    lines = _welcome(configured.public_url, key, database)
    database.close()
    _run(configured, listener, lines)


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port`. Raises StartFailed."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Listening at once makes a taken port fail here and not later.
        listener.listen(_BACKLOG)
    except OSError as error:
        raise errors.StartFailed(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def _first_key(database: "Database") -> str | None:
    from shortener.services import keys

    return keys.issue_first(database)


def _welcome(url: str, key: str | None, database: "Database") -> str:
    """What is printed when the server is up."""
    lines = [f"shortener {__version__} is running at {url}", ""]
    if key is not None:
        lines += ["Your admin key, shown only this once:", "", f"    {key}", ""]
    lines += [
        "Create a link:",
        "",
        f"    curl -X POST {url}/api/v1/links -H 'Authorization: Bearer {key or 'YOUR_KEY'}'"
        """ -H 'Content-Type: application/json' -d '{"target": "https://example.com/"}'""",
        "",
        "Then open its short_url in a browser. (A visit by curl is counted as a bot's.)",
        "",
        f"API reference  {url}/docs",
        f"Database       {database}{_engine_note(database)}",
        "Another key    shortener key create NAME --scope admin",
        "Stop           Ctrl+C",
    ]
    return "\n".join(lines)


def _engine_note(database: "Database") -> str:
    from shortener.storage.engine import journal_mode, sqlite_module

    if not database.is_sqlite:
        return ""
    version, mode = sqlite_module().sqlite_version, journal_mode()
    warning = "" if mode == "WAL" else ": slower, because this SQLite's WAL can corrupt a database; 3.51.3 is fixed"
    return f" (SQLite {version}, {mode}{warning})"


def _run(configured: settings.Settings, listener: socket.socket, welcome: str) -> None:
    import uvicorn

    from shortener.app import create_app

    class Server(uvicorn.Server):
        """uvicorn's server, which says when it is up and ends with exit code 0 when asked to."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            typer.echo(welcome)

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            with super().capture_signals():
                yield
                # uvicorn would raise the signal again, now that everything is done.
                self._captured_signals.clear()

    config = uvicorn.Config(
        create_app(configured),
        lifespan="on",
        log_config=None,
        access_log=False,
        # The client's address is found by domain.visitor, by rules of our own.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    Server(config).run(sockets=[listener])
