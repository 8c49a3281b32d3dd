"""The spool: what is appended can be read, and whatever goes wrong, appending never raises and begins again."""

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shortener import metrics
from shortener.clicks import segment, spool, supply, sync
from shortener.clicks.room import Room
from shortener.clicks.spool import Spool
from tests import frames
from tests.server import eventually

DATABASE = bytes(range(16))

Open = Callable[..., Spool]
#: What a full disk says.
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens spools that are closed when the test is over."""
    spools: list[Spool] = []

    def open_spool(folder: Path, bounds: Room | None = None) -> Spool:
        spools.append(Spool(folder, DATABASE, bounds))
        return spools[-1]

    yield open_spool
    for each in spools:
        each.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried once a second is tried at once."""
    monkeypatch.setattr(supply, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(sync, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(sync, "LOOK_SECONDS", 0.0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments that hold a handful of clicks."""
    monkeypatch.setattr(supply, "SMALL_SIZE", 1000)
    monkeypatch.setattr(supply, "LARGE_SIZE", 2000)


@pytest.fixture
def counted() -> Callable[[str], float]:
    """How far a counter has gone since the test began."""
    before = {metric.name: _value(metric.name) for metric in metrics.REGISTRY.collect()}

    def since(name: str) -> float:
        return _value(f"shortener_{name}") - before[f"shortener_{name}"]

    return since


def full(*_arguments: object) -> int:
    raise NO_SPACE


def _value(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"{name}_total") or 0.0


def segments(folder: Path) -> list[list[bytes]]:
    """The payloads in each segment that has any, as a drainer would read them; of one millisecond in no order."""
    found = []
    for path in sorted(folder.glob(f"*{segment.SUFFIX}")):
        data = path.read_bytes()
        header = segment.unpack_header(data)
        assert header is not None
        assert header.database_id == DATABASE
        payloads, at = [], segment.HEADER_SIZE
        while (reading := frames.read(data, at, header.seed)).body is not None:
            payloads.append(reading.body[1:])
            at = reading.end
        assert not data[at:].strip(b"\0")
        if payloads:
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
    assert (counted("clicks_spooled"), counted("clicks_dropped")) == (0, 0)
    for _ in range(2):
        writer.publish()
        assert (counted("clicks_spooled"), counted("clicks_dropped")) == (100, 0)


def test_workers_and_their_successors_have_segments_of_their_own(tmp_path: Path, opened: Open) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.append(b"first")
    second.append(b"second")
    first.close()
    opened(tmp_path).append(b"successor")
    assert sorted(segments(tmp_path)) == [[b"first"], [b"second"], [b"successor"]]


def test_a_segment_is_the_workers_until_it_closes(
    tmp_path: Path, opened: Open, counted: Callable[[str], float]
) -> None:
    writer = opened(tmp_path)
    writer.append(b"click")
    (path,) = tmp_path.iterdir()
    assert not abandoned(path)
    writer.close()
    assert abandoned(path)
    writer.close()
    assert payloads(tmp_path) == [b"click"]
    # Nobody has it to write to any more.
    assert not writer.append(b"too late")
    assert (writer.appended, writer.dropped, counted("clicks_spooled")) == (1, 1, 1)


class TestSegments:
    def test_a_full_one_is_handed_over_and_the_next_begun(self, tmp_path: Path, opened: Open, small: None) -> None:
        writer = opened(tmp_path)
        sent = [bytes([number]) * 90 for number in range(1, 101)]
        for payload in sent:
            assert writer.append(payload)
        found = segments(tmp_path)
        assert sorted(payload for each in found for payload in each) == sent
        assert all(each == sorted(each) for each in found)
        assert len(found) > 4
        eventually(lambda: len([path for path in tmp_path.glob("*.seg") if not abandoned(path)]) <= 2)
        (current,) = [path for path in tmp_path.glob("*.seg") if sent[-1] in path.read_bytes()]
        assert not abandoned(current)

    def test_no_frame_reaches_beyond_the_end(self, tmp_path: Path, opened: Open, small: None) -> None:
        """Of every length, so that some end at the very last byte and some would end one behind it."""
        writer = opened(tmp_path)
        sent = [b"x" * length for length in range(1, 900)]
        for payload in sent:
            assert writer.append(payload)
        writer.close()
        assert sorted(payloads(tmp_path), key=len) == sent
        assert {path.stat().st_size for path in tmp_path.iterdir()} <= {1000, 2000}

    def test_the_first_is_small_and_the_others_are_prepared_and_large(self, tmp_path: Path, opened: Open) -> None:
        writer = opened(tmp_path)
        writer.append(b"click")
        (first,) = tmp_path.iterdir()
        assert first.stat().st_size == supply.SMALL_SIZE
        while first.stat().st_size // 2 >= writer._offset:
            assert writer.append(bytes(10_000))
        eventually(lambda: len(list(tmp_path.glob("*.seg"))) == 2)
        (second,) = set(tmp_path.iterdir()) - {first}
        # Ready before it is needed: named, locked, zeroed.
        assert (second.stat().st_size, abandoned(second)) == (supply.LARGE_SIZE, False)
        assert not second.read_bytes()[segment.HEADER_SIZE :].strip(b"\0")
        while writer.segment is not None and writer.segment.path == first:
            assert writer.append(bytes(10_000))
        assert writer.segment is not None
        assert writer.segment.path == second
        eventually(lambda: abandoned(first))

    def test_who_gets_no_clicks_prepares_nothing(self, tmp_path: Path, opened: Open) -> None:
        writer = opened(tmp_path)
        writer.append(b"click")
        eventually(lambda: writer._syncer.asleep)
        assert len(list(tmp_path.iterdir())) == 1

    def test_what_was_prepared_and_not_used_is_removed(self, tmp_path: Path, opened: Open, small: None) -> None:
        writer = opened(tmp_path)
        writer.append(b"x" * 500)
        eventually(lambda: len(list(tmp_path.glob("*.seg"))) == 2)
        writer.close()
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_click_that_no_drainer_could_read_is_not_written(self, tmp_path: Path, opened: Open) -> None:
        writer = opened(tmp_path)
        assert writer.append(b"x" * spool.MAX_PAYLOAD)
        with capture_logs() as logged:
            assert not writer.append(b"x" * (spool.MAX_PAYLOAD + 1))
        assert [entry["log_level"] for entry in logged] == ["error"]
        assert writer.append(b"after")
        assert (writer.dropped, writer.fault) == (1, None)
        assert payloads(tmp_path) == [b"x" * spool.MAX_PAYLOAD, b"after"]


class TestTheFolder:
    def test_one_that_cannot_be_made(
        self, tmp_path: Path, opened: Open, counted: Callable[[str], float], hasty: None
    ) -> None:
        folder = tmp_path / "spool"
        folder.write_text("in the way")
        with capture_logs() as logged:
            writer = opened(folder)
            assert writer.fault is not None
            assert [writer.append(b"lost") for _ in range(3)] == [False] * 3
        assert "spool" in writer.fault
        # Said once, not once per click.
        assert [entry["log_level"] for entry in logged] == ["error"]

        folder.unlink()
        # Without a click to show it.
        eventually(lambda: writer.fault is None)
        assert writer.append(b"kept")
        assert payloads(folder) == [b"kept"]
        writer.publish()
        assert (counted("clicks_spooled"), counted("clicks_dropped")) == (1, 3)

    def test_whose_parent_is_a_file(self, tmp_path: Path, opened: Open, hasty: None) -> None:
        (tmp_path / "data").write_text("in the way")
        writer = opened(tmp_path / "data" / "spool")
        assert not writer.append(b"lost")
        assert writer.fault is not None
        (tmp_path / "data").unlink()
        eventually(lambda: writer.append(b"kept"))
        assert payloads(tmp_path / "data" / "spool") == [b"kept"]

    def test_where_nothing_can_be_made_it_is_not_tried_for_every_click(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "spool").write_text("in the way")
        tried: list[Path] = []
        mkdir = Path.mkdir

        def watched(path: Path, *arguments: object, **options: object) -> None:
            tried.append(path)
            mkdir(path, *arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "mkdir", watched)
        writer = opened(tmp_path / "spool")
        assert not any(writer.append(b"lost") for _ in range(10_000))
        assert writer.dropped == 10_000
        # At first by the writer, and by the thread beside it.
        assert 1 <= len(tried) <= 4

    @pytest.mark.parametrize("blocked", [False, True])
    def test_one_that_vanishes_is_made_again(self, tmp_path: Path, opened: Open, hasty: None, blocked: bool) -> None:
        folder = tmp_path / "spool"
        writer = opened(folder)
        assert writer.append(b"before")
        eventually(lambda: writer._syncer.asleep)
        shutil.rmtree(folder)
        if blocked:
            folder.write_text("in the way")
        with capture_logs() as logged:
            # Into the file that has no name any more; a drainer that has it open reads it still.
            assert writer.append(b"into the void")
            if blocked:
                eventually(lambda: writer.fault is not None)
                assert not writer.append(b"lost")
                folder.unlink()
            eventually(lambda: bool(list(folder.glob("*.seg"))))
        assert "was removed" in logged[0]["event"]
        eventually(lambda: writer.fault is None)
        assert writer.append(b"after")
        assert payloads(folder) == [b"after"]

    def test_a_prepared_segment_goes_with_it(self, tmp_path: Path, opened: Open, small: None, hasty: None) -> None:
        folder = tmp_path / "spool"
        writer = opened(folder)
        assert writer.append(b"x" * 500)
        eventually(lambda: len(list(folder.glob("*.seg"))) == 2)
        shutil.rmtree(folder)
        assert writer.append(b"into the void")
        eventually(lambda: bool(list(folder.glob("*.seg"))))
        for number in range(20):
            assert writer.append(b"%d" % number * 100)
        assert sorted(payloads(folder)) == sorted(b"%d" % number * 100 for number in range(20))


class TestTogether:
    def test_many_clicks_are_one_write(self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        pwrite, writes = os.pwrite, []

        def count(descriptor: int, data: bytes, at: int) -> int:
            writes.append(data)
            return pwrite(descriptor, data, at)

        writer = opened(tmp_path)
        assert writer.append(b"before")
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", count)
            writer.append_together([b"one", b"two", b"three"])
            assert len(writes) == 1
        assert writer.append(b"after")
        assert segments(tmp_path) == [[b"before", b"one", b"two", b"three", b"after"]]
        assert (writer.appended, writer.dropped) == (5, 0)

    def test_where_the_segment_ends_the_next_one_goes_on(self, tmp_path: Path, opened: Open) -> None:
        writer = opened(tmp_path)
        clicks = [bytes([number]) * 10_000 for number in range(1, 251)]
        for start in range(0, len(clicks), 50):
            writer.append_together(clicks[start : start + 50])
        # Within a segment they stand in order; segments of one millisecond stand in none.
        parts = [each for each in segments(tmp_path) if each]
        assert sorted(chain.from_iterable(parts)) == clicks
        assert all(part == sorted(part) for part in parts)
        assert (writer.appended, writer.dropped) == (len(clicks), 0)
        assert len(parts) > 1

    @pytest.mark.parametrize("fits", [0, 1, 11, 12, 20])
    def test_what_fits_only_in_part_is_written_over(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, fits: int
    ) -> None:
        """The first write is cut, in the middle of a frame or between two; those that follow are not."""
        pwrite, writes = os.pwrite, []

        def cut(descriptor: int, data: bytes, at: int) -> int:
            writes.append(data)
            return pwrite(descriptor, data[:fits] if len(writes) == 1 else data, at)

        writer = opened(tmp_path)
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", cut)
            writer.append_together([b"one", b"two", b"three"])
        assert segments(tmp_path) == [[b"one", b"two", b"three"]]
        assert (writer.appended, writer.dropped) == (3, 0)

    def test_one_that_is_too_long_harms_no_other(self, tmp_path: Path, opened: Open) -> None:
        writer = opened(tmp_path)
        writer.append_together([b"one", bytes(spool.MAX_PAYLOAD + 1), b"three"])
        assert payloads(tmp_path) == [b"one", b"three"]
        assert (writer.appended, writer.dropped) == (2, 1)

    def test_a_full_disk_drops_each(self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        writer = opened(tmp_path)
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", full)
            writer.append_together([b"one", b"two"])
        assert (writer.appended, writer.dropped) == (0, 2)
        writer.append_together([b"three"])
        assert payloads(tmp_path) == [b"three"]
        assert writer.fault is None


class TestFaults:
    def test_a_full_disk(self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert (writer.appended, writer.dropped) == (2, 5)

        with monkeypatch.context() as disk, capture_logs() as logged:
            disk.setattr(os, "pwrite", full)
            assert not writer.append(b"lost")
            # A second fault is news again.
            assert [entry["log_level"] for entry in logged] == ["error"]

    @pytest.mark.parametrize("fits", [0, 1, 4, 8, 9, 12])
    def test_a_frame_that_fits_only_in_part_is_written_over(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, fits: int
    ) -> None:
        pwrite = os.pwrite
        writer = opened(tmp_path)
        assert writer.append(b"before")
        (path,) = tmp_path.iterdir()
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", lambda descriptor, data, at: pwrite(descriptor, data[:fits], at))
            assert not writer.append(b"lost")
            assert writer.fault == f"only {fits} of 13 bytes written"
        assert b"lost" not in path.read_bytes()
        assert writer.append(b"after")
        assert segments(tmp_path) == [[b"before", b"after"]]

    def test_a_bad_place_on_the_disk_is_left(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, hasty: None
    ) -> None:
        writer = opened(tmp_path)
        assert writer.append(b"before")
        pwrite, bad = os.pwrite, writer._descriptor

        def fail(descriptor: int, data: bytes, at: int) -> int:
            if descriptor == bad:
                raise OSError(errno.EIO, "Input/output error")
            return pwrite(descriptor, data, at)

        monkeypatch.setattr(os, "pwrite", fail)
        assert not writer.append(b"lost")
        assert writer.append(b"after")
        assert writer.fault is None
        assert payloads(tmp_path) == [b"before", b"after"]

    def test_files_must_not_grow(self, tmp_path: Path, opened: Open, hasty: None) -> None:
        """A real refusal of the kernel, in the middle of the next segment. Clicks go on where there is room."""
        writer = opened(tmp_path)
        _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (supply.SMALL_SIZE // 2, hard))
        try:
            written = 0
            while writer.append(b"x" * 10_000):
                written += 1
            assert writer.fault is not None
            assert not writer.append(b"x" * 10_000)
            # What is left of the room is used still.
            assert writer.append(b"short")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        eventually(lambda: writer.fault is None)
        assert writer.append(b"after")
        assert len(payloads(tmp_path)) == written + 2
        assert written == pytest.approx(supply.SMALL_SIZE / 2 / 10_000, abs=1)


class TestTheCap:
    #: Room for four small segments.
    FEW = Room(most_bytes=4 * supply.SMALL_SIZE + 65_536, least_free_bytes=0)

    def fill(self, writer: Spool) -> int:
        """Appends until nothing goes any more, and no segment is on its way; how many clicks went."""
        # What was on its way when an append failed may have become ready since, which ends the fault.
        while writer.append(b"12345678" * 1000) or writer._supply.is_preparing or writer.fault is None:
            pass
        return writer.appended

    def test_beyond_it_clicks_are_dropped_until_there_is_room(
        self, tmp_path: Path, opened: Open, hasty: None
    ) -> None:
        writer = opened(tmp_path, self.FEW)
        with capture_logs() as logged:
            written = self.fill(writer)
        assert len(payloads(tmp_path)) == written
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 4 * supply.SMALL_SIZE
        assert writer.fault == "the spool is full: 4 MiB of at most 4 MiB are used"
        assert logged[-1]["log_level"] == "error"
        dropped = writer.dropped
        assert not writer.append(b"x" * 10_000)
        # A short one may fit still, which is no reason to say that all is well.
        assert writer.append(b"short")
        assert (writer.dropped, writer.fault is None) == (dropped + 1, False)

        # Whatever lies in the folder counts, and whatever goes from it gives room.
        writer_path = writer.segment.path  # type: ignore[union-attr]
        next(path for path in sorted(tmp_path.iterdir()) if path != writer_path).unlink()
        eventually(lambda: writer.fault is None)
        assert writer.append(b"x" * 10_000)
        assert b"x" * 10_000 in payloads(tmp_path)

    def test_other_files_of_the_folder_count(self, tmp_path: Path, opened: Open, hasty: None) -> None:
        (tmp_path / "some.bad").write_bytes(b"x" * 3 * supply.SMALL_SIZE)
        writer = opened(tmp_path, self.FEW)
        self.fill(writer)
        assert len(list(tmp_path.glob("*.seg"))) == 1

    def test_a_disk_that_is_nearly_full(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, hasty: None
    ) -> None:
        found = os.statvfs(tmp_path)
        free = found.f_bavail * found.f_frsize
        bounds = Room(least_free_bytes=free * 2)
        writer = opened(tmp_path, bounds)
        assert not writer.append(b"lost")
        assert writer.fault is not None
        assert writer.fault.startswith("the disk is nearly full:")
        assert list(tmp_path.iterdir()) == []
        values = list(found)
        values[4] = values[3] = 3 * values[4]
        monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(values))
        eventually(lambda: writer.fault is None)
        assert writer.append(b"after")

    def test_orphans_leave_the_second_half_to_clicks(self, tmp_path: Path, opened: Open, hasty: None) -> None:
        writer = opened(tmp_path, self.FEW)
        assert writer.admits_orphan(1000)
        rest = tmp_path / "some.bad"
        rest.write_bytes(b"x" * 2 * supply.SMALL_SIZE)
        assert writer.append(b"click")
        eventually(lambda: not writer.admits_orphan(1001))
        assert writer.append(b"click")
        assert (writer.dropped, writer.fault) == (0, None)
        assert writer.orphans_unrecorded == 1
        eventually(lambda: writer._syncer.asleep)
        rest.unlink()
        # Nothing needs to be recorded for it to be noticed.
        eventually(lambda: not writer._syncer.is_half_full)
        assert writer.admits_orphan(1002)


class TestOrphans:
    def test_they_have_a_budget_of_their_own(
        self, tmp_path: Path, opened: Open, counted: Callable[[str], float]
    ) -> None:
        writer = opened(tmp_path)
        admitted = [writer.admits_orphan(1000) for _ in range(spool.ORPHANS_PER_SECOND + 20)]
        assert admitted == [True] * spool.ORPHANS_PER_SECOND + [False] * 20
        assert writer.orphans_unrecorded == 20
        writer.publish()
        assert counted("orphans_unrecorded") == 20
        # Beyond the budget nothing is wrong: no fault, nothing dropped, and clicks go on.
        assert (writer.fault, writer.dropped) == (None, 0)
        assert writer.append(b"click")
        assert not writer.admits_orphan(1000)
        assert writer.admits_orphan(1001)
