"""Erasing: clicks go as if they had never been, from everywhere, in any state, and all sums agree at every moment."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select

from shortener import metrics
from shortener.clicks import frame
from shortener.clicks.drainer import Drainer
from shortener.clicks.erasing import Eraser
from shortener.clicks.labels import Labels
from shortener.clicks.spool import Spool
from shortener.domain import period
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, Link
from shortener.services import erasing as service
from shortener.services import history, links
from shortener.storage import clicks as rows
from shortener.storage import erasing, folding
from shortener.storage.click_tables import (
    click,
    click_breakdown,
    click_breakdown_month,
    click_inbox,
    click_series,
    erased,
    label,
    link_total,
    visitor_day,
)
from shortener.storage.engine import Database
from tests import frames, sums
from tests.clicks import age_link, click_on, drain, fold_all, make_link
from tests.frames import Click
from tests.sizes import IS_NIGHTLY, nightly, size
from tests.spools import count, drain_all, now_ms, put, raw_rows
from tests.storage.test_pruning import at, prune_all, today

TABLES = (click, click_series, click_breakdown, click_breakdown_month, link_total, visitor_day)


def old_link(database: Database) -> Link:
    made = make_link(database)
    age_link(database, made, 400)
    return made


def rows_of(database: Database, link_id: int) -> dict[str, int]:
    """How many rows each table has of a link, where it has any."""
    with database.read() as connection:
        found = {table.name: _count(connection, table, link_id) for table in TABLES}
    return {name: number for name, number in found.items() if number}


def _count(connection: object, table: Table, link_id: int) -> int:
    query = select(func.count()).select_from(table).where(table.c.link_id == link_id)
    return int(connection.execute(query).scalar_one())  # type: ignore[attr-defined]


def erase(database: Database, link: Link) -> int:
    done = service.of_link(database, link.code, actor="test")
    assert done.is_finished
    return done.clicks


def pending(database: Database) -> int:
    with database.read() as connection:
        return len(erasing.pending(connection))


class TestWhatGoes:
    @pytest.mark.parametrize("folded", [None, 3, 0], ids=["all folded", "some folded", "nothing folded"])
    @pytest.mark.parametrize("keep_days", [400, 20], ids=["with raw clicks", "pruned"])
    def test_everything_of_a_link_and_nothing_else(
        self, database: Database, folded: int | None, keep_days: int
    ) -> None:
        link, other = old_link(database), old_link(database)
        clicks = [
            click_on(
                each,
                at(ago, 5),
                visitor_hash=number,
                salt_day=today() - ago % 2,
                referrer=f"https://r{ago % 2}.example",
                utm={"utm_source": "mail"} if ago else {},
            )
            for number, each in enumerate((link, other, link), 1)
            for ago in (0, 1, 30, 300)
        ]
        drain(database, clicks)
        if folded != 0:
            fold_all(database, upto=folded)
        prune_all(database, keep_days)
        before = rows_of(database, other.id)
        assert erase(database, link) == 8
        assert rows_of(database, link.id) == {}
        assert rows_of(database, other.id) == before
        assert (count(database), count(database, other.id)) == (4, 4)
        sums.hold(database)
        fold_all(database)
        sums.hold(database)
        assert links.get(database, link.code).clicks == 0

    def test_orphans_are_on_no_domain(self, database: Database) -> None:
        link = old_link(database)
        drain(database, [Click(at(ago), None, 0, f"/{ago}") for ago in (0, 1, 100)] + [click_on(link, at(0))])
        fold_all(database)
        prune_all(database, 50)
        assert service.of_orphans(database, actor="test") == service.Erased(3, True)
        assert rows_of(database, ORPHANS_ID) == {}
        assert count(database, link.id) == count(database) == 1
        sums.hold(database)

    def test_the_unattributed_stay(self, database: Database) -> None:
        link = make_link(database)
        drain(database, [Click(now_ms(), link.id, link.nonce ^ 1, "x"), click_on(link, now_ms())])
        assert erase(database, link) == 1
        assert count(database, UNATTRIBUTED_ID) == 1

    def test_clicks_whose_time_lies_ahead_go_too(self, database: Database) -> None:
        """A clock may be five minutes ahead, and that may be tomorrow."""
        link = make_link(database)
        drain(database, [click_on(link, now_ms() + period.DAY_MS)])
        assert erase(database, link) == 1
        assert rows_of(database, link.id) == {}
        sums.hold(database)

    def test_twice_is_once(self, database: Database) -> None:
        link = make_link(database)
        drain(database, [click_on(link, now_ms())])
        assert [erase(database, link), erase(database, link)] == [1, 0]
        entries = history.versions(database, link.code, limit=9, cursor=None).items
        assert [entry.kind for entry in entries] == ["clicks-erased", "link-created"]
        assert (entries[0].actor, entries[0].version, entries[0].diff) == ("test", 1, {"clicks": [1, 0]})

    def test_many_clicks_go_in_steps(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(erasing, "STEP", 3)
        link, other = old_link(database), old_link(database)
        drain(database, [click_on(each, at(ago)) for ago in (90, 5, 0) for each in [link] * 4 + [other]])
        fold_all(database, upto=9)
        prune_all(database, 30)
        with database.write() as connection:
            erasure, number = erasing.begin(connection, link.id, 1, now_ms())
        assert number == 12
        left = []
        for _ in erasing.steps(database, erasure):
            sums.hold(database)
            left.append(count(database, link.id))
        # Of the oldest day only sums are left, which go at once; the end of a day is looked for.
        assert left == [8, 5, 4, 4, 1, 0, 0]
        assert pending(database) == 0
        assert count(database) == 3


class TestMeanwhile:
    def test_clicks_that_come_later_stay(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also those of the same quarter of an hour, while it is being erased."""
        monkeypatch.setattr(erasing, "STEP", 2)
        link = make_link(database)
        facts = {"visitor_hash": 7, "salt_day": today()}
        drain(database, [click_on(link, now_ms(), **facts) for _ in range(5)])
        with database.write() as connection:
            erasure, _ = erasing.begin(connection, link.id, 1, now_ms())
        steps = erasing.steps(database, erasure)
        next(steps)
        later = max(erasure.until_ms + 1, now_ms())
        drain(database, [click_on(link, later, **facts), click_on(link, later, **facts)])
        fold_all(database)
        for _ in steps:
            sums.hold(database)
        assert count(database, link.id) == raw_rows(database) == 2
        found = links.get(database, link.code)
        # The visitor has not been here before.
        assert (found.clicks, found.unique) == (2, 1)
        sums.hold(database)

    def test_clicks_on_their_way_are_dropped(self, database: Database, spool: Spool, drainer: Drainer) -> None:
        link, other = make_link(database), make_link(database)
        for each in (link, link, other):
            put(spool, each)
        assert spool.append(frames.encode(Click(now_ms(), None, 0, "/erased")))
        dropped, surplus = metrics.CLICKS_ERASED._value.get(), metrics.ORPHANS_DROPPED._value.get()
        erase(database, link)
        service.of_orphans(database, actor="test")
        until = max(_until(database, link.id), _until(database, ORPHANS_ID))
        for each in (link, other):
            assert spool.append(frames.encode(click_on(each, until + 1)))
        drain_all(drainer)
        assert [count(database, each) for each in (link.id, other.id, ORPHANS_ID, INSTANCE_ID)] == [1, 2, 0, 3]
        assert metrics.CLICKS_ERASED._value.get() - dropped == 3
        assert metrics.ORPHANS_DROPPED._value.get() == surplus
        sums.hold(database)

    def test_so_are_those_in_the_inbox(self, database: Database, drainer: Drainer) -> None:
        link = make_link(database)
        body = bytes([frame.VERSION]) + frames.encode(click_on(link, now_ms()))
        with database.write() as connection:
            connection.execute(click_inbox.insert(), [{"frame": body}, {"frame": body}])
        erase(database, link)
        drain_all(drainer)
        assert (count(database, link.id), raw_rows(database)) == (0, 0)
        with database.read() as connection:
            assert connection.execute(select(click_inbox)).all() == []

    def test_a_click_just_after_is_counted(self, database: Database) -> None:
        link = make_link(database)
        erase(database, link)
        until = _until(database, link.id)
        drain(database, [click_on(link, until), click_on(link, until + 1)])
        assert count(database, link.id) == 1

    def test_dropped_clicks_leave_no_labels(self, database: Database) -> None:
        link = make_link(database)
        erase(database, link)
        drain(database, [click_on(link, now_ms() - 1000, referrer="https://secret.example")], Labels())
        with database.read() as connection:
            assert connection.execute(select(label)).all() == []


