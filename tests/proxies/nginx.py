"""A real nginx in front of a server, for tests."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path

from tests.ports import free_port
from tests.programs import path_of
from tests.server import eventually

_CONFIGURATION = """
user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        location / {{ {location} }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, *, http: str, location: str) -> Iterator[int]:
    """The port of an nginx with its files in `folder`; `http` and `location` are lines for those blocks.

    Skips the test where nginx is not installed, or fails it where that is required.
    """
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(user=getuser(), folder=folder, port=port, http=http, location=location)
    )
    command = [path_of("nginx"), "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            eventually(lambda: _listens(port))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
