"""The spool: what is appended can be read, and whatever goes wrong, appending never raises and begins again."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shortener import metrics
from shortener.clicks import frame, segment, spool
from shortener.clicks.spool import Spool

DATABASE = bytes(range(16))

Open = Callable[[Path], Spool]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens spools that are closed when the test is over."""
    spools: list[Spool] = []

    def open_spool(folder: Path) -> Spool:
        spools.append(Spool(folder, DATABASE))
        return spools[-1]

    yield open_spool
    for each in spools:
        each.close()


@pytest.fixture
def counted() -> Callable[[str], float]:
    """How far a counter has gone since the test began."""
    before = {metric.name: _value(metric.name) for metric in metrics.REGISTRY.collect()}

    def since(name: str) -> float:
        return _value(f"shortener_{name}") - before[f"shortener_{name}"]

    return since


def _value(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"{name}_total") or 0.0


def segments(folder: Path) -> list[list[bytes]]:
    """The payloads in each segment, as a drainer would read them; segments of one millisecond in no order."""
    found = []
    for path in sorted(folder.glob(f"*{segment.SUFFIX}")):
        data = path.read_bytes()
        header = segment.unpack_header(data)
        assert header is not None
        assert header.database_id == DATABASE
        payloads, at = [], segment.HEADER_SIZE
        while (reading := frame.read(data, at, header.seed)).body is not None:
            payloads.append(reading.body[1:])
            at = reading.end
        assert not data[at:].strip(b"\0")
        found.append(payloads)
    return found


def payloads(folder: Path) -> list[bytes]:
    return [payload for each in segments(folder) for payload in each]


