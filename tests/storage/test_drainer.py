"""The drainer on real databases: exactly once, whatever dies; nothing is lost that can be read."""

import os
import threading
from pathlib import Path

import pytest
import sqlalchemy
import time_machine

from shortener import metrics
from shortener.clicks import segment
from shortener.clicks.drainer import Drainer
from shortener.clicks.kept import KEEP_SECONDS
from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.domain import period
from shortener.domain.click import MAX_AHEAD_MS, OTHER_LABEL, ClickClass, Dimension
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID
from shortener.storage import clicks as rows
from shortener.storage import folding
from shortener.storage.click_tables import click as click_table
from shortener.storage.click_tables import click_breakdown, click_breakdown_month, label, link_total, visitor_day
from shortener.storage.engine import Database
from tests import frames
from tests.clicks import click_on, drain, fold_all, make_link
from tests.frames import Click
from tests.server import eventually
from tests.spools import agreed, count, drain_all, now_ms, put, raw_rows

pytestmark = pytest.mark.usefixtures("settled")


def test_what_is_spooled_is_counted_once(database: Database, spool: Spool, drainer: Drainer) -> None:
    link = make_link(database)
    for times in (1, 10, 2500):
        put(spool, link, times)
        drain_all(drainer)
        drain_all(drainer)
    assert count(database, link.id) == count(database) == raw_rows(database) == agreed(database) == 2511


def test_a_new_drainer_goes_on_where_the_last_one_stopped(
    database: Database, spool: Spool, folder: Path, database_id: bytes
) -> None:
    link = make_link(database)
    for _ in range(3):
        put(spool, link, 700)
        fresh = Drainer(folder, database, database_id)
        drain_all(fresh)
        fresh.close()
    assert count(database, link.id) == 2100


