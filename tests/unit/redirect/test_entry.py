"""Entries: what a link's row and the instance's preferences become together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import period
from shortener.domain.link import REDIRECT_STATUSES, State
from shortener.redirect.answer import AnswerPolicy, Outcome, answer
from shortener.redirect.entry import Defaults, Entry, compact, compile_entry, expand
from shortener.storage.links import Visited
from tests.unit.laws import law

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWN, INSTANCE = "https://example.com/own", "https://example.com/instance"
ROW = Visited(
    id=7,
    nonce=4711,
    target="https://example.com/",
    status=None,
    enabled=True,
    valid_from=None,
    expires_at=None,
    expired_target=None,
)
#: Around NOW, to the microsecond, so that rounding shows.
moments = st.none() | st.timedeltas(timedelta(minutes=-10), timedelta(minutes=10)).map(lambda ahead: NOW + ahead)


def visited(**fields: Any) -> Visited:
    return Visited(**{name: getattr(ROW, name) for name in Visited.__slots__} | fields)


def pack_link(link_id: int, nonce: int, code: str) -> bytes:
    return f"{link_id} {nonce} {code}".encode()


DEFAULTS = Defaults(status=302, expired_target=None, cache_seconds=300, pack_link=pack_link)


def compiled(row: Visited = ROW, code: str = "grün", **defaults: Any) -> Entry:
    return compile_entry(row, code, replace(DEFAULTS, **defaults))


@pytest.mark.parametrize(("own", "instance", "status"), [(None, 302, 302), (301, 302, 301), (None, 308, 308)])
def test_the_links_status_comes_before_the_instances(own: int | None, instance: int, status: int) -> None:
    assert compiled(visited(status=own), status=instance).status == status


@pytest.mark.parametrize(
    ("own", "instance", "target"),
    [(None, None, None), (OWN, None, OWN), (None, INSTANCE, INSTANCE), (OWN, INSTANCE, OWN)],
)
def test_the_links_expired_target_comes_before_the_instances(
    own: str | None, instance: str | None, target: str | None
) -> None:
    assert compiled(visited(expired_target=own), expired_target=instance).expired_target == target


def test_an_entry_is_its_row() -> None:
    row = visited(valid_from=NOW - timedelta(1), expires_at=NOW + timedelta(1))
    entry = compiled(row)
    assert (entry.target, entry.click) == ("https://example.com/", "7 4711 grün".encode())
    assert (entry.enabled, entry.valid_from, entry.expires_at) == (True, row.valid_from, row.expires_at)


@pytest.mark.parametrize(
    ("enabled", "moment", "state"),
    [
        (True, NOW, State.LIVE),
        (False, NOW, State.DISABLED),
        (True, NOW - timedelta(2), State.PENDING),
        (True, NOW + timedelta(1), State.EXPIRED),
    ],
)
def test_state(enabled: bool, moment: datetime, state: State) -> None:
    row = visited(enabled=enabled, valid_from=NOW - timedelta(1), expires_at=NOW + timedelta(1))
    assert compiled(row).state(moment) is state


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
    row = visited(enabled=enabled, valid_from=valid_from, expires_at=expires_at, status=status)
    entry = compiled(row, cache_seconds=cache_seconds)
    at_ms = period.to_ms(NOW) + ahead_ms
    for near_ms in (at_ms, entry.steady_from_ms, entry.steady_until_ms - 1):
        if entry.steady_from_ms <= near_ms < entry.steady_until_ms and near_ms < period.to_ms(NOW) * 2:
            found = answer(entry, "GET", period.from_ms(near_ms), AnswerPolicy(cache_seconds, None))
            assert found.outcome is Outcome.REDIRECT
            assert (found.status, found.cache_control) == (entry.status, entry.cache_control)


@pytest.mark.parametrize(
    ("row", "from_ms", "until_ms"),
    [
        (ROW, 0, 2**62),
        (visited(enabled=False), 0, 0),
        (visited(valid_from=NOW), period.to_ms(NOW) + 1, 2**62),
        (visited(expires_at=NOW), 0, period.to_ms(NOW)),
        # A permanent redirect may be kept for less and less long in its last five minutes.
        (visited(expires_at=NOW, status=301), 0, period.to_ms(NOW) - 300_000),
    ],
    ids=["always", "disabled", "from", "until", "permanent"],
)
def test_when_it_is_steady(row: Visited, from_ms: int, until_ms: int) -> None:
    entry = compiled(row)
    assert (entry.steady_from_ms, entry.steady_until_ms) == (from_ms, until_ms)


@pytest.mark.parametrize(
    ("row", "code", "defaults", "is_plain"),
    [
        (ROW, "sale", DEFAULTS, True),
        (ROW, "grün", DEFAULTS, True),
        (ROW, "x" * 128, DEFAULTS, True),
        (ROW, "日" * 128, DEFAULTS, False),
        (visited(target="https://example.com/" + "x" * 8000), "sale", DEFAULTS, True),
        (ROW, "sale", replace(DEFAULTS, status=308), True),
        (visited(status=302), "sale", DEFAULTS, True),
        (visited(status=307), "sale", DEFAULTS, False),
        (visited(enabled=False), "sale", DEFAULTS, False),
        (visited(valid_from=NOW), "sale", DEFAULTS, False),
        (visited(expires_at=NOW), "sale", DEFAULTS, False),
        (ROW, "sale", replace(DEFAULTS, expired_target=INSTANCE), True),
    ],
)
def test_a_plain_link_is_kept_as_bytes_and_nothing_is_lost(
    row: Visited, code: str, defaults: Defaults, is_plain: bool
) -> None:
    entry = compile_entry(row, code, defaults)
    kept = compact(entry, defaults)
    assert isinstance(kept, bytes) is is_plain
    assert expand(kept, defaults) == entry
