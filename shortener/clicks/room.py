"""Room: how large the spool may grow, and how much of that is taken. The same answers for workers and the drainer."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shortener import permissions

_MIB = 1024 * 1024
#: Bytes that the spool may take: five million clicks of 200 bytes, days of a small site or an hour of a large one.
MOST_BYTES = 1024 * _MIB
#: Bytes left free on the disk, so that the database beside the spool can be written still.
LEAST_FREE_BYTES = 256 * _MIB


@dataclass(frozen=True, slots=True)
class Room:
    """The bounds of a spool."""

    most_bytes: int = MOST_BYTES
    least_free_bytes: int = LEAST_FREE_BYTES

    def require(self, folder: Path, size: int) -> None:
        """Raises OSError, in words, where another file of `size` bytes would go beyond the bounds."""
        taken = used(folder)
        if taken + size > self.most_bytes:
            raise OSError(f"the spool is full: {taken // _MIB} MiB of at most {self.most_bytes // _MIB} MiB are used")
        free = _free(folder)
        if free - size < self.least_free_bytes:
            least = self.least_free_bytes // _MIB
            raise OSError(f"the disk is nearly full: {free // _MIB} MiB are free, and {least} MiB must stay so")

    def is_half_full(self, folder: Path) -> bool:
        """Whether half of the spool is taken: from there on it is kept for real clicks. False if it is not there."""
        return used(folder) * 2 >= self.most_bytes

    def excess(self, folder: Path) -> int:
        """Bytes of drained segments that have to go, so that new clicks find room well before the bounds.

        Those are kept only out of caution, so they get half of the spool, and nothing once the free disk is down to
        twice what has to stay free.
        """
        return max(used(folder) - self.most_bytes // 2, 2 * self.least_free_bytes - _free(folder), 0)


def used(folder: Path) -> int:
    """Bytes that the files of `folder` take on the disk; holes in them take none. 0 if it is not there."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    # In units of 512 bytes, whatever the file system's own.
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return total


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def try_folder(folder: Path) -> None:
    """Makes `folder` if need be, and a file in it that is gone again. Raises OSError where that cannot be done.

    The folder, the files in it and the one that it lies in, the data directory, are closed to other users.
    """
    permissions.make_folder(folder.parent)
    permissions.make_folder(folder)
    tempfile.TemporaryFile(dir=folder).close()
    for path in folder.iterdir():
        permissions.restrict(path)