def abandoned(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return segment.is_abandoned(descriptor)
    finally:
        os.close(descriptor)


def test_what_is_appended_can_be_read_at_once(tmp_path: Path, opened: Open, counted: Callable[[str], float]) -> None:
    writer = opened(tmp_path / "a" / "b")
    for number in range(100):
        assert writer.append(b"click %d" % number)
        assert payloads(tmp_path / "a" / "b")[-1] == b"click %d" % number
    assert segments(tmp_path / "a" / "b") == [[b"click %d" % number for number in range(100)]]
    assert writer.fault is None
    assert (counted("clicks_spooled"), counted("clicks_dropped")) == (100, 0)


def test_workers_and_their_successors_have_segments_of_their_own(tmp_path: Path, opened: Open) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.append(b"first")
    second.append(b"second")
    first.close()
    opened(tmp_path).append(b"successor")
    assert sorted(segments(tmp_path)) == [[b"first"], [b"second"], [b"successor"]]


def test_a_segment_is_the_workers_until_it_closes(tmp_path: Path, opened: Open) -> None:
    writer = opened(tmp_path)
    writer.append(b"click")
    (path,) = tmp_path.iterdir()
    assert not abandoned(path)
    writer.close()
    assert abandoned(path)
    writer.close()
    assert payloads(tmp_path) == [b"click"]


def test_a_full_segment_is_handed_over_and_the_next_begun(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SEGMENT_SIZE", 1000)
    writer = opened(tmp_path)
    sent = [bytes([number]) * 90 for number in range(1, 51)]
    for payload in sent:
        assert writer.append(payload)
    found = segments(tmp_path)
    assert sorted(payload for each in found for payload in each) == sent
    assert all(each == sorted(each) for each in found)
    assert len(found) == 6
    held = [path for path in tmp_path.iterdir() if not abandoned(path)]
    assert len(held) == 1
    assert sent[-1] in held[0].read_bytes()
    # The bound is on where a frame begins to be too long; its own head may lie beyond.
    assert all(path.stat().st_size <= 1000 + 9 for path in tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path, opened: Open, counted: Callable[[str], float]) -> None:
    folder = tmp_path / "spool"
    folder.write_text("in the way")
    with capture_logs() as logged:
        writer = opened(folder)
        assert writer.fault is not None
        assert [writer.append(b"lost") for _ in range(3)] == [False] * 3
    assert "spool" in writer.fault
    # Said once, not once per click.
    assert [entry["log_level"] for entry in logged] == ["error"]
    assert (counted("clicks_spooled"), counted("clicks_dropped")) == (0, 3)

    folder.unlink()
    assert writer.append(b"kept")
    assert writer.fault is None
    assert payloads(folder) == [b"kept"]
    assert (counted("clicks_spooled"), counted("clicks_dropped")) == (1, 3)


def test_a_folder_whose_parent_is_a_file(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "data").write_text("in the way")
    writer = opened(tmp_path / "data" / "spool")
    assert not writer.append(b"lost")
    assert writer.fault is not None
    (tmp_path / "data").unlink()
    assert writer.append(b"kept")
    assert payloads(tmp_path / "data" / "spool") == [b"kept"]


def test_a_folder_that_vanishes_is_made_again_with_the_next_segment(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SEGMENT_SIZE", 200)
    folder = tmp_path / "spool"
    writer = opened(folder)
    assert writer.append(bytes(100))
    shutil.rmtree(folder)
    assert writer.append(b"x" * 100)
    assert writer.fault is None
    assert payloads(folder) == [b"x" * 100]


def test_a_folder_that_vanishes_and_cannot_be_made_again(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SEGMENT_SIZE", 200)
    folder = tmp_path / "spool"
    writer = opened(folder)
    assert writer.append(bytes(100))
    shutil.rmtree(folder)
    folder.write_text("in the way")
    for _ in range(3):
        assert not writer.append(b"x" * 100)
        assert writer.fault is not None
    folder.unlink()
    assert writer.append(b"y" * 100)
    assert writer.fault is None
    assert payloads(folder) == [b"y" * 100]


def test_a_full_disk(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, counted: Callable[[str], float]
) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = opened(tmp_path)
    assert writer.append(b"before")
    with monkeypatch.context() as disk, capture_logs() as logged:
        disk.setattr(os, "pwrite", full)
        assert [writer.append(b"lost") for _ in range(5)] == [False] * 5
        assert writer.fault == "[Errno 28] No space left on device"
    assert len(logged) == 1
    assert writer.append(b"after")
    assert writer.fault is None
    assert segments(tmp_path) == [[b"before", b"after"]]
    assert counted("clicks_dropped") == 5

    with monkeypatch.context() as disk, capture_logs() as logged:
        disk.setattr(os, "pwrite", full)
        assert not writer.append(b"lost")
    # A second fault is news again.
    assert len(logged) == 1


@pytest.mark.parametrize("fits", [0, 1, 4, 8, 9, 12])
def test_a_frame_that_fits_only_in_part_is_written_over(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    pwrite = os.pwrite
    writer = opened(tmp_path)
    assert writer.append(b"before")
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", lambda descriptor, data, at: pwrite(descriptor, data[:fits], at))
        assert not writer.append(b"lost")
        assert writer.fault == f"only {fits} of 13 bytes written"
    (path,) = tmp_path.iterdir()
    assert b"lost" not in path.read_bytes()
    assert writer.append(b"after")
    assert segments(tmp_path) == [[b"before", b"after"]]


def test_orphans_have_a_budget_of_their_own(tmp_path: Path, opened: Open, counted: Callable[[str], float]) -> None:
    writer = opened(tmp_path)
    recorded = [writer.append_orphan(b"orphan", 1000) for _ in range(spool.ORPHANS_PER_SECOND + 20)]
    assert recorded == [True] * spool.ORPHANS_PER_SECOND + [False] * 20
    assert counted("orphans_unrecorded") == 20
    # Beyond the budget nothing is wrong: no fault, nothing dropped, and clicks go on.
    assert (writer.fault, counted("clicks_dropped")) == (None, 0)
    assert writer.append(b"click")
    assert not writer.append_orphan(b"orphan", 1000)
    assert writer.append_orphan(b"next second", 1001)
    assert payloads(tmp_path) == [b"orphan"] * spool.ORPHANS_PER_SECOND + [b"click", b"next second"]


def test_an_orphan_that_cannot_be_written_is_dropped(
    tmp_path: Path, opened: Open, counted: Callable[[str], float]
) -> None:
    (tmp_path / "spool").write_text("in the way")
    assert not opened(tmp_path / "spool").append_orphan(b"orphan", 1000)
    assert (counted("clicks_dropped"), counted("orphans_unrecorded")) == (1, 0)
