"""Durability: what is on the disk when, in each of the three ways."""

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shortener.clicks import frame, memory, segment, supply, sync
from shortener.clicks.durability import open_spool
from shortener.clicks.memory import MemorySpool
from shortener.clicks.spool import Spool
from shortener.settings import Settings
from tests.server import eventually

DATABASE = bytes(range(16))

Open = Callable[..., Spool]


class Disk:
    """Watches what is synced; can be made slow or broken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._fdatasync = os.fdatasync
        #: When each sync ended, and how much of the file had been written when it began.
        self.synced: list[float] = []
        self.fault: OSError | None = None
        self.seconds = 0.0
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, descriptor: int) -> None:
        if self.seconds:
            time.sleep(self.seconds)
        if self.fault is not None:
            raise self.fault
        self._fdatasync(descriptor)
        self.synced.append(time.monotonic())


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens spools of a durability, closed when the test is over."""
    spools: list[Spool] = []

    def open_one(durability: str, folder: Path = tmp_path) -> Spool:
        configured = Settings(_env_file=None, data_dir=folder, click_durability=durability, spool_min_free_bytes=0)
        spools.append(open_spool(configured, DATABASE))
        return spools[-1]

    yield open_one
    for each in spools:
        each.close()


def payloads(spool: Spool) -> list[bytes]:
    found = []
    for path in sorted(spool.folder.glob(f"*{segment.SUFFIX}")):
        data = path.read_bytes()
        header = segment.unpack_header(data)
        assert header is not None
        bodies, _ = frame.read_all(data[segment.HEADER_SIZE :], header.seed, 1_000_000)
        found += [body[1:] for body in bodies]
    return found


@pytest.mark.parametrize(("durability", "waits"), [("process", False), ("power", True), ("memory", False)])
def test_only_power_makes_an_answer_wait(opened: Open, durability: str, waits: bool) -> None:
    assert opened(durability).waits is waits


class TestSyncing:
    def test_soon_after_the_first_append(self, opened: Open, disk: Disk) -> None:
        spool = opened("process")
        eventually(lambda: spool._syncer.asleep)
        before = len(disk.synced)
        began = time.monotonic()
        assert spool.append(b"click")
        eventually(lambda: len(disk.synced) > before)
        assert disk.synced[before] - began >= sync.GATHER_SECONDS * 0.9

    def test_many_appends_share_one(self, opened: Open, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sync, "GATHER_SECONDS", 0.2)
        spool = opened("process")
        eventually(lambda: spool._syncer.asleep)
        before = len(disk.synced)
        for _ in range(100):
            assert spool.append(b"click")
        eventually(lambda: spool._syncer.asleep)
        assert len(disk.synced) == before + 1

    def test_it_sleeps_where_there_is_nothing_to_do(self, opened: Open, disk: Disk) -> None:
        spool = opened("process")
        assert spool.append(b"click")
        eventually(lambda: spool._syncer.asleep)
        before = len(disk.synced)
        thread = spool._syncer._thread
        used = _cpu_ticks(thread)
        time.sleep(0.3)
        assert (len(disk.synced), _cpu_ticks(thread)) == (before, used)

    def test_a_slow_disk_does_not_hold_up_appending(self, opened: Open, disk: Disk) -> None:
        spool = opened("process")
        disk.seconds = 0.3
        assert spool.append(b"first")
        time.sleep(sync.GATHER_SECONDS * 3)
        began = time.monotonic()
        for _ in range(100):
            assert spool.append(b"click")
        assert time.monotonic() - began < 0.25
        disk.seconds = 0.0

    def test_a_segment_that_is_left_is_synced_before_it_is_closed(
        self, opened: Open, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supply, "SMALL_SIZE", 1000)
        monkeypatch.setattr(supply, "LARGE_SIZE", 1000)
        events: list[tuple[str, int]] = []
        fdatasync, close = os.fdatasync, segment.Segment.close

        def synced(descriptor: int) -> None:
            events.append(("synced", descriptor))
            fdatasync(descriptor)

        def closed(each: segment.Segment) -> None:
            events.append(("closed", each.descriptor))
            close(each)

        monkeypatch.setattr(os, "fdatasync", synced)
        monkeypatch.setattr(segment.Segment, "close", closed)
        spool = opened("process")
        for _ in range(20):
            assert spool.append(b"x" * 200)
        spool.close()
        ends = [number for number, (what, _) in enumerate(events) if what == "closed"]
        assert len(ends) >= 5
        for end in ends:
            descriptor = events[end][1]
            last = max(number for number in range(end) if events[number][1] == descriptor)
            assert events[last][0] == "synced"

    def test_closing_syncs(self, opened: Open, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sync, "GATHER_SECONDS", 60.0)
        spool = opened("process")
        assert spool.append(b"click")
        before = len(disk.synced)
        spool.close()
        assert len(disk.synced) > before

    def test_a_sync_that_fails_is_told_and_tried_again(
        self, opened: Open, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sync, "RETRY_SECONDS", 0.02)
        spool = opened("process")
        eventually(lambda: spool._syncer.asleep)
        disk.fault = OSError(errno.EIO, "Input/output error")
        with capture_logs() as logged:
            assert spool.append(b"click")
            eventually(lambda: spool.fault is not None)
            # Nothing is dropped: the kernel has it.
            assert spool.append(b"another")
            time.sleep(0.1)
        assert spool.fault == "they are written, but not synced to the disk: [Errno 5] Input/output error"
        assert len(logged) == 1
        assert (spool.appended, spool.dropped) == (2, 0)
        disk.fault = None
        eventually(lambda: spool.fault is None)


