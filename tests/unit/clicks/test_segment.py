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
from shortener.clicks.segment import Header, Segment
from tests.unit.laws import law

DATABASE = bytes(range(16))
SIZE = 10_000
HEADER = Header(bytes(range(100, 116)), DATABASE, 1_795_348_800_123)
#: Magic, version, segment, database, time, CRC; what follows is room to grow.
USED = 8 + 1 + 16 + 16 + 8 + 4


@pytest.fixture
def created(tmp_path: Path) -> Iterator[Segment]:
    """A segment in use."""
    made = segment.create(tmp_path, DATABASE, SIZE)
    yield made
    made.close()


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


def test_a_new_segment(created: Segment, tmp_path: Path) -> None:
    header, (path,) = created.header, tmp_path.iterdir()
    assert path == created.path
    assert path.suffix == segment.SUFFIX
    assert path.name == f"{header.created_ms:013d}-{header.segment_id.hex()}.seg"
    assert segment.unpack_header(path.read_bytes()) == header
    assert header.database_id == DATABASE
    assert path.stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(created.descriptor)


@pytest.mark.parametrize(
    "size", [segment.HEADER_SIZE + 1, 4096, segment.ZERO_STEP - 1, segment.ZERO_STEP, 3 * segment.ZERO_STEP + 7]
)
def test_it_is_zeros_up_to_its_size(tmp_path: Path, size: int) -> None:
    segment.create(tmp_path, DATABASE, size).close()
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert len(content) == size
    assert not content[segment.HEADER_SIZE :].strip(b"\0")
    # Really written: appending must not have to find room on the disk.
    assert path.stat().st_blocks * 512 >= size - 4096


def test_zeros_are_written_in_steps(tmp_path: Path) -> None:
    made = Segment(tmp_path, DATABASE, 3 * segment.ZERO_STEP)
    assert [made.zero() for _ in range(3)] == [False, False, True]
    made.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_held_for_life(created: Segment) -> None:
    reader = os.open(created.path, os.O_RDONLY)
    assert not segment.is_abandoned(reader)
    assert not segment.is_abandoned(reader)
    # The kernel closes it too when the worker dies.
    writer = os.dup(created.descriptor)
    os.close(created.descriptor)
    assert not segment.is_abandoned(reader)
    os.close(writer)
    assert segment.is_abandoned(reader)
    assert segment.is_abandoned(reader)
    os.close(reader)
    created.descriptor = os.open(os.devnull, os.O_RDONLY)


def test_only_one_takes_what_is_abandoned(tmp_path: Path) -> None:
    segment.create(tmp_path, DATABASE, SIZE).close()
    (path,) = tmp_path.iterdir()
    first, second = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    assert segment.is_abandoned(first)
    assert not segment.is_abandoned(second)
    os.close(first)
    assert segment.is_abandoned(second)
    os.close(second)


def test_segments_of_one_millisecond_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_348_800_123_456_789)
    opened = [segment.create(tmp_path, DATABASE, SIZE) for _ in range(20)]
    assert len(list(tmp_path.iterdir())) == 20
    assert len({each.header.seed for each in opened}) == 20
    assert {each.header.created_ms for each in opened} == {1_795_348_800_123}
    for each in opened:
        each.close()


def test_no_segment_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        segment.create(tmp_path / "missing", DATABASE, SIZE)


@pytest.mark.parametrize("step", ["flock", "pwrite", "rename"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    descriptors = len(os.listdir("/dev/fd"))
    owner = {"flock": fcntl, "pwrite": os, "rename": Path}[step]
    monkeypatch.setattr(owner, step, fail)
    with pytest.raises(OSError, match="No space left"):
        segment.create(tmp_path, DATABASE, SIZE)
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/dev/fd")) == descriptors


@pytest.mark.parametrize("fits", [0, 10, segment.HEADER_SIZE - 1, segment.HEADER_SIZE])
def test_a_short_write_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    """Of the header, or of the zeros behind it."""
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: pwrite(descriptor, data[:fits], at))
    with pytest.raises(OSError, match="bytes written"):
        segment.create(tmp_path, DATABASE, SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_segment_appears_only_with_header_and_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drainer looks for the name: from then on the header must be whole and the lock held."""
    seen: list[tuple[list[str], bool, bool, int]] = []
    rename = Path.rename

    def watched(path: Path, target: Path) -> Path:
        reader = os.open(path, os.O_RDONLY)
        content = path.read_bytes()
        header = segment.unpack_header(content) is not None
        names = [each.suffix for each in tmp_path.iterdir()]
        seen.append((names, header, segment.is_abandoned(reader), len(content)))
        os.close(reader)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", watched)
    segment.create(tmp_path, DATABASE, SIZE).close()
    assert seen == [([".new"], True, False, SIZE)]


def test_whether_it_is_in_its_place(created: Segment, tmp_path: Path) -> None:
    assert created.is_in_place()
    elsewhere = created.path.rename(tmp_path / "elsewhere")
    assert not created.is_in_place()
    created.path.write_bytes(elsewhere.read_bytes())
    assert not created.is_in_place()
    elsewhere.rename(created.path)
    assert created.is_in_place()
