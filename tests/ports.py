"""Ports for servers that tests start: no two tests get the same, whichever process they run in."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

#: Below the ports that Linux gives out itself (net.ipv4.ip_local_port_range, from 32768): any of those may become
#: somebody's between the moment at which it is found free and the moment at which a server listens on it.
_FIRST, _COUNT = 20_000, 10_000
#: Says which port was given out last; tests of all processes of one user share it.
_LAST = Path(tempfile.gettempdir()) / f"shortener-test-port-{os.getuid()}"


def free_port() -> int:
    """A port of this machine on which nothing listens, and which no other test gets for a long time."""
    with _LAST.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        offset = int(file.read() or 0)
        while True:
            offset = (offset + 1) % _COUNT
            if _is_free(_FIRST + offset):
                break
        file.truncate(0)
        file.write(str(offset))
    return _FIRST + offset


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
