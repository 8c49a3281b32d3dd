"""The server's first process: binds, migrates, says where it is, and is the supervisor until it is told to stop.

`shortener serve` becomes this program, `python -m shortener.server`, so that none of the command line stays in the
memory of processes that run for months. Its arguments are no interface.
"""

if __name__ == "__main__":
    import shortener.lean  # noqa: F401  # before others could load what it keeps out

import contextlib
import gc
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from shortener import __version__, child, errors, lazy, logs, metrics_folder, served, settings
from shortener.clicks.room import try_folder
from shortener.domain import signin
from shortener.services import keys, signin_links
from shortener.settings import Settings
from shortener.storage import opening
from shortener.storage.engine import Database, journal_mode, sqlite_module
from shortener.supervisor import Supervisor

if TYPE_CHECKING:
    from shortener import worker
else:
    # Metrics are part of it, which ask at their import where to count.
    worker = lazy.module("shortener.worker")

#: Connections that may wait to be accepted; uvicorn's default.
_BACKLOG = 2048
#: Addresses to listen on that `localhost` reaches.
_HERE = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "localhost", ""})  # noqa: S104  # compared, not bound
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

log = structlog.get_logger()


def main(host: str, port: int, workers: int, program: str) -> int:
    """Serves on `host` and `port` until SIGTERM or SIGINT; the exit code. `program` is what the command is called."""
    child.call_itself("shortener")
    # What is loaded now stays. Looking through it for garbage, again and again, took a fifth of the start.
    gc.disable()
    try:
        _serve(host, port, workers, program)
    except errors.ShortenerError as error:
        sys.stderr.write(f"shortener: {error.detail}\n")
        return 1
    except KeyboardInterrupt:  # before the supervisor takes signals: there is nothing to end yet
        return 130
    return 0


def _serve(host: str, port: int, workers: int, program: str) -> None:
    configured = settings.load()
    logs.configure(configured.log_level, as_json=configured.log_format == "json")
    with _bind(host, port) as listener, metrics_folder.shared():
        for sentence in settings.unknown_names():
            log.warning(sentence)
        if configured.base_url is None:
            configured = configured.model_copy(update={"base_url": _address(host, listener)})
            warn_of_address(host, configured.public_url)
        _try_spool(configured.spool_dir)
        opening.ready(configured.database, pooled=configured.is_pooled).close()
        _remember(configured)
        answering, companions = worker.jobs(configured, listener, workers, _bind_metrics(configured))
        Supervisor(listener, answering, companions).run(on_up=lambda: _say(_welcome(configured, program)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


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


def _bind_metrics(configured: Settings) -> socket.socket | None:
    """A socket for the port that metrics have of their own, if they have one. Raises StartFailed."""
    if configured.metrics_address is None:
        return None
    try:
        return _bind(*configured.metrics_address)
    except errors.StartFailed as error:
        raise errors.StartFailed(f"bad setting {settings.PREFIX}METRICS: {error.detail}") from error


def _address(host: str, listener: socket.socket) -> str:
    """Where to reach what listens on `host`: by its name, or on this machine where that stands for all or for it."""
    port = listener.getsockname()[1]
    if host in _HERE:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def warn_of_address(host: str, url: str) -> None:
    """Says what short URLs begin with, where others than this machine can reach the server and nobody has said it."""
    if host not in _LOOPBACK:
        right = f"set {settings.PREFIX}BASE_URL to where visitors reach this server, such as https://go.example.com"
        log.warning(f"short URLs begin with {url}, which visitors may not be able to open: {right}")


def _remember(configured: Settings) -> None:
    try:
        served.remember(configured.data_dir, configured.public_url)
    except OSError as error:
        log.warning("commands on this data directory will not know the base URL", cause=str(error))


def _try_spool(folder: Path) -> None:
    """Makes the spool's folder and a file in it. Raises StartFailed: a server that loses clicks must not start."""
    try:
        try_folder(folder)
    except OSError as error:
        raise errors.StartFailed(f"the data directory cannot be written: {error.strerror}: {folder}") from error


def _welcome(configured: Settings, program: str) -> str:
    """What is printed when the server is up. On the first start that is a key, made only now that it can be shown,
    and a sign-in link.
    """
    url = configured.public_url
    database = Database(configured.database, pooled=configured.is_pooled)
    try:
        key = None if configured.admin_key else keys.issue_first(database)
        link = None if key is None else _signin_link(database, url)
    finally:
        # A connection must not be open when the next child is forked.
        database.close()
    lines = [f"shortener {__version__} is running at {url}", ""]
    if key is not None:
        lines += ["Your admin key, shown only this once:", "", f"    {key}", ""]
    if link is not None:
        lines += ["Sign in to the administration pages by this link, once, within 15 minutes:", "", f"    {link}", ""]
    lines += [
        "Create a link:",
        "",
        f"    curl -X POST {url}/api/v1/links -H 'Authorization: Bearer {key or 'YOUR_KEY'}'"
        """ -H 'Content-Type: application/json' -d '{"target": "https://example.com/"}'""",
        "",
        "Then open its short_url in a browser. (A visit by curl is counted as a bot's.)",
        "",
        f"Administration {url}{signin.HOME}",
        f"API reference  {url}/docs",
        f"Database       {database}{_engine_note(database)}",
        f"Another key    {program} key create NAME --scope admin",
        f"Sign-in link   {program} signin",
        "Stop           Ctrl+C",
    ]
    return "\n".join(lines)


def _signin_link(database: Database, base_url: str) -> str | None:
    """A new sign-in link; None if the database cannot be written, which must not hide the key beside it."""
    try:
        return signin.address(base_url, signin_links.create(database))
    except errors.DatabaseUnavailable as error:
        log.warning("no sign-in link was made: run `shortener signin` for one", cause=str(error.__cause__ or error))
        return None


def _engine_note(database: Database) -> str:
    if not database.is_sqlite:
        return ""
    version, mode = sqlite_module().sqlite_version, journal_mode()
    warning = "" if mode == "WAL" else ": slower, because this SQLite's WAL can corrupt a database; 3.51.3 is fixed"
    return f" (SQLite {version}, {mode}{warning})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