class TestPower:
    def test_it_returns_when_the_disk_has_it(self, opened: Open, disk: Disk) -> None:
        spool = opened("power")

        async def visit() -> None:
            for _ in range(20):
                began = time.monotonic()
                assert spool.append(b"click")
                await spool.durable()
                assert began < disk.synced[-1] <= time.monotonic()

        asyncio.run(visit())

    def test_one_who_comes_during_a_sync_waits_for_the_next(self, opened: Open, disk: Disk) -> None:
        spool = opened("power")
        disk.seconds = 0.1

        async def visit(delay: float) -> tuple[float, float]:
            await asyncio.sleep(delay)
            began = time.monotonic()
            assert spool.append(b"click")
            await spool.durable()
            return began, time.monotonic()

        async def visits() -> list[tuple[float, float]]:
            return list(await asyncio.gather(visit(0.0), visit(0.05)))

        for began, ended in asyncio.run(visits()):
            # A sync that had begun before may have missed it.
            assert any(began + disk.seconds * 0.9 <= synced <= ended for synced in disk.synced)

    def test_many_share_one_sync(self, opened: Open, disk: Disk) -> None:
        spool = opened("power")
        eventually(lambda: spool._syncer.asleep)
        disk.seconds = 0.05
        before = len(disk.synced)

        async def visit() -> None:
            assert spool.append(b"click")
            await spool.durable()

        async def visits() -> None:
            await asyncio.gather(*(visit() for _ in range(500)))

        asyncio.run(visits())
        assert len(disk.synced) - before <= 3

    @pytest.mark.parametrize("how", ["fault", "crash"])
    def test_nobody_waits_for_a_disk_that_fails(
        self, opened: Open, disk: Disk, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        monkeypatch.setattr(sync, "RETRY_SECONDS", 0.01)
        spool = opened("power")
        if how == "fault":
            disk.fault = OSError(errno.EIO, "Input/output error")
        else:
            monkeypatch.setattr(spool, "flush", lambda: 1 / 0)

        async def visit() -> None:
            assert spool.append(b"click")
            async with asyncio.timeout(5):
                await spool.durable()

        with capture_logs():
            asyncio.run(visit())
            asyncio.run(visit())
        if how == "fault":
            assert spool.fault is not None

    def test_a_visitor_who_leaves_harms_nobody(self, opened: Open, disk: Disk) -> None:
        spool = opened("power")
        disk.seconds = 0.05

        async def visits() -> None:
            leaving, staying = asyncio.ensure_future(spool.durable()), asyncio.ensure_future(spool.durable())
            await asyncio.sleep(0.01)
            leaving.cancel()
            await staying

        asyncio.run(visits())

    def test_a_closed_spool_keeps_nobody(self, opened: Open) -> None:
        spool = opened("power")
        spool.close()
        asyncio.run(asyncio.wait_for(spool.durable(), 1))


class TestMemory:
    def test_it_is_written_within_milliseconds(self, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        spool = opened("memory")
        sent = [b"%d" % number for number in range(1000)]
        for payload in sent:
            assert spool.append(payload)
        eventually(lambda: payloads(spool) == sent, 1.0)
        assert (spool.appended, spool.dropped) == (1000, 0)

    def test_until_then_it_is_in_memory_only(self, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sync, "GATHER_SECONDS", 60.0)
        spool = opened("memory")
        assert spool.append(b"click")
        assert payloads(spool) == []
        spool.close()
        assert payloads(spool) == [b"click"]
        assert not spool.append(b"too late")

    def test_over_many_segments(self, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(supply, "SMALL_SIZE", 5000)
        monkeypatch.setattr(supply, "LARGE_SIZE", 7000)
        spool = opened("memory")
        sent = [b"%5d" % number * 20 for number in range(2000)]
        for payload in sent:
            assert spool.append(payload)
        spool.close()
        assert sorted(payloads(spool)) == sent
        assert (spool.appended, spool.dropped) == (2000, 0)

    def test_what_cannot_be_written_is_dropped_and_counted(
        self, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supply, "RETRY_SECONDS", 0.0)
        monkeypatch.setattr(sync, "RETRY_SECONDS", 0.02)
        (tmp_path / "spool").write_text("in the way")
        spool = opened("memory")
        assert spool.append(b"lost")
        eventually(lambda: spool.dropped == 1)
        assert spool.fault is not None
        (tmp_path / "spool").unlink()
        eventually(lambda: spool.fault is None)
        assert spool.append(b"kept")
        eventually(lambda: payloads(spool) == [b"kept"])

    def test_memory_is_bounded(self, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sync, "GATHER_SECONDS", 60.0)
        monkeypatch.setattr(memory, "_MOST_WAITING", 10)
        spool = opened("memory")
        assert isinstance(spool, MemorySpool)
        assert [spool.append(b"click") for _ in range(12)] == [True] * 10 + [False] * 2
        spool.close()
        assert (spool.appended, spool.dropped) == (10, 2)


def _cpu_ticks(thread: threading.Thread) -> int:
    """How long a thread has run, by the kernel's count."""
    fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
