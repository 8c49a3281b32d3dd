"""Where tests keep files that need not outlive the machine."""

import os
import shutil
from pathlib import Path

#: A folder that Linux keeps in memory, and the bytes it must have free: a run uses some hundred megabytes.
_MEMORY, _ENOUGH = Path("/dev/shm"), 2 << 30


def folder() -> Path:
    """A folder in memory where there is room, else /tmp; its path is short, as those of sockets must be.

    A database of PostgreSQL has 300 files: making and dropping one takes 20 ms of processor time in memory, 35 on a
    disk, and 130 while that is busy.
    """
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return _MEMORY if has_room else Path("/tmp")
