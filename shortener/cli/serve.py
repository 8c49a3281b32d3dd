"""`shortener serve`: becomes the server."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

#: More workers than any machine has cores for them.
_MOST_WORKERS = 256
#: The interpreter's options: no module is taken from the folder we happen to be in, and where in its line a piece of
#: code stands is not remembered, which takes 1 MB.
_OPTIONS = ("-P", "-X", "no_debug_ranges")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every IPv4 one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Processes that answer; one per core.")] = 1,
) -> None:
    """Serve short links and the API, by one process for each worker and one that counts clicks."""
    sys.stdout.flush()
    sys.stderr.flush()
    arguments = ["-m", "shortener.server", host, str(port), str(workers), _program()]
    # The same process goes on, with its number, its standard streams and whoever waits for its end.
    os.execv(sys.executable, [sys.executable, *_OPTIONS, *arguments])  # noqa: S606  # no shell, as it should be


def _program() -> str:
    """How this command is called from here: by its name if the shell finds it, else by its path."""
    called = sys.argv[0]
    found = shutil.which(Path(called).name)
    return Path(called).name if found and Path(found).samefile(called) else os.path.relpath(called)
