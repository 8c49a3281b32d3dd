"""Segments: the files of the spool. What stands in their header, and who may read or remove one when.

A segment belongs to one incarnation of one worker, which created it and holds a lock on it for life; it is never
reused. Behind its header stand frames, and behind those zeros or the end of the file.
"""

import fcntl
import os
import secrets
import struct
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".seg"

_MAGIC = b"shortenr"
_HEADER_VERSION = 1
_HEADER = struct.Struct("<8sB16s16sQ")
#: The header's fields, their CRC, and room to grow.
HEADER_SIZE = 64


@dataclass(frozen=True, slots=True)
class Header:
    """Which segment this is, and of which database."""

    segment_id: bytes
    database_id: bytes
    created_ms: int

    @property
    def seed(self) -> int:
        """What the CRC of every frame in this segment starts from."""
        return zlib.crc32(self.segment_id)

    def pack(self) -> bytes:
        """The first HEADER_SIZE bytes of the file."""
        fields = _HEADER.pack(_MAGIC, _HEADER_VERSION, self.segment_id, self.database_id, self.created_ms)
        return (fields + struct.pack("<I", zlib.crc32(fields))).ljust(HEADER_SIZE, b"\0")


def unpack_header(data: bytes) -> Header | None:
    """The header at the beginning of a file, or None if that is not one (or not whole yet)."""
    if len(data) < HEADER_SIZE:
        return None
    fields = data[: _HEADER.size]
    (crc,) = struct.unpack_from("<I", data, _HEADER.size)
    magic, version, segment_id, database_id, created_ms = _HEADER.unpack(fields)
    if magic != _MAGIC or version != _HEADER_VERSION or crc != zlib.crc32(fields):
        return None
    return Header(segment_id, database_id, created_ms)


def create(folder: Path, database_id: bytes) -> tuple[int, Header]:
    """A new locked segment in `folder`: its file descriptor, which is the caller's to close, and its header.

    The file appears under its name only when header and lock are in place. Raises OSError.
    """
    header = Header(secrets.token_bytes(16), database_id, time.time_ns() // 1_000_000)
    final = folder / f"{header.created_ms:013d}-{header.segment_id.hex()}{SUFFIX}"
    unfinished = final.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(descriptor, header.pack(), 0)
        unfinished.rename(final)
    except OSError:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)
        raise
    return descriptor, header


def is_abandoned(descriptor: int) -> bool:
    """Whether the worker that wrote this segment is gone: then nothing will be added to it.

    Takes the lock if so; it goes with the descriptor.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
