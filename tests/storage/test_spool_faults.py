"""Faults between spool and database: damage, death, locked and vanished databases. Exactly once, whatever happens."""

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shortener import errors
from shortener.clicks import drainer as drainer_module
from shortener.clicks import frame, quarantine, segment, supply
from shortener.clicks.drainer import Drainer
from shortener.clicks.election import condition
from shortener.clicks.room import Room
from shortener.clicks.segment import Header
from shortener.clicks.spool import Spool
from shortener.domain.link import UNATTRIBUTED_ID, Link
from shortener.storage import clicks as rows
from shortener.storage import engine as engine_module
from shortener.storage import migration
from shortener.storage.engine import Database
from tests import frames
from tests.clicks import click_on, make_link
from tests.postgres import Postgres
from tests.server import eventually
from tests.spools import agreed, count, drain_all, id_of, now_ms, put, raw_rows, write_segment

pytestmark = pytest.mark.usefixtures("settled")

#: Clicks in each segment that gets damaged.
FRAMES = 4


@contextmanager
def running(drainer: Drainer) -> Iterator[None]:
    """The drainer at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=drainer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def new_header(database_id: bytes) -> Header:
    return Header(secrets.token_bytes(16), database_id, now_ms())


def frames_of(link: Link, seed: int, number: int = FRAMES) -> list[bytes]:
    """Short ones, so that there are few bytes to damage."""
    return [
        frame.seal(frames.encode(click_on(link, now_ms(), user_agent="x" * index)), seed)
        for index in range(1, number + 1)
    ]


@dataclass(frozen=True)
class Damaged:
    """A segment in which something is wrong, and how far it is right."""

    path: Path
    header: Header
    whole: bytes
    content: bytes
    valid_frames: int
    #: The offset behind the last valid frame.
    valid_end: int

    @property
    def rest(self) -> bytes:
        """What has to be set aside."""
        return self.content[self.valid_end - segment.HEADER_SIZE :].rstrip(b"\0")


def damage_everywhere(link: Link, folder: Path, database_id: bytes) -> Iterator[Damaged]:
    """Segments cut at every byte of their last three frames, and such with one bit flipped in each of those bytes."""
    lengths = [len(each) for each in frames_of(link, 0)]
    for at in range(lengths[0], sum(lengths)):
        for flipped in (False, True):
            header = new_header(database_id)
            whole = b"".join(frames_of(link, header.seed))
            content = bytearray(whole if flipped else whole[:at])
            if flipped:
                content[at] ^= 1 << at % 8
            valid = sum(sum(lengths[: number + 1]) <= at for number in range(FRAMES))
            end = segment.HEADER_SIZE + sum(lengths[:valid])
            path = write_segment(folder, header, bytes(content))
            yield Damaged(path, header, whole, bytes(content), valid, end)


def mark(database: Database, header: Header) -> int:
    with database.read() as connection:
        return rows.mark(connection, header.segment_id) or segment.HEADER_SIZE


class TestDamage:
    def test_exactly_the_valid_prefix(
        self, database: Database, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        link = make_link(database)
        damaged = list(damage_everywhere(link, folder, database_id))
        assert len(damaged) > 400
        for _ in range(3):
            # More than are open at once; those that are judged make room for others.
            drain_all(drainer)
        for each in damaged:
            assert mark(database, each.header) == each.valid_end
            # The segment ends there now, so that nobody judges it again, and what was cut off is not lost.
            assert each.path.read_bytes() == (each.header.pack() + each.whole)[: each.valid_end]
            kept = each.path.with_suffix(quarantine.SUFFIX)
            if each.rest:
                assert kept.read_bytes()[: segment.HEADER_SIZE] == each.header.pack()
                assert kept.read_bytes()[each.valid_end :] == each.rest
            else:
                assert not kept.exists()
        assert agreed(database) == sum(each.valid_frames for each in damaged)

    def test_of_a_living_worker_nothing_is_judged(
        self, database: Database, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        """The same files, held by somebody: what is not whole there is not whole yet."""
        link = make_link(database)
        damaged = list(damage_everywhere(link, folder, database_id))[::11]
        for path in set(folder.iterdir()) - {each.path for each in damaged}:
            path.unlink()
        writers = [os.open(each.path, os.O_RDWR) for each in damaged]
        for writer in writers:
            fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for _ in range(3):
            drain_all(drainer)
        for each in damaged:
            assert mark(database, each.header) == each.valid_end
            assert each.path.read_bytes()[segment.HEADER_SIZE :] == each.content
        assert list(folder.glob(f"*{quarantine.SUFFIX}")) == []
        for each, writer in zip(damaged, writers, strict=True):
            os.pwrite(writer, each.whole, segment.HEADER_SIZE)
        drain_all(drainer)
        for writer in writers:
            os.close(writer)
        drain_all(drainer)
        assert agreed(database) == FRAMES * len(damaged)
        assert list(folder.glob(f"*{quarantine.SUFFIX}")) == []

    @pytest.mark.parametrize("seed_of_another", [False, True])
    def test_good_frames_behind_bad_ones_are_set_aside_with_them(
        self, database: Database, drainer: Drainer, folder: Path, database_id: bytes, seed_of_another: bool
    ) -> None:
        """Much more than one frame, and each byte of it."""
        link, header = make_link(database), new_header(database_id)
        good = b"".join(frames_of(link, header.seed, 3))
        bad = frames_of(link, header.seed ^ 1)[0] if seed_of_another else b"\xff" * 100
        behind = b"".join(frames_of(link, header.seed, 3)) + bytes(50_000) + os.urandom(3_000_000) + b"\1"
        path = write_segment(folder, header, good + bad + behind + bytes(100_000))
        drain_all(drainer)
        assert agreed(database) == 3
        kept = path.with_suffix(quarantine.SUFFIX).read_bytes()
        assert kept[segment.HEADER_SIZE + len(good) :] == bad + behind
        assert path.stat().st_size == segment.HEADER_SIZE + len(good)

    def test_it_is_set_aside_once(
        self, database: Database, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Path] = []
        monkeypatch.setattr(quarantine, "_tell", lambda path, *_: told.append(path))
        link, header = make_link(database), new_header(database_id)
        path = write_segment(folder, header, b"".join(frames_of(link, header.seed)) + b"torn")
        for _ in range(3):
            fresh = Drainer(folder, database, database_id)
            drain_all(fresh)
            fresh.close()
        assert told == [path]

    def test_an_unknown_version_is_kept_and_passed_over(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = make_link(database)
        put(spool, link)
        begin = spool._offset
        with monkeypatch.context() as future:
            future.setattr(frame, "_VERSION_BYTE", b"\x09")
            put(spool, link)
        end = spool._offset
        put(spool, link)
        with monkeypatch.context() as broken:
            # A transaction that fails and is tried again keeps it once, in its place.
            broken.setattr(rows, "add_totals", lambda *_: 1 / 0)
            for _ in range(2):
                with pytest.raises(ZeroDivisionError):
                    drainer.step()
        drain_all(drainer)
        assert agreed(database) == 2
        (bad,) = folder.glob(f"*{quarantine.SUFFIX}")
        (path,) = folder.glob("*.seg")
        assert bad.read_bytes()[segment.HEADER_SIZE :].strip(b"\0") == path.read_bytes()[begin:end].rstrip(b"\0")

    def test_a_segment_that_cannot_be_set_aside_holds_up_no_other(
        self,
        database: Database,
        spool: Spool,
        drainer: Drainer,
        folder: Path,
        database_id: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        link = make_link(database)
        write_segment(folder, replace(new_header(database_id), created_ms=1), b"torn")
        put(spool, link, 5)
        with monkeypatch.context() as full:
            full.setattr(quarantine, "_tell", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
            for _ in range(2):
                with pytest.raises(OSError, match="No space"):
                    drainer.step()
        assert count(database) == 5
        drain_all(drainer)
        assert len(list(folder.glob(f"*{quarantine.SUFFIX}"))) == 1


class TestWriters:
    def test_a_reader_beside_a_writing_process(
        self, database: Database, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        """Nothing is quarantined and everything is counted once, over several segments."""
        link, clicks = make_link(database), 20_000
        program = (
            "import sys; from pathlib import Path; from shortener.clicks.spool import Spool;"
            "spool = Spool(Path(sys.argv[1]), bytes.fromhex(sys.argv[2])); payload = bytes.fromhex(sys.argv[3]);"
            f"assert all([spool.append(payload) for _ in range({clicks})]); spool.close()"
        )
        payload = frames.encode(click_on(link, now_ms(), user_agent="x" * 200))
        arguments = [str(folder), database_id.hex(), payload.hex()]
        writer = subprocess.Popen([sys.executable, "-c", program, *arguments])
        while writer.poll() is None:
            drainer.step()
        assert writer.returncode == 0
        drain_all(drainer)
        assert agreed(database) == clicks
        assert list(folder.glob(f"*{quarantine.SUFFIX}")) == []

    def test_two_drainers_beside_a_writer(
        self, database: Database, spool: Spool, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As where the file system's locks do not work: both are elected, and the mark decides."""
        monkeypatch.setattr(supply, "SMALL_SIZE", 50_000)
        monkeypatch.setattr(supply, "LARGE_SIZE", 50_000)
        link = make_link(database)
        drainers = [Drainer(folder, database, database_id) for _ in range(2)]
        monkeypatch.setattr(Drainer, "elected", lambda _: True)
        with running(drainers[0]), running(drainers[1]):
            for _ in range(50):
                put(spool, link, 60)
            eventually(lambda: raw_rows(database) >= 3000, 30)
        for each in drainers:
            drain_all(each)
            assert each.fault is None
            each.close()
        assert agreed(database) == 3000

    def test_a_worker_that_was_killed_while_making_a_segment(self, drainer: Drainer, folder: Path) -> None:
        living = segment.Segment(folder_of(folder), bytes(16), 1000)
        dead = segment.Segment(folder, bytes(16), 1000)
        dead.close()
        fresh = segment.Segment(folder, bytes(16), 1000)
        fresh.close()
        for each in (living, dead):
            os.utime(each.path, (1, 1))
        drainer.step()
        assert living.path.exists()
        assert not dead.path.exists()
        assert fresh.path.exists()
        living.discard()

    def test_a_worker_that_was_killed_without_a_click(
        self, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        unused = segment.create(folder_of(folder), database_id, 1000)
        drainer.step()
        assert unused.path.exists()
        unused.close()
        drainer.step()
        assert not unused.path.exists()

    def test_what_is_drained_takes_no_more_room_than_it_needs(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path
    ) -> None:
        put(spool, make_link(database), 10)
        spool.close()
        end = spool._offset
        drain_all(drainer)
        (path,) = folder.glob("*.seg")
        assert path.stat().st_size == end

    def test_deleted_and_reissued_ids(self, database: Database, spool: Spool, drainer: Drainer) -> None:
        """A click names its link by id and nonce, since a restored database may give the id to another link."""
        link = make_link(database)
        put(spool, link, 2)
        put(spool, replace(link, nonce=link.nonce ^ 1), 3)
        put(spool, replace(link, id=4711), 1)
        drain_all(drainer)
        assert (count(database, link.id), count(database, UNATTRIBUTED_ID)) == (2, 4)


class TestTheFolder:
    def test_it_may_be_removed(self, database: Database, drainer: Drainer, folder: Path, database_id: bytes) -> None:
        link = make_link(database)
        with running(drainer):
            for total in (3, 6):
                spool = Spool(folder, database_id)
                put(spool, link, 3)
                eventually(lambda total=total: count(database) == total)  # type: ignore[misc]
                shutil.rmtree(folder)
                spool.close()
            eventually(lambda: condition(folder) is None)

    def test_what_is_open_is_drained_although_its_name_is_gone(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path
    ) -> None:
        link = make_link(database)
        put(spool, link)
        drain_all(drainer)
        put(spool, link, 2)
        shutil.rmtree(folder)
        drain_all(drainer)
        assert agreed(database) == 3

    def test_old_segments_go_first_where_room_is_needed(
        self, database: Database, folder: Path, database_id: bytes
    ) -> None:
        link, size = make_link(database), 100_000
        paths = []
        for number in range(8):
            header = replace(new_header(database_id), created_ms=number)
            clicks = [frame.seal(frames.encode(click_on(link, now_ms())), header.seed)] * (size // 200)
            paths.append(write_segment(folder, header, b"".join(clicks)))
        total = sum(path.stat().st_blocks * 512 for path in paths)
        bounds = Room(most_bytes=total, least_free_bytes=0)
        drainer = Drainer(folder, database, database_id, bounds)
        drain_all(drainer)
        drainer.step()
        left = [path for path in paths if path.exists()]
        # Down to half of it, the oldest first, and only what has been drained.
        assert left == paths[-len(left) :]
        assert 0 < sum(path.stat().st_blocks * 512 for path in left) <= total / 2
        assert agreed(database) == 8 * (size // 200)
        drainer.close()


class TestTheDatabase:
    def test_a_commit_whose_answer_is_lost(
        self, database: Database, spool: Spool, drainer: Drainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(spool, make_link(database), 5)
        write = database.write

        @contextmanager
        def deaf() -> Iterator[engine_module.Connection]:
            with write() as connection:
                yield connection
            raise errors.DatabaseUnavailable

        with monkeypatch.context() as broken:
            broken.setattr(database, "write", deaf)
            with pytest.raises(errors.DatabaseUnavailable):
                drainer.step()
        assert count(database) == 5
        drain_all(drainer)
        assert agreed(database) == 5

    def test_commits_are_in_the_order_of_ids(self, database: Database) -> None:
        """Whoever takes ids first commits first: else a reader would pass over what commits late with lower ids."""
        taken: list[int] = []
        begun, done = threading.Event(), threading.Event()

        def second() -> None:
            begun.set()
            with database.write() as connection:
                taken.append(rows.take_ids(connection, 10))
            done.set()

        thread = threading.Thread(target=second)
        with database.write() as connection:
            first = rows.take_ids(connection, 10)
            thread.start()
            begun.wait()
            # It cannot have any before this transaction ends.
            assert not done.wait(0.3)
        thread.join()
        assert taken == [first + 10]

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_a_locked_database(
        self, database_url: str, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 50)
        other, mine = Database(database_url), Database(database_url)
        link = make_link(other)
        spool, drainer = Spool(folder, database_id), Drainer(folder, mine, database_id)
        with running(drainer):
            with other.write():
                put(spool, link, 5)
                eventually(lambda: drainer.fault is not None)
                eventually(lambda: (condition(folder) or "").startswith("Clicks cannot be counted:"))
            released = time.monotonic()
            eventually(lambda: count(other) == 5)
            assert time.monotonic() - released < 2 * drainer_module.BACKOFF_SECONDS[1]
            eventually(lambda: condition(folder) is None)
        assert condition(folder) is None
        spool.close()
        drainer.close()
        assert condition(folder) == "The drainer is not running."
        for each in (other, mine):
            each.close()


def test_postgresql_restarted_at_once(tmp_path: Path) -> None:
    """While it drains: it goes on within about a second, and each click is counted once."""
    server = Postgres(durable=True)
    database = Database(server.url("postgres"))
    try:
        migration.upgrade(database)
        link, folder = make_link(database), tmp_path / "spool"
        spool, drainer = Spool(folder, id_of(database)), Drainer(folder, database, id_of(database))
        with running(drainer):
            for times in range(1, 4):
                put(spool, link, 3000)
                eventually(lambda times=times: progress(database) > (times - 1) * 3000, 20)  # type: ignore[misc]
                server.restart()
                back = time.monotonic()
                put(spool, link, 1)
                eventually(lambda times=times: progress(database) > (times - 1) * 3000 + 1000, 20)  # type: ignore[misc]
                assert time.monotonic() - back < 5
            eventually(lambda: count(database) == 9003, 30)
        assert agreed(database) == 9003
        spool.close()
        drainer.close()
    finally:
        database.close()
        server.stop()


def progress(database: Database) -> int:
    """How many clicks are drained; 0 while the database cannot be asked."""
    try:
        return count(database)
    except errors.DatabaseUnavailable:
        return 0


def folder_of(folder: Path) -> Path:
    """The folder, made."""
    folder.mkdir(exist_ok=True)
    return folder
