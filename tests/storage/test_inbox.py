"""The inbox on both databases: each click in it is counted once, whoever empties it, and none stops another."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from shortener.clicks import enrich, frame, quarantine, segment
from shortener.clicks.drainer import BATCH, Drainer
from shortener.clicks.spool import Spool
from shortener.domain.link import Link
from shortener.storage import clicks as rows
from shortener.storage.click_tables import click_inbox
from shortener.storage.engine import Database
from tests import frames
from tests.clicks import click_on, make_link
from tests.server import eventually
from tests.spools import agreed, count, drain_all, now_ms, put, raw_rows

pytestmark = pytest.mark.usefixtures("settled")

UNKNOWN = b"\x63" + b"of a later version"
#: By name: what may stand in the inbox and is no click.
UNREADABLE = {"of another version": UNKNOWN, "cut": b"\x02\0\0", "empty": b"", "of chance": b"\x02" + b"\xff" * 80}


def body(link: Link, **facts: object) -> bytes:
    return frame.body_of(frames.encode(click_on(link, now_ms(), **facts)))


def commit(database: Database, bodies: Sequence[bytes]) -> None:
    with database.write() as connection:
        connection.execute(insert(click_inbox), [{"frame": each} for each in bodies])


def left(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(click_inbox)).scalar_one())


def bad_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{quarantine.SUFFIX}"))


@pytest.mark.parametrize("times", [1, 10, 2 * BATCH + 500])
def test_what_is_in_it_is_counted_once(database: Database, drainer: Drainer, times: int) -> None:
    link = make_link(database)
    commit(database, [body(link)] * times)
    drain_all(drainer)
    drain_all(drainer)
    assert left(database) == 0
    assert count(database, link.id) == raw_rows(database) == agreed(database) == times


def test_an_empty_one_is_nothing_to_drain(drainer: Drainer) -> None:
    assert not drainer.step()


def test_it_is_drained_beside_the_spool(database: Database, spool: Spool, drainer: Drainer) -> None:
    link = make_link(database)
    put(spool, link, 20)
    commit(database, [body(link)] * 10)
    assert drainer.step()
    assert count(database, link.id) == agreed(database) == 30


def test_a_click_of_before_an_upgrade(database: Database, drainer: Drainer) -> None:
    link = make_link(database)
    commit(database, [frames.encode_without_variant(click_on(link, now_ms()))])
    drain_all(drainer)
    assert count(database, link.id) == 1


def test_visitors_and_labels_are_those_of_the_spool(database: Database, spool: Spool, drainer: Drainer) -> None:
    """A visitor who came by the spool is not new in the inbox."""
    link = make_link(database)
    put(spool, link, visitor_hash=1, referrer="https://a.example")
    drain_all(drainer)
    commit(database, [body(link, visitor_hash=number, referrer="https://a.example") for number in (1, 2)])
    drain_all(drainer)
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT first, referrer FROM click ORDER BY id").all()
    assert [row.first for row in found] == [1, 0, 1]
    assert len({row.referrer for row in found}) == 1


@pytest.mark.process
def test_drainers_of_several_nodes_double_nothing(database: Database, folder: Path, database_id: bytes) -> None:
    link = make_link(database)
    commit(database, [body(link)] * (4 * BATCH))
    drainers = [Drainer(folder / str(node), database, database_id) for node in range(3)]
    threads = [threading.Thread(target=drain_all, args=(drainer,)) for drainer in drainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for drainer in drainers:
        drain_all(drainer)
        drainer.close()
    assert left(database) == 0
    assert count(database, link.id) == raw_rows(database) == agreed(database) == 4 * BATCH


def test_a_failed_transaction_leaves_it_as_it_was(
    database: Database, drainer: Drainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make_link(database)
    commit(database, [body(link, utm={"utm_term": "new"})] * 5)

    def fail(*_: object) -> None:
        raise OSError("killed here")

    with monkeypatch.context() as broken:
        broken.setattr(rows, "remove_from_inbox", fail)
        with pytest.raises(OSError, match="killed here"):
            drainer.step()
    assert (count(database), raw_rows(database), left(database)) == (0, 0, 5)
    drain_all(drainer)
    assert (agreed(database), raw_rows(database), left(database)) == (5, 5, 0)


def test_statistics_are_at_most_two_seconds_behind(database: Database, drainer: Drainer) -> None:
    link, stop = make_link(database), threading.Event()
    thread = threading.Thread(target=drainer.run, args=(stop,))
    thread.start()
    try:
        eventually(drainer.elected)
        for number in (1, 2):
            began = time.monotonic()
            commit(database, [body(link)])
            eventually(lambda number=number: count(database, link.id) == number)  # type: ignore[misc]
            assert time.monotonic() - began < 2
    finally:
        stop.set()
        thread.join()


class TestUnreadable:
    @pytest.mark.parametrize("bad", UNREADABLE.values(), ids=list(UNREADABLE))
    def test_it_stops_nobody_and_is_not_lost(
        self, database: Database, drainer: Drainer, folder: Path, database_id: bytes, bad: bytes
    ) -> None:
        link = make_link(database)
        commit(database, [body(link), bad, body(link), bad])
        drain_all(drainer)
        assert (count(database, link.id), left(database)) == (2, 0)
        kept = [path.read_bytes() for path in bad_files(folder)]
        assert len(kept) == 2
        for content in kept:
            header = segment.unpack_header(content)
            assert header is not None
            assert header.database_id == database_id
            assert content[segment.HEADER_SIZE :] == frame.seal_body(bad, header.seed)

    def test_nothing_else_is_in_the_inbox(self, database: Database, drainer: Drainer, folder: Path) -> None:
        commit(database, [UNKNOWN] * 3)
        assert drainer.step()
        assert not drainer.step()
        assert len(bad_files(folder)) == 3

    def test_what_could_not_be_removed_is_set_aside_once(
        self, database: Database, drainer: Drainer, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(database, [UNKNOWN])

        def fail(*_: object) -> None:
            raise OSError("killed here")

        with monkeypatch.context() as broken:
            broken.setattr(rows, "remove_from_inbox", fail)
            with pytest.raises(OSError, match="killed here"):
                drainer.step()
        drain_all(drainer)
        assert left(database) == 0
        assert len(bad_files(folder)) == 1

    def test_what_cannot_be_set_aside_stays(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        """And holds up no segment."""
        link = make_link(database)
        commit(database, [UNKNOWN])
        drain_all(drainer)
        (path,) = bad_files(folder)
        # A folder of the name that the next one will have stands for a disk that takes nothing.
        following = _name_of(database_id, row_id=2)
        (folder / following).mkdir()
        commit(database, [UNKNOWN, body(link)])
        put(spool, link, 3)
        with pytest.raises(IsADirectoryError):
            drainer.step()
        assert (count(database, link.id), left(database)) == (3, 2)
        (folder / following).rmdir()
        drain_all(drainer)
        assert (count(database, link.id), left(database)) == (4, 0)
        assert [each.name for each in bad_files(folder)] == sorted([path.name, following])

    def test_a_later_version_drains_it_and_only_once(
        self, database: Database, drainer: Drainer, folder: Path, unreadable: pytest.MonkeyPatch
    ) -> None:
        """Given a segment's name, twice."""
        link = make_link(database)
        commit(database, [body(link)])
        drain_all(drainer)
        (path,) = bad_files(folder)
        assert count(database, link.id) == 0
        unreadable.undo()
        content = path.read_bytes()
        for name in ("first", "second"):
            (folder / f"{name}{segment.SUFFIX}").write_bytes(content)
            drain_all(drainer)
        assert count(database, link.id) == agreed(database) == 1


def _name_of(database_id: bytes, row_id: int) -> str:
    """The name of the file in which a row would be set aside."""
    from hashlib import blake2b

    identity = blake2b(database_id + row_id.to_bytes(8, "little"), digest_size=16).hexdigest()
    return f"inbox-{identity}{quarantine.SUFFIX}"


@pytest.fixture
def unreadable() -> Iterator[pytest.MonkeyPatch]:
    """No click can be read until this is undone."""

    def fail(_: object, body: bytes) -> None:
        raise frame.UnknownVersion(f"frame version {body[0]}")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(enrich.Enricher, "click", fail)
        yield patched
