"""`shortener serve`: binds, migrates, says where it is, and has it served by processes until it is told to stop."""

import contextlib
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortener import __version__, errors, logs, metrics_folder, settings
from shortener.cli.db import ready_database

if TYPE_CHECKING:
    from shortener.storage.engine import Database

#: Connections that may wait to be accepted; uvicorn's default.
_BACKLOG = 2048
#: Addresses to listen on that `localhost` reaches.
_HERE = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "localhost", ""})  # noqa: S104  # compared, not bound
#: More workers than any machine has cores for them.
_MOST_WORKERS = 256


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every IPv4 one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Processes that answer; one per core.")] = 1,
) -> None:
    """Serve short links and the API, by one process for each worker and one that counts clicks."""
    configured = settings.load()
    logs.configure(configured.log_level, as_json=configured.log_format == "json")
    with _bind(host, port) as listener, metrics_folder.shared():
        if configured.base_url is None:
            configured = configured.model_copy(update={"base_url": _address(host, listener)})
        _try_spool(configured.spool_dir)
        ready_database(configured).close()
        _supervise(configured, listener, workers)


def _supervise(configured: settings.Settings, listener: socket.socket, workers: int) -> None:
    # Heavy, and metrics among it, which ask at their import where to count.
    from shortener import worker
    from shortener.supervisor import Supervisor

    answering, companions = worker.jobs(configured, listener, workers)
    Supervisor(listener, answering, companions).run(on_up=lambda: typer.echo(_welcome(configured)))


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


def _welcome(configured: settings.Settings) -> str:
    """What is printed when the server is up. On the first start that is a key, made only now that it can be shown."""
    from shortener.services import keys
    from shortener.storage.engine import Database

    url = configured.public_url
    database = Database(configured.database)
    try:
        key = None if configured.admin_key else keys.issue_first(database)
    finally:
        # A connection must not be open when the next child is forked.
        database.close()
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
