"""Entries: what a link's row and the instance's preferences become together."""

import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import period
from shortener.domain import rule as rules
from shortener.domain.condition import Condition
from shortener.domain.link import REDIRECT_STATUSES, State
from shortener.domain.rule import Rule, Variant
from shortener.redirect.answer import Outcome
from shortener.redirect.entry import Entry, compact, compile_entry, expand
from shortener.storage.visits import Visited
from tests.entries import NOW, ROW, answered, defaults, domains, row
from tests.unit.laws import law

OWN, INSTANCE = "https://example.com/own", "https://example.com/instance"
#: Around NOW, to the microsecond, so that rounding shows.
moments = st.none() | st.timedeltas(timedelta(minutes=-10), timedelta(minutes=10)).map(lambda ahead: NOW + ahead)


def pack_link(link_id: int, nonce: int, code: str, variant: str) -> bytes:
    return f"{link_id} {nonce} {code} {variant}".strip().encode()


DEFAULTS = defaults(pack_link=pack_link)


def compiled(found: Visited = ROW, code: str = "grün", cache_seconds: int = 300, **fallbacks: Any) -> Entry:
    return compile_entry(found, code, replace(DEFAULTS, cache_seconds=cache_seconds), domains(**fallbacks))


@pytest.mark.parametrize(("own", "instance", "status"), [(None, 302, 302), (301, 302, 301), (None, 308, 308)])
def test_the_links_status_comes_before_the_instances(own: int | None, instance: int, status: int) -> None:
    assert compiled(row(status=own), status=instance).status == status


@pytest.mark.parametrize(
    ("own", "instance", "target"),
    [(None, None, None), (OWN, None, OWN), (None, INSTANCE, INSTANCE), (OWN, INSTANCE, OWN)],
)
def test_the_links_expired_target_comes_before_the_instances(
    own: str | None, instance: str | None, target: str | None
) -> None:
    assert compiled(row(expired_target=own), expired_target=instance).expired_target == target


def test_an_entry_is_its_row() -> None:
    found = row(valid_from=NOW - timedelta(1), expires_at=NOW + timedelta(1))
    entry = compiled(found)
    assert (entry.target, entry.click) == ("https://example.com/", "7 4711 grün".encode())
    assert (entry.enabled, entry.valid_from, entry.expires_at) == (True, found.valid_from, found.expires_at)


@pytest.mark.parametrize(
    ("enabled", "moment", "state"),
    [
        (True, NOW, State.LIVE),
        (False, NOW, State.DISABLED),
        (True, NOW - timedelta(2), State.SCHEDULED),
        (True, NOW + timedelta(1), State.EXPIRED),
    ],
)
def test_state(enabled: bool, moment: datetime, state: State) -> None:
    found = row(enabled=enabled, valid_from=NOW - timedelta(1), expires_at=NOW + timedelta(1))
    assert compiled(found).state(moment) is state


@law
@given(
    st.booleans(),
    moments,
    moments,
    st.sampled_from(REDIRECT_STATUSES),
    st.sampled_from([0, 1, 300]),
    st.integers(-700_000, 700_000),
)
def test_while_it_is_steady_an_entry_gets_the_same_answer(
    enabled: bool,
    valid_from: datetime | None,
    expires_at: datetime | None,
    status: int,
    cache_seconds: int,
    ahead_ms: int,
) -> None:
    found = row(enabled=enabled, valid_from=valid_from, expires_at=expires_at, status=status)
    entry = compiled(found, cache_seconds=cache_seconds)
    at_ms = period.to_ms(NOW) + ahead_ms
    for near_ms in (at_ms, entry.steady_from_ms, entry.steady_until_ms - 1):
        if entry.steady_from_ms <= near_ms < entry.steady_until_ms and near_ms < period.to_ms(NOW) * 2:
            given = answered(entry, now=period.from_ms(near_ms), cache_seconds=cache_seconds)
            assert given.outcome is Outcome.REDIRECT
            assert (given.status, given.cache_control) == (entry.status, entry.cache_control)


