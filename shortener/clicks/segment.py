"""Segments: the files of the spool. What stands in their header, how one is made, and whether its worker lives.

A segment belongs to one incarnation of one worker, which created it and holds a lock on it for life; it is never
reused. Behind its header stand frames, and behind those zeros up to its size: they are written beforehand, so that
appending changes no metadata and `fdatasync` has only the frames to write.
"""

import fcntl
import os
import secrets
import struct
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".seg"
#: Of a segment that is being made. Whoever dies while making one leaves it behind.
UNFINISHED_SUFFIX = ".new"

_MAGIC = b"shortenr"
_HEADER_VERSION = 1
_HEADER = struct.Struct("<8sB16s16sQ")
#: The header's fields, their CRC, and room to grow.
HEADER_SIZE = 64
#: Bytes zeroed in one step: about 0.3 ms, and what `fdatasync` then has to write delays no other by much.
ZERO_STEP = 1024 * 1024
_ZEROS = bytes(ZERO_STEP)


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


def id_in(name: str) -> bytes | None:
    """The id in the name of a segment's file; None where that is no name of ours."""
    try:
        return bytes.fromhex(name.removesuffix(SUFFIX).partition("-")[2]) or None
    except ValueError:
        return None


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


class Segment:
    """A segment that a worker writes. The descriptor is the holder's: `close` it, or `discard` the whole."""

    def __init__(self, folder: Path, database_id: bytes, size: int) -> None:
        """Begins one of `size` bytes in `folder`, locked and with its header. Raises OSError and leaves nothing.

        It has a name that no drainer looks for until it is `revealed`.
        """
        self.header = Header(secrets.token_bytes(16), database_id, time.time_ns() // 1_000_000)
        self.size = size
        self._final = folder / f"{self.header.created_ms:013d}-{self.header.segment_id.hex()}{SUFFIX}"
        #: Where it is now.
        self.path = self._final.with_suffix(UNFINISHED_SUFFIX)
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._zeroed = HEADER_SIZE
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._put(self.header.pack(), 0)
        except OSError:
            self.discard()
            raise

    @property
    def missing(self) -> int:
        """Bytes that it has yet to take."""
        return self.size - self._zeroed

    def zero(self) -> bool:
        """Writes the next ZERO_STEP bytes of zeros; whether all are written now. Raises OSError."""
        step = min(ZERO_STEP, self.missing)
        self._put(_ZEROS[:step], self._zeroed)
        self._zeroed += step
        return not self.missing

    def reveal(self) -> None:
        """Gives it the name by which drainers find it. Raises OSError."""
        self.path = self.path.rename(self._final)

    def is_in_place(self) -> bool:
        """Whether its name still leads to it; not if somebody removed the folder."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except OSError:
            return False

    def close(self) -> None:
        """Lets go of the lock: the drainer may finish it."""
        os.close(self.descriptor)

    def discard(self) -> None:
        """Removes it, unused. Never raises: a folder that is gone, or in trouble, has nothing to be removed from."""
        os.close(self.descriptor)
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _put(self, data: bytes, offset: int) -> None:
        written = os.pwrite(self.descriptor, data, offset)
        if written < len(data):
            raise OSError(f"only {written} of {len(data)} bytes written")


def create(folder: Path, database_id: bytes, size: int) -> Segment:
    """A new segment of `size` bytes, ready to be written. Raises OSError and leaves nothing behind."""
    made = Segment(folder, database_id, size)
    try:
        while not made.zero():
            pass
        made.reveal()
    except OSError:
        made.discard()
        raise
    return made


def is_abandoned(descriptor: int) -> bool:
    """Whether the worker that wrote this segment is gone: then nothing will be added to it.

    Takes the lock if so; it goes with the descriptor.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
