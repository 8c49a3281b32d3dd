"""Batches on both databases: no click can stop those beside it, whatever is in it."""

from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from shortener.clicks import batch
from shortener.clicks import labels as label_module
from shortener.clicks.labels import Labels
from shortener.domain import period
from shortener.domain.click import UTM_PARAMETERS, ClickClass, Dimension, Flag
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, Link
from shortener.domain.period import Asked
from shortener.services import stats
from shortener.services.stats import Question
from shortener.storage import clicks as rows
from shortener.storage.click_tables import click as click_table
from shortener.storage.click_tables import click_series, label
from shortener.storage.engine import Database
from tests.clicks import click_on, drain, enriched, fold_all, make_link
from tests.frames import Click
from tests.spools import agreed, count, now_ms, raw_rows

#: By name: facts of a click that a visitor, or a clock, may well have sent.
ODD: dict[str, dict[str, object]] = {
    "a browser with a NUL in its name": {"user_agent": "Googl\0ebot-Image/1.0"},
    "a browser of nothing but a NUL": {"user_agent": "\0"},
    "a lone surrogate everywhere": {"user_agent": "\ud800", "language": "\ud800", "referrer": "https://\ud800"},
    "the longest texts there are": {"user_agent": "😀" * 512, "referrer": f"https://{'é' * 504}"},
    "utm parameters of control characters": {"utm": dict.fromkeys(UTM_PARAMETERS, "\0\x1f\x85")},
    "utm parameters of the longest length": {"utm": dict.fromkeys(UTM_PARAMETERS, "\U0001f600" * 512)},
    "a referrer that is no address": {"referrer": "https://[::1"},
    "a network of no length that there is": {"network": b"\x01\x02\x03\x04"},
    "the last millisecond there is": {"time_ms": 2**64 - 1},
    "the first millisecond there is": {"time_ms": 0},
    "the longest hash": {"visitor_hash": 2**63 - 1},
    "a salt day that never comes": {"visitor_hash": 1, "salt_day": 2**32 - 1},
    "every flag": {"flags": Flag(255)},
    "a code with a NUL in it": {"code": "gr\0ün"},
    "a variant of nothing but a NUL": {"variant": "\0"},
    "a variant of the longest length": {"variant": "\U0001f600" * 512},
}


@pytest.mark.parametrize("facts", ODD.values(), ids=list(ODD))
def test_an_odd_click_counts_and_stops_nobody(database: Database, facts: dict[str, object]) -> None:
    link = make_link(database)
    time_ms = facts.get("time_ms", now_ms())
    assert isinstance(time_ms, int)
    others = {"salt_day": 0, **{name: fact for name, fact in facts.items() if name != "time_ms"}}
    drain(database, [click_on(link, now_ms()), click_on(link, time_ms, **others), click_on(link, now_ms())])
    fold_all(database)
    assert count(database, link.id) == raw_rows(database) == agreed(database) == 3


def test_a_hash_that_no_database_takes_is_no_click(database: Database) -> None:
    with pytest.raises(ValueError, match="hash"):
        enriched(click_on(make_link(database), now_ms(), visitor_hash=2**63))


def test_clicks_of_one_batch_may_have_everything_different(database: Database) -> None:
    links = [make_link(database) for _ in range(3)]
    clicks = [
        click_on(link, now_ms(), visitor_hash=number, click_class=kind, utm={"utm_term": str(number)})
        for number, (link, kind) in enumerate(((link, kind) for link in links for kind in ClickClass), 1)
    ]
    clicks += [Click(now_ms(), None, 0, "/nothing"), Click(now_ms(), 4711, 1, "gone")]
    drain(database, clicks)
    fold_all(database)
    assert count(database, INSTANCE_ID) == 15
    assert [count(database, link.id) for link in links] == [5, 5, 5]
    assert raw_rows(database) == 17


def test_a_batch_of_another_transaction_that_failed_leaves_nothing_behind(database: Database) -> None:
    """Labels that were made in it are made again, and its visitors are new again."""
    link, labels = make_link(database), Labels()
    clicks = [enriched(click_on(link, now_ms(), visitor_hash=1, utm={"utm_term": "never seen"}))]
    with suppress(InterruptedError), database.write() as connection:
        batch.write(connection, clicks, labels)
        raise InterruptedError
    assert raw_rows(database) == 0
    with database.write() as connection:
        batch.write(connection, clicks, labels)
    labels.publish()
    fold_all(database)
    assert count(database, link.id) == raw_rows(database) == agreed(database) == 1