@pytest.mark.parametrize(
    ("found", "from_ms", "until_ms"),
    [
        (ROW, 0, 2**62),
        (row(enabled=False), 0, 0),
        (row(valid_from=NOW), period.to_ms(NOW) + 1, 2**62),
        (row(expires_at=NOW), 0, period.to_ms(NOW)),
        # A permanent redirect may be kept for less and less long in its last five minutes.
        (row(expires_at=NOW, status=301), 0, period.to_ms(NOW) - 300_000),
    ],
    ids=["always", "disabled", "from", "until", "permanent"],
)
def test_when_it_is_steady(found: Visited, from_ms: int, until_ms: int) -> None:
    entry = compiled(found)
    assert (entry.steady_from_ms, entry.steady_until_ms) == (from_ms, until_ms)


@pytest.mark.parametrize(
    ("found", "code", "status", "is_plain"),
    [
        (ROW, "sale", 302, True),
        (ROW, "grün", 302, True),
        (ROW, "x" * 128, 302, True),
        (ROW, "日" * 128, 302, False),
        (row(target="https://example.com/" + "x" * 8000), "sale", 302, True),
        (ROW, "sale", 308, True),
        (row(status=302), "sale", 302, True),
        (row(status=307), "sale", 302, False),
        (row(enabled=False), "sale", 302, False),
        (row(valid_from=NOW), "sale", 302, False),
        (row(expires_at=NOW), "sale", 302, False),
        (row(track=False), "sale", 302, False),
        (row(max_clicks=3), "sale", 302, False),
        (row(password_hash="x"), "sale", 302, False),
        (row(forward_query=True), "sale", 302, False),
        (row(forward_path=True), "sale", 302, False),
        (row(target="https://example.com/%7Bcode%7D"), "sale", 302, False),
        (row(rules=rules.dump([Rule((), OWN, (), None, None)])), "sale", 302, False),
    ],
)
def test_a_plain_link_is_kept_as_bytes_and_nothing_is_lost(
    found: Visited, code: str, status: int, is_plain: bool
) -> None:
    instance = replace(DEFAULTS, status=status)
    entry = compile_entry(found, code, instance, domains(status=status))
    kept = compact(entry, instance)
    assert isinstance(kept, bytes) is is_plain
    # What stands in its click only, or is nobody's business while it lives.
    assert expand(kept, instance) == (replace(entry, id=0, nonce=0, version=0) if is_plain else entry)


def _rules_of(count: int, *conditions: Condition) -> str | None:
    return rules.dump([Rule(conditions, f"{OWN}/{number}") for number in range(count)])


#: By name: fields of a link that takes much memory.
LARGE: dict[str, Any] = {
    "limited": {"max_clicks": 3},
    "rules-about-devices": {"rules": _rules_of(50, *[Condition("device", None, "ios")] * 20)},
    "rules-about-the-query": {"rules": _rules_of(50, *[Condition("query-param", "key", f"v{n}") for n in range(20)])},
    "rules-about-hours": {
        "rules": _rules_of(
            50, *[Condition("weekly-schedule", None, f"UTC mon 00:00-00:{n:02}") for n in range(1, 21)]
        )
    },
    "long-targets": {"rules": rules.dump([Rule((), f"{OWN}/{'x' * 8000}")] * 8)},
    "splits": {
        "rules": rules.dump([Rule((), None, tuple(Variant(f"v{n}", f"{OWN}/{n}", 1) for n in range(10)))] * 50)
    },
    "splits-that-pass-on": {
        "forward_query": True,
        "rules": rules.dump(
            [Rule((), None, tuple(Variant(f"v{n}", f"{OWN}/{r}/{n}", 1) for n in range(10))) for r in range(50)]
        ),
    },
    "parameters-of-its-own": {"forward_query": True, "target": f"{OWN}?{'&'.join(map(str, range(1500)))}"},
    "placeholders": {"target": f"{OWN}?{''.join(f'%7Bquery.a{n}%7D' for n in range(32))}"},
}


@pytest.mark.parametrize("fields", LARGE.values(), ids=list(LARGE))
def test_an_entry_takes_no_more_memory_than_it_says(fields: dict[str, Any]) -> None:
    found = row(**fields)
    compiled(found)  # what is shared by all is there
    tracemalloc.start()
    try:
        entries = [compiled(found) for _ in range(5)]
        taken = tracemalloc.get_traced_memory()[0] / len(entries)
    finally:
        tracemalloc.stop()
    assert taken <= entries[0].size <= 10 * taken
