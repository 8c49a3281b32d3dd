"""Segments: their header, and whose they are while a worker lives."""

import errno
import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.clicks import segment
from shortener.clicks.segment import Header
from tests.unit.laws import law

DATABASE = bytes(range(16))
HEADER = Header(bytes(range(100, 116)), DATABASE, 1_795_348_800_123)
#: Magic, version, segment, database, time, CRC; what follows is room to grow.
USED = 8 + 1 + 16 + 16 + 8 + 4


@pytest.fixture
def created(tmp_path: Path) -> Iterator[tuple[int, Header, Path]]:
    """A segment in use: its descriptor, its header and its path."""
    descriptor, header = segment.create(tmp_path, DATABASE)
    (path,) = tmp_path.iterdir()
    yield descriptor, header, path
    os.close(descriptor)


@law
@given(
    st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1), st.binary()
)
def test_a_header_comes_back(segment_id: bytes, database_id: bytes, created_ms: int, behind: bytes) -> None:
    header = Header(segment_id, database_id, created_ms)
    assert len(header.pack()) == segment.HEADER_SIZE
    assert segment.unpack_header(header.pack() + behind) == header


def test_a_cut_header_is_none() -> None:
    for length in range(segment.HEADER_SIZE):
        assert segment.unpack_header(HEADER.pack()[:length]) is None


def test_a_damaged_header_is_none() -> None:
    for position in range(USED):
        for bit in range(8):
            damaged = bytearray(HEADER.pack())
            damaged[position] ^= 1 << bit
            assert segment.unpack_header(bytes(damaged)) is None, (position, bit)
    assert HEADER.pack()[USED:] == bytes(segment.HEADER_SIZE - USED)


@pytest.mark.parametrize(("magic", "version"), [(b"shortenr", 2), (b"shortenr", 0), (b"SHORTENR", 1), (bytes(8), 1)])
def test_a_header_of_another_kind_is_none(magic: bytes, version: int) -> None:
    fields = struct.pack("<8sB16s16sQ", magic, version, bytes(16), DATABASE, 0)
    whole = (fields + struct.pack("<I", zlib.crc32(fields))).ljust(segment.HEADER_SIZE, b"\0")
    assert segment.unpack_header(whole) is None


def test_zeros_are_no_header() -> None:
    assert segment.unpack_header(bytes(1000)) is None


def test_every_segment_has_a_seed_of_its_own() -> None:
    seeds = {Header(number.to_bytes(16, "big"), DATABASE, 0).seed for number in range(1000)}
    assert len(seeds) == 1000
    assert HEADER.seed == zlib.crc32(HEADER.segment_id)
    assert HEADER.seed == Header(HEADER.segment_id, bytes(16), 0).seed


def test_a_new_segment(created: tuple[int, Header, Path]) -> None:
    descriptor, header, path = created
    assert path.suffix == segment.SUFFIX
    assert path.name == f"{header.created_ms:013d}-{header.segment_id.hex()}.seg"
    assert segment.unpack_header(path.read_bytes()) == header
    assert header.database_id == DATABASE
    assert path.stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(descriptor)


def test_the_lock_is_held_for_life(tmp_path: Path) -> None:
    descriptor, _ = segment.create(tmp_path, DATABASE)
    (path,) = tmp_path.iterdir()
    reader = os.open(path, os.O_RDONLY)
    assert not segment.is_abandoned(reader)
    assert not segment.is_abandoned(reader)
    # The kernel closes it too when the worker dies.
    os.close(descriptor)
    assert segment.is_abandoned(reader)
    assert segment.is_abandoned(reader)
    os.close(reader)


def test_only_one_takes_what_is_abandoned(tmp_path: Path) -> None:
    descriptor, _ = segment.create(tmp_path, DATABASE)
    os.close(descriptor)
    (path,) = tmp_path.iterdir()
    first, second = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    assert segment.is_abandoned(first)
    assert not segment.is_abandoned(second)
    os.close(first)
    assert segment.is_abandoned(second)
    os.close(second)


def test_segments_of_one_millisecond_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_348_800_123_456_789)
    opened = [segment.create(tmp_path, DATABASE) for _ in range(20)]
    assert len(list(tmp_path.iterdir())) == 20
    assert len({header.seed for _, header in opened}) == 20
    assert {header.created_ms for _, header in opened} == {1_795_348_800_123}
    for descriptor, _ in opened:
        os.close(descriptor)


def test_no_segment_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        segment.create(tmp_path / "missing", DATABASE)


@pytest.mark.parametrize("step", ["flock", "pwrite", "rename"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    descriptors = len(os.listdir("/dev/fd"))
    owner = {"flock": fcntl, "pwrite": os, "rename": Path}[step]
    monkeypatch.setattr(owner, step, fail)
    with pytest.raises(OSError, match="No space left"):
        segment.create(tmp_path, DATABASE)
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/dev/fd")) == descriptors


def test_a_segment_appears_only_with_header_and_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drainer looks for the name: from then on the header must be whole and the lock held."""
    seen: list[tuple[list[str], bool, bool]] = []
    rename = Path.rename

    def watched(path: Path, target: Path) -> Path:
        reader = os.open(path, os.O_RDONLY)
        header = segment.unpack_header(path.read_bytes()) is not None
        seen.append(([each.suffix for each in tmp_path.iterdir()], header, segment.is_abandoned(reader)))
        os.close(reader)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", watched)
    descriptor, _ = segment.create(tmp_path, DATABASE)
    os.close(descriptor)
    assert seen == [([".new"], True, False)]