def _until(database: Database, link_id: int) -> int:
    with database.read() as connection:
        return int(connection.execute(select(erased.c.until_ms).where(erased.c.link_id == link_id)).scalar_one())


class TestReplay:
    def test_a_restored_database_does_not_get_them_back(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        """Restored from a backup after the erasing, it lacks marks, and reads kept segments again."""
        link, other = make_link(database), make_link(database)
        put(spool, link, 3)
        put(spool, other, 2)
        drain_all(drainer)
        erase(database, link)
        # What a backup would have of the second link: nothing, and no mark.
        erase(database, other)
        with database.write() as connection:
            connection.execute(erased.delete().where(erased.c.link_id == other.id))
            connection.exec_driver_sql("DELETE FROM spool_mark")
        drainer.close()
        again = Drainer(folder, database, database_id)
        drain_all(again)
        again.close()
        assert (count(database, link.id), count(database, other.id)) == (0, 2)
        sums.hold(database)


class TestCrashes:
    @pytest.mark.parametrize("done", [0, 1, 2, 3, 4])
    def test_the_drainer_finishes_what_was_begun(
        self, database: Database, drainer: Drainer, monkeypatch: pytest.MonkeyPatch, done: int
    ) -> None:
        monkeypatch.setattr(erasing, "STEP", 2)
        link = old_link(database)
        drain(database, [click_on(link, at(ago)) for ago in (0, 0, 0, 200)])
        fold_all(database)
        prune_all(database, 30)
        with database.write() as connection:
            erasure, _ = erasing.begin(connection, link.id, 1, now_ms())
        for _ in islice(erasing.steps(database, erasure), done):
            pass
        assert pending(database) == 1
        while pending(database):
            drainer.step()
            sums.hold(database)
        assert rows_of(database, link.id) == {}

    def test_whoever_waits_is_not_kept_for_ever(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "_PATIENCE_SECONDS", -1.0)
        monkeypatch.setattr(erasing, "STEP", 1)
        link = make_link(database)
        drain(database, [click_on(link, now_ms()) for _ in range(3)])
        assert service.of_link(database, link.code, actor="test") == service.Erased(3, False)
        assert service.of_link(database, link.code, actor="test") == service.Erased(2, False)
        # It is one erasing.
        kinds = [entry.kind for entry in history.versions(database, link.code, limit=9, cursor=None).items]
        assert kinds == ["clicks-erased", "link-created"]
        eraser = Eraser(database)
        while pending(database):
            eraser.step()
        assert rows_of(database, link.id) == {}

    def test_a_failure_is_not_the_end(self, database: Database) -> None:
        link = make_link(database)
        drain(database, [click_on(link, now_ms())])
        with database.write() as connection:
            erasing.begin(connection, link.id, 1, now_ms())
        eraser = Eraser(database)

        def failing() -> object:
            raise OSError("the disk is away")
            yield

        eraser._steps = failing()  # type: ignore[assignment]
        with pytest.raises(OSError, match="away"):
            eraser.step()
        while pending(database):
            eraser.step()
        assert rows_of(database, link.id) == {}

    def test_two_at_once_take_nothing_twice(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(erasing, "STEP", 2)
        link, other = old_link(database), old_link(database)
        drain(database, [click_on(each, at(ago)) for ago in (0, 3, 60) for each in (link, other, link, link)])
        fold_all(database)
        prune_all(database, 30)
        with database.write() as connection:
            erasure, _ = erasing.begin(connection, link.id, 1, now_ms())
        first, second = (erasing.steps(database, erasure) for _ in range(2))
        for _ in zip(first, second, strict=False):
            sums.hold(database)
        assert pending(database) == 0
        assert (count(database, link.id), count(database)) == (0, 3)


actions = st.one_of(
    st.tuples(
        st.just("click"),
        st.integers(0, 2),
        st.sampled_from([0, 0, 1, 2, 29, 31, 33, 200]),
        st.integers(0, 2),
        st.sampled_from(["", "https://a.example", "https://b.example"]),
        st.integers(1, 4),
    ),
    st.tuples(st.just("fold"), st.sampled_from([1, 2, 100])),
    st.tuples(st.just("prune"), st.sampled_from([1, 30, 32])),
    st.tuples(st.just("erase"), st.integers(0, 2)),
    st.tuples(st.just("erase in part"), st.integers(0, 2), st.integers(0, 3)),
)


@nightly
@settings(
    max_examples=size(25, 2_000),
    deadline=None,
    derandomize=not IS_NIGHTLY,
    # One database for all examples: what earlier ones left in it must agree too.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(actions, min_size=1, max_size=14))
def test_whatever_happens_all_sums_agree(database: Database, what: list[tuple[Any, ...]]) -> None:
    """Any sequence of clicks, foldings, prunings and erasings; and a model knows how many clicks there are."""
    owners: list[Link | None] = [old_link(database), old_link(database), None]
    ids = [*(owner.id for owner in owners if owner), ORPHANS_ID]
    with database.read() as connection:
        until = [-1, -1, rows.erased_ms(connection, ORPHANS_ID)]
    left = [0, 0, count(database, ORPHANS_ID)]
    for action, *facts in what:
        which = facts[0]
        if action == "click":
            _, ago, visitor, referrer, times = facts
            time_ms = at(ago, 1) if ago else max(now_ms(), until[which] + 1)
            drain(database, [_made(owners[which], time_ms, visitor, referrer)] * times)
            left[which] += times if time_ms > until[which] else 0
        elif action == "fold":
            _fold_some(database, which)
        elif action == "prune":
            prune_all(database, which)
        else:
            with database.write() as connection:
                erasure, number = erasing.begin(connection, ids[which], 1, max(now_ms(), until[which] + 1))
            assert number >= left[which]
            left[which], until[which] = 0, erasure.until_ms
            for _ in islice(erasing.steps(database, erasure), facts[1] if len(facts) > 1 else None):
                pass
        sums.hold(database)
    eraser = Eraser(database)
    while pending(database):
        eraser._next = 0.0
        eraser.step()
    sums.hold(database)
    assert [count(database, link_id) for link_id in ids] == left


def _made(owner: Link | None, time_ms: int, visitor: int, referrer: str) -> Click:
    facts: dict[str, Any] = {"visitor_hash": visitor, "salt_day": today(), "referrer": referrer}
    if owner is None:
        return Click(time_ms, None, 0, "/nothing", **facts)
    return click_on(owner, time_ms, **facts)


def _fold_some(database: Database, clicks: int) -> None:
    with database.read() as connection:
        mark, last = min(folding.marks(connection).values()), rows.last_id(connection)
    fold_all(database, upto=min(mark + clicks, last))