def test_two_drainers_double_nothing(database: Database, spool: Spool, folder: Path, database_id: bytes) -> None:
    """Both read the same segment, as after a split brain; the mark lets only one of them write each frame."""
    link = make_link(database)
    put(spool, link, 3000)
    drainers = [Drainer(folder, database, database_id) for _ in range(2)]
    threads = [threading.Thread(target=drain_all, args=(drainer,)) for drainer in drainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for drainer in drainers:
        drain_all(drainer)
        drainer.close()
    assert count(database, link.id) == raw_rows(database) == agreed(database) == 3000


def test_one_is_elected(folder: Path, database: Database, database_id: bytes) -> None:
    first, second = (Drainer(folder, database, database_id) for _ in range(2))
    assert first.elected()
    assert not second.elected()
    first.close()
    assert second.elected()
    second.close()


def test_a_failed_transaction_leaves_nothing(
    database: Database, spool: Spool, drainer: Drainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make_link(database)
    put(spool, link, 5)

    def fail(*_: object) -> None:
        raise OSError("killed here")

    with monkeypatch.context() as broken:
        broken.setattr(rows, "add_totals", fail)
        with pytest.raises(OSError, match="killed here"):
            drainer.step()
    assert (count(database), raw_rows(database)) == (0, 0)
    drain_all(drainer)
    assert (count(database), raw_rows(database)) == (5, 5)


@pytest.mark.parametrize("fault", [KeyError("unforeseen"), RuntimeError("library"), OSError("disk")])
def test_nothing_ends_the_drainer(
    database: Database, spool: Spool, drainer: Drainer, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    put(spool, make_link(database), 5)
    real, broken = rows.take_ids, threading.Event()
    broken.set()

    def fail_while_broken(*arguments: object) -> object:
        if broken.is_set():
            raise fault
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rows, "take_ids", fail_while_broken)
    stop = threading.Event()
    thread = threading.Thread(target=drainer.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: drainer.fault is not None)
        assert count(database) == 0
        broken.clear()
        eventually(lambda: count(database) == 5)
        eventually(lambda: drainer.fault is None)
    finally:
        stop.set()
        thread.join()


def test_a_click_that_cannot_be_enriched_is_counted_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shortener.clicks import enrich

    def fail(_user_agent: str) -> None:
        raise KeyError("a library's fault")

    monkeypatch.setattr(enrich, "agent", fail)
    link = make_link(database)
    # Of a browser that nobody has seen before.
    facts = {"user_agent": f"{database} {now_ms()}"}
    drain(
        database, [click_on(link, now_ms(), **facts), click_on(link, now_ms(), click_class=ClickClass.HUMAN, **facts)]
    )
    assert count(database, link.id) == 2


def test_a_segment_that_cannot_be_opened_holds_up_no_other(
    database: Database, spool: Spool, drainer: Drainer, folder: Path
) -> None:
    (folder / f"0{segment.SUFFIX}").mkdir()
    put(spool, make_link(database))
    drain_all(drainer)
    assert count(database) == 1


def dropped() -> float:
    return metrics.REGISTRY.get_sample_value("shortener_orphans_dropped_total") or 0.0


class TestOrphans:
    def test_of_a_day_only_so_many_are_stored_and_the_rest_is_told(
        self, database: Database, spool: Spool, folder: Path, database_id: bytes
    ) -> None:
        link, before = make_link(database), dropped()
        for _ in range(2):
            for index in range(8):
                spool.append(frames.encode(Click(now_ms(), None, 0, f"/{index}")))
            put(spool, link)
            bounded = Drainer(folder, database, database_id, orphans_per_day=10)
            drain_all(bounded)
            bounded.close()
        assert (count(database, link.id), count(database, ORPHANS_ID), raw_rows(database)) == (2, 10, 12)
        assert dropped() - before == 6

    def test_labels_of_a_failed_transaction_are_not_taken_for_those_of_one_that_stored_nothing(
        self, database: Database, spool: Spool, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two segments in one step: the first fails, the second holds nothing but orphans beyond the bound."""
        put(spool, make_link(database), referrer="https://new.example")
        later = Spool(folder, database_id)
        later.append(frames.encode(Click(now_ms(), None, 0, "/")))
        bounded = Drainer(folder, database, database_id, orphans_per_day=0)

        def fail(*_: object) -> None:
            raise OSError("killed here")

        with monkeypatch.context() as broken:
            broken.setattr(rows, "add_totals", fail)
            with pytest.raises(OSError, match="killed here"):
                bounded.step()
        drain_all(bounded)
        later.close()
        bounded.close()
        with database.read() as connection:
            used = sqlalchemy.select(label.c.text).join(click_table, click_table.c.referrer == label.c.id)
            assert connection.execute(used).scalars().all() == ["new.example"]


class TestOwners:
    def test_a_reissued_id_gets_none_of_the_old_clicks(self, database: Database) -> None:
        link = make_link(database)
        drain(database, [click_on(link, now_ms()), Click(now_ms(), link.id, link.nonce ^ 1, link.code)])
        assert count(database, link.id) == count(database) == 1
        assert count(database, UNATTRIBUTED_ID) == 1

    def test_a_link_that_never_was(self, database: Database) -> None:
        drain(database, [Click(now_ms(), 4711, 1, "x")])
        assert (count(database), count(database, UNATTRIBUTED_ID)) == (0, 1)

    def test_orphans_are_counted_apart(self, database: Database) -> None:
        drain(database, [Click(now_ms(), None, 0, "/nothing", user_agent="curl/8")])
        assert (count(database), count(database, ORPHANS_ID)) == (0, 1)


class TestClocks:
    @pytest.mark.parametrize("shift_ms", [-10 * period.DAY_MS, 10 * period.DAY_MS])
    def test_a_clock_that_is_wrong_is_corrected(self, database: Database, shift_ms: int) -> None:
        link = make_link(database)
        sent = now_ms()
        drain(database, [click_on(link, sent + shift_ms)])
        with database.read() as connection:
            stored = connection.execute(sqlalchemy.select(click_table.c.time_ms)).scalar_one()
        assert period.to_ms(link.created_at) <= stored <= now_ms() + MAX_AHEAD_MS


class TestUniques:
    def test_the_first_of_a_visitor_link_class_and_day(self, database: Database) -> None:
        link, other = make_link(database), make_link(database)
        clicks = [
            click_on(link, now_ms(), visitor_hash=1),
            click_on(link, now_ms(), visitor_hash=1),
            click_on(link, now_ms(), visitor_hash=2),
            click_on(other, now_ms(), visitor_hash=1),
            click_on(link, now_ms(), visitor_hash=1, click_class=ClickClass.BOT),
            click_on(link, now_ms(), visitor_hash=0),
        ]
        drain(database, clicks)
        drain(database, clicks)
        with database.read() as connection:
            totals = connection.execute(sqlalchemy.select(link_total).order_by(link_total.c.link_id)).all()
        counted = {(row.link_id, ClickClass(row._mapping["class"])): (row.clicks, row.unique) for row in totals}
        assert counted[link.id, ClickClass.HUMAN] == (8, 2)
        assert counted[link.id, ClickClass.BOT] == (2, 1)
        assert counted[other.id, ClickClass.HUMAN] == (2, 1)
        assert counted[INSTANCE_ID, ClickClass.HUMAN] == (10, 3)

    def test_a_click_that_comes_after_its_salt_is_gone_is_not_unique(self, database: Database) -> None:
        link = make_link(database)
        today = period.day_of(now_ms())
        drain(database, [click_on(link, now_ms(), visitor_hash=1, salt_day=today - 3)])
        with database.read() as connection:
            assert connection.execute(sqlalchemy.select(link_total.c.unique)).scalars().all() == [0, 0, 0]


class TestForgetting:
    def test_salts_and_visitors_go_after_two_days(self, database: Database, drainer: Drainer) -> None:
        link = make_link(database)
        salts = Salts(database)
        salts.refresh()
        today = period.day_of(now_ms())
        salt = salts.of(today)
        assert salt
        assert salts.of(today - 1) is None
        drain(database, [click_on(link, now_ms(), visitor_hash=1, salt_day=today)])
        drain_all(drainer)
        with database.read() as connection:
            assert len(connection.execute(sqlalchemy.select(visitor_day)).all()) == 1
        with time_machine.travel(period.from_ms((today + 3) * period.DAY_MS), tick=False):
            drainer._retention._next = 0
            drainer.step()
        with database.write() as connection:
            assert connection.execute(sqlalchemy.select(visitor_day)).all() == []
            # Whoever asks for that day's salt again gets another one.
            assert rows.salt(connection, today, b"other" * 4) != salt

    def test_many_visitors_go_in_steps(
        self, database: Database, drainer: Drainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from shortener.clicks import retention

        link, today = make_link(database), period.day_of(now_ms())
        clicks = [click_on(link, now_ms(), visitor_hash=number, salt_day=today) for number in range(1, 6)]
        drain(database, clicks)
        monkeypatch.setattr(retention, "STEP", 2)
        left = []
        with time_machine.travel(period.from_ms((today + 3) * period.DAY_MS), tick=False):
            for _ in range(3):
                drainer.step()
                with database.read() as connection:
                    left.append(len(connection.execute(sqlalchemy.select(visitor_day)).all()))
        assert left == [3, 1, 0]

    def test_workers_share_a_days_salt(self, database: Database) -> None:
        first, second = Salts(database), Salts(database)
        first.refresh()
        second.refresh()
        today = period.day_of(now_ms())
        assert first.of(today) == second.of(today)
        assert first.of(today) != first.of(today + 1)

    def test_drained_segments_stay_a_day(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path
    ) -> None:
        put(spool, make_link(database))
        spool.close()
        drain_all(drainer)
        (path,) = folder.glob("*.seg")
        drainer.step()
        assert path.exists()
        old = path.stat().st_mtime - KEEP_SECONDS - 1
        os.utime(path, (old, old))
        drainer.step()
        assert not path.exists()
        assert count(database) == 1


class TestLabels:
    def test_new_ones_are_limited_per_day_and_dimension(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from shortener.clicks import labels as module
        from shortener.clicks.labels import Labels

        monkeypatch.setattr(module, "NEW_PER_DAY", 3)
        monkeypatch.setattr(module, "KEPT", 2)
        link, labels = make_link(database), Labels()
        for number in range(6):
            drain(database, [click_on(link, now_ms(), referrer=f"https://r{number}.example")], labels)
            labels.publish()
        # A known label stays known, and codes of links are never refused.
        drain(database, [click_on(make_link(database), now_ms(), referrer="https://r0.example")], labels)
        with database.read() as connection:
            texts = set(connection.execute(sqlalchemy.select(label.c.text)).scalars())
            by_referrer = connection.execute(
                sqlalchemy.select(label.c.text, sqlalchemy.func.count())
                .join(click_table, click_table.c.referrer == label.c.id)
                .group_by(label.c.text)
            ).all()
        assert OTHER_LABEL in texts
        assert dict(tuple(row) for row in by_referrer) == {
            "r0.example": 2,
            "r1.example": 1,
            "r2.example": 1,
            OTHER_LABEL: 3,
        }


class TestFolding:
    def test_months_and_days_say_the_same(self, database: Database) -> None:
        link = make_link(database)
        drain(database, [click_on(link, now_ms(), language="de") for _ in range(7)])
        fold_all(database)
        with database.read() as connection:
            for table in (click_breakdown, click_breakdown_month):
                found = connection.execute(
                    sqlalchemy.select(table.c.link_id, table.c.clicks).where(
                        table.c.dimension == int(Dimension.LANGUAGE)
                    )
                ).all()
                assert sorted(tuple(row) for row in found) == [(-3, 7), (0, 7), (link.id, 7)]

    def test_folding_twice_counts_once(self, database: Database) -> None:
        drain(database, [click_on(make_link(database), now_ms())])
        with database.write() as connection:
            assert folding.fold(connection, Dimension.BROWSER, mark=0, upto=1)
        with database.write() as connection:
            assert not folding.fold(connection, Dimension.BROWSER, mark=0, upto=1)
            assert not folding.fold(connection, Dimension.BROWSER, mark=5, upto=6)

    def test_the_drainer_folds_what_waits(
        self, database: Database, spool: Spool, drainer: Drainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from shortener.clicks import fold

        put(spool, make_link(database), 12)
        drain_all(drainer)
        monkeypatch.setattr(fold, "STEP", 5)
        for _ in range(3):
            drainer.step()
        with database.read() as connection:
            assert set(folding.marks(connection).values()) == {12}


def test_marks_move_only_from_where_they_stand(database: Database) -> None:
    with database.write() as connection:
        assert rows.mark(connection, b"s") is None
        assert rows.advance_mark(connection, b"s", None, 64)
        assert not rows.advance_mark(connection, b"s", None, 64)
        assert not rows.advance_mark(connection, b"s", 32, 99)
        assert rows.advance_mark(connection, b"s", 64, 99)
        assert rows.mark(connection, b"s") == 99
