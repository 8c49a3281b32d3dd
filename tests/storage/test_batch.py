"""Batches on both databases: no click can stop those beside it, whatever is in it."""

from contextlib import suppress

import pytest

from shortener.clicks import batch
from shortener.clicks.labels import Labels
from shortener.domain.click import UTM_PARAMETERS, ClickClass, Flag
from shortener.domain.link import INSTANCE_ID
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
