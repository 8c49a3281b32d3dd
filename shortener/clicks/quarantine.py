"""Quarantine: what cannot be read of a segment is kept in a file beside it, for a person or a later version.

That file is the segment's twin: the same header, and each piece at the very offset where it stood. So keeping a piece
twice, as after a crash between keeping and remembering, changes nothing. What lies between takes no disk.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from shortener import metrics
from shortener.clicks import segment

SUFFIX = ".bad"
#: Bytes copied at a time.
_STEP = 1024 * 1024

log = structlog.get_logger()


def keep(path: Path, header: segment.Header, source: int, offset: int, size: int, why: str) -> None:
    """Keeps `size` bytes at `offset` of the segment at `path`, open as `source`. Raises OSError."""
    with _twin(path, header) as descriptor:
        os.pwrite(descriptor, os.pread(source, size, offset), offset)
    _tell(path, offset, size, why)


def keep_rest(path: Path, header: segment.Header, source: int, offset: int) -> bool:
    """Keeps what is not zero from `offset` on of the segment open as `source`, if any is. Raises OSError."""
    pieces = _pieces(source, offset)
    first = next(pieces, None)
    if first is None:
        return False
    with _twin(path, header) as descriptor:
        end = _copy(descriptor, first)
        for piece in pieces:
            end = _copy(descriptor, piece)
    _tell(path, offset, end - offset, "no whole frame stands here, and nobody writes this segment any more")
    return True


def _pieces(source: int, offset: int) -> Iterator[tuple[int, bytes]]:
    """The pieces that are not all zeros, with their offsets, without the zeros behind them."""
    while piece := os.pread(source, _STEP, offset):
        if meaning := piece.rstrip(b"\0"):
            yield offset, meaning
        offset += len(piece)


def _copy(descriptor: int, piece: tuple[int, bytes]) -> int:
    offset, data = piece
    os.pwrite(descriptor, data, offset)
    return offset + len(data)


@contextmanager
def _twin(path: Path, header: segment.Header) -> Iterator[int]:
    """The file beside the segment, on the disk for good when the block ends."""
    descriptor = os.open(path.with_suffix(SUFFIX), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, header.pack(), 0)
        yield descriptor
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tell(path: Path, offset: int, size: int, why: str) -> None:
    metrics.CLICKS_QUARANTINED.inc()
    log.error("piece of the spool set aside", path=str(path), cause=why, offset=offset, bytes=size)
