"""The folder in which processes share their metrics: made for one `shortener serve`, and gone with it.

It lies in memory where the system has such a place. Its files are mapped into memory, and a page that the disk has no
room for would kill the process that writes to it; so they have their room from the beginning.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shortener import errors

#: prometheus_client's name for the setting.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: A file system in memory: Linux has one here, and containers have 64 MiB of it.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, for us only
_PREFIX = "shortener-metrics-"
#: Bytes of each kind of file, by prometheus_client's names: about twice what all routes with all statuses need.
_ROOM = {"counter": 128 * 1024, "histogram": 256 * 1024, "gauge_mostrecent": 16 * 1024, "gauge_sum": 4 * 1024}


@contextmanager
def shared() -> Iterator[None]:
    """Lets this process and its children count together while the block lasts, if metrics are imported in it.

    Removes, too, what others left behind who were killed. Raises StartFailed.
    """
    try:
        folder, lock = _make()
    except OSError as error:
        raise errors.StartFailed(f"no folder can be made for metrics: {error.strerror}: {error.filename}") from error
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def reserve(name: str) -> None:
    """Makes the files in which a process of this name will count, or keeps those it finds. Raises OSError."""
    for kind, size in _ROOM.items():
        with (Path(os.environ[VARIABLE]) / f"{kind}_{name}.db").open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)


def _make() -> tuple[Path, int]:
    """A new folder, and a lock on it that this process and its children hold for life."""
    if _IN_MEMORY.is_dir():
        with suppress(OSError):
            return _make_in(_IN_MEMORY)
    return _make_in(Path(tempfile.gettempdir()))


def _make_in(parent: Path) -> tuple[Path, int]:
    _sweep(parent)
    unfinished = Path(tempfile.mkdtemp(prefix=".shortener-", dir=parent))
    lock = _lock(unfinished)
    # It is seen by those who sweep only now that it is locked.
    return unfinished.rename(unfinished.with_name(_PREFIX + unfinished.name.rpartition("-")[2])), lock


def _sweep(parent: Path) -> None:
    """Removes the folders in `parent` whose processes are all gone, and which are ours to remove."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = _lock(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int:
    """Raises OSError where somebody holds the lock, or the folder is another user's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
