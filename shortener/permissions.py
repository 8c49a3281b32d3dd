"""Permissions of files: what only the user of this process may read and write."""

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

#: Of folders and of files.
FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

log = structlog.get_logger()


def make_folder(path: Path) -> None:
    """Makes the folder `path` if need be, and closes it to other users. Raises OSError where it cannot be made."""
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
    restrict(path)


def make_file(path: Path, companions: Sequence[str] = ()) -> None:
    """Makes the file `path` if need be, and its folder, and closes it to other users.

    So are those beside it that have its name with one of `companions` behind it. A file that cannot be made is left
    to whoever opens it. Raises OSError where its folder cannot be made.
    """
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    for name in ("", *companions):
        restrict(path.with_name(path.name + name))


def restrict(path: Path) -> None:
    """Closes `path`, if it is there, to other users. Where that cannot be done, the log says so.

    What belongs to another user is left alone, such as a volume that a container has been given.
    """
    try:
        found = path.stat()
    except OSError:
        return
    mode, right = stat.S_IMODE(found.st_mode), FOLDER_MODE if stat.S_ISDIR(found.st_mode) else FILE_MODE
    if not mode & ~right:
        return
    why = "it belongs to another user"
    if found.st_uid == os.geteuid():
        try:
            path.chmod(mode & right)
            if not path.stat().st_mode & _OTHERS:
                return
            why = "its file system keeps no permissions"
        except OSError as error:
            why = error.strerror or str(error)
    if mode & _OTHERS:
        log.warning(
            "other users may open this, which holds secrets",
            path=str(path),
            mode=f"{mode:04o}",
            right=f"{right:04o}",
            cause=why,
        )
