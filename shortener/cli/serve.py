"""`shortener serve`: migrates, binds, says where it is, and serves until it is told to stop."""

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortener import __version__, errors, logs, settings
from shortener.cli.db import ready_database

if TYPE_CHECKING:
    from shortener.storage.engine import Database

#: Connections that may wait to be accepted; uvicorn's default.
_BACKLOG = 2048
#: Addresses to listen on that `localhost` reaches.
_HERE = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "localhost", ""})  # noqa: S104  # compared, not bound
#: Seconds that requests in flight have to finish after SIGTERM.
_GRACE_SECONDS = 10


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every IPv4 one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve short links and the API."""
    configured = settings.load()
    logs.configure(configured.log_level, as_json=configured.log_format == "json")
    with _bind(host, port) as listener:
        if configured.base_url is None:
            configured = configured.model_copy(update={"base_url": _address(host, listener)})
        _try_spool(configured.spool_dir)
        ready_database(configured).close()
        _run(configured, listener)


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port`. Raises StartFailed."""
    with contextlib.ExitStack() as undo:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listener = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Listening at once makes a taken port fail here and not later.
            listener.listen(_BACKLOG)
        except (OSError, UnicodeError) as error:  # the latter: no host name at all
            why = getattr(error, "strerror", None) or error
            raise errors.StartFailed(f"cannot listen on '{host}', port {port}: {why}") from error
        undo.pop_all()
    return listener


def _address(host: str, listener: socket.socket) -> str:
    """Where to reach what listens on `host`: by its name, or on this machine where that stands for all or for it."""
    port = listener.getsockname()[1]
    if host in _HERE:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _try_spool(folder: Path) -> None:
    """Makes the spool's folder and a file in it. Raises StartFailed: a server that loses clicks must not start."""
    from shortener.clicks.spool import try_folder

    try:
        try_folder(folder)
    except OSError as error:
        raise errors.StartFailed(f"the data directory cannot be written: {error.strerror}: {folder}") from error


def _welcome(configured: settings.Settings, database: "Database") -> str:
    """What is printed when the server is up. On the first start that is a key, made only now that it can be shown."""
    from shortener.services import keys

    url = configured.public_url
    key = None if configured.admin_key else keys.issue_first(database)
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
        f"Another key    {_program()} key create NAME --scope admin",
        "Stop           Ctrl+C",
    ]
    return "\n".join(lines)


def _program() -> str:
    """How this command is called from here: by its name if the shell finds it, else by its path."""
    called = sys.argv[0]
    found = shutil.which(Path(called).name)
    return Path(called).name if found and Path(found).samefile(called) else os.path.relpath(called)


def _engine_note(database: "Database") -> str:
    from shortener.storage.engine import journal_mode, sqlite_module

    if not database.is_sqlite:
        return ""
    version, mode = sqlite_module().sqlite_version, journal_mode()
    warning = "" if mode == "WAL" else ": slower, because this SQLite's WAL can corrupt a database; 3.51.3 is fixed"
    return f" (SQLite {version}, {mode}{warning})"


def _run(configured: settings.Settings, listener: socket.socket) -> None:
    import uvicorn

    from shortener.app import create_app
    from shortener.web.protocol import BoundedHttpProtocol

    app = create_app(configured)

    class Server(uvicorn.Server):
        """uvicorn's server, which says when it is up and ends with exit code 0 when asked to."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            typer.echo(_welcome(configured, app.state.parts.database))

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            with super().capture_signals():
                yield
                # uvicorn would raise the signal again, now that everything is done.
                self._captured_signals.clear()

    config = uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        # The client's address is found by domain.visitor, by rules of our own.
        proxy_headers=False,
        server_header=False,
        # There are no websockets here; without this, every attempt would be two lines in the log.
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    try:
        Server(config).run(sockets=[listener])
    except SystemExit as error:  # uvicorn's way to say that the application did not start; it has logged why
        raise errors.StartFailed("the application did not start") from error