class TestVariantsAndTriggers:
    @pytest.mark.parametrize("folded", [False, True])
    def test_clicks_are_broken_down_by_them(self, database: Database, *, folded: bool) -> None:
        link = make_link(database)
        drain(
            database,
            [
                click_on(link, now_ms(), variant="a", flags=Flag.QR, visitor_hash=1),
                click_on(link, now_ms(), variant="a", visitor_hash=1),
                click_on(link, now_ms(), variant="b", flags=Flag.QR | Flag.DO_NOT_TRACK),
                click_on(link, now_ms()),
            ],
        )
        if folded:
            fold_all(database)
        assert by(database, link, Dimension.VARIANT) == {"a": (2, 1), "b": (1, 0), None: (1, 0)}
        assert by(database, link, Dimension.TRIGGER) == {"qr": (2, 1), None: (2, 0)}

    def test_variants_of_own_links_are_not_bounded(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are their owner's choice; what comes with a link that is none is whatever anybody sends."""
        monkeypatch.setattr(label_module, "NEW_PER_DAY", 1)
        link = make_link(database)
        drain(database, [click_on(link, now_ms(), variant=f"v{number}") for number in range(5)])
        drain(database, [Click(now_ms(), 4711, 1, "x", variant=f"w{number}") for number in range(5)])
        with database.read() as connection:
            texts = set(connection.execute(select(label.c.text)).scalars())
        assert {f"v{number}" for number in range(5)} <= texts
        assert len({f"w{number}" for number in range(5)} & texts) == 1


def by(database: Database, link: Link, dimension: Dimension) -> dict[str | None, tuple[int, int]]:
    """Clicks and uniques of a link by the values of a dimension, as the API says it."""
    answer = stats.of_link(
        database, link.code, Question(Asked(ZoneInfo("UTC")), frozenset({ClickClass.HUMAN}), (dimension.label,))
    )
    return {row["value"]: (row["clicks"], row["unique"]) for row in answer["data"]}


class TestOrphans:
    """Of one UTC day only so many are stored: those beyond leave no trace but in a metric."""

    TODAY_MS = now_ms() // period.DAY_MS * period.DAY_MS

    def put(self, database: Database, clicks: list[Click], per_day: int) -> int:
        """How many of `clicks` were stored."""
        with database.write() as connection:
            return batch.write(connection, [enriched(click) for click in clicks], Labels(), per_day).stored

    def orphans(self, number: int, day: int = 0) -> list[Click]:
        """So many of a day, as far before today, spread over it."""
        at = self.TODAY_MS - day * period.DAY_MS
        return [Click(at + index * 3_600_000 % period.DAY_MS, None, 0, f"/{index}") for index in range(number)]

    def check(self, database: Database, wanted: int) -> None:
        """Totals, series and rows agree on how many orphans there are."""
        with database.read() as connection:
            stored = connection.execute(select(click_table.c.link_id)).scalars().all()
            series = connection.execute(
                select(click_series.c.clicks).where(click_series.c.link_id == ORPHANS_ID)
            ).scalars()
            assert sum(series) == stored.count(ORPHANS_ID) == count(database, ORPHANS_ID) == wanted

    @pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 1000])
    def test_of_one_batch(self, database: Database, number: int) -> None:
        link = make_link(database)
        clicks = [click_on(link, now_ms()), *self.orphans(number), click_on(link, now_ms())]
        assert self.put(database, clicks, 10) == 2 + min(number, 10)
        self.check(database, min(number, 10))
        assert count(database, link.id) == agreed(database) == 2

    def test_over_many_batches_by_whoever_drains(self, database: Database) -> None:
        """What is counted stands in the database: a restart forgets nothing, and other nodes know it too."""
        assert [self.put(database, self.orphans(4), 10) for _ in range(4)] == [4, 4, 2, 0]
        self.check(database, 10)

    def test_each_day_has_its_own(self, database: Database) -> None:
        clicks = [*self.orphans(7), *self.orphans(12, day=1), *self.orphans(3, day=40)]
        assert self.put(database, clicks, 5) == 5 + 5 + 3
        assert self.put(database, self.orphans(5, day=40), 5) == 2
        self.check(database, 15)

    def test_a_batch_of_nothing_else_is_left_out_as_a_whole(self, database: Database) -> None:
        assert self.put(database, self.orphans(3), 0) == 0
        self.check(database, 0)
        # And leaves the rest in order.
        drain(database, [click_on(make_link(database), now_ms())])
        assert agreed(database) == 1

    def test_those_with_a_clock_that_is_wrong_count_for_the_day_they_are_stored_under(
        self, database: Database
    ) -> None:
        clicks = [Click(2**64 - 1 - index, None, 0, "/") for index in range(3)]
        assert [self.put(database, [click], 2) for click in clicks] == [1, 1, 0]
        self.check(database, 2)

    def test_other_clicks_without_a_link_are_not_bounded(self, database: Database) -> None:
        assert self.put(database, [Click(now_ms(), 4711, 1, "x")] * 5, 0) == 5
        assert count(database, UNATTRIBUTED_ID) == 5

    def test_a_visitor_of_an_orphan_left_out_is_not_remembered(self, database: Database) -> None:
        facts = {"salt_day": period.day_of(now_ms()), "user_agent": "curl/8"}
        left_out, later = (Click(now_ms(), None, 0, "/", visitor_hash=7, **facts) for _ in range(2))  # type: ignore[arg-type]
        assert self.put(database, [left_out], 0) == 0
        assert self.put(database, [later], 1) == 1
        with database.read() as connection:
            assert connection.execute(select(click_table.c.first)).scalars().all() == [1]

    def test_the_clicks_of_a_day(self, database: Database) -> None:
        self.put(database, [*self.orphans(24), *self.orphans(3, day=1)], 100)
        today = period.day_of(self.TODAY_MS)
        with database.read() as connection:
            found = [rows.clicks_of_day(connection, ORPHANS_ID, today - day) for day in (-1, 0, 1, 2)]
        assert found == [0, 24, 3, 0]
