"""Sessions: how long one lasts, and what of it is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import session as sessions
from shortener.domain.session import LONGEST, LONGEST_UNUSED, Session
from tests.unit.laws import law

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def begun(at: datetime = NOW) -> Session:
    return Session(sessions.digest("x"), "000102030405", None, at, sessions.ends_at(at, at))


@pytest.mark.parametrize(
    ("used", "ends"),
    [
        pytest.param(timedelta(), 7 * DAY, id="at-once"),
        pytest.param(3 * DAY, 10 * DAY, id="later"),
        pytest.param(23 * DAY, 30 * DAY, id="up-to-its-longest"),
        pytest.param(29 * DAY, 30 * DAY, id="not-beyond"),
    ],
)
def test_when_it_ends(used: timedelta, ends: timedelta) -> None:
    assert sessions.ends_at(NOW, NOW + used) == NOW + ends


@pytest.mark.parametrize(
    ("used", "is_due"),
    [
        pytest.param(timedelta(), False, id="at-once"),
        pytest.param(HOUR - MINUTE, False, id="within-the-hour"),
        pytest.param(HOUR, True, id="after-an-hour"),
        pytest.param(29 * DAY, True, id="much-later"),
    ],
)
def test_when_its_use_is_worth_storing(used: timedelta, is_due: bool) -> None:
    assert sessions.is_use_due(begun(), NOW + used) is is_due


def test_what_cannot_be_longer_is_not_stored_again() -> None:
    last = Session(sessions.digest("x"), "000102030405", None, NOW, NOW + LONGEST)
    assert not sessions.is_use_due(last, NOW + 29 * DAY)


@law
@given(st.lists(st.timedeltas(min_value=timedelta(), max_value=LONGEST_UNUSED - HOUR), max_size=20))
def test_who_uses_it_keeps_it_but_never_for_more_than_its_longest(pauses: list[timedelta]) -> None:
    """Its use is stored only when that is due, as the service does."""
    now, session = NOW, begun()
    for pause in pauses:
        now += pause
        assert sessions.is_live(session, now) is (now < NOW + LONGEST)
        if not sessions.is_live(session, now):
            break
        if sessions.is_use_due(session, now):
            session = Session(session.digest, session.key_id, None, NOW, sessions.ends_at(NOW, now))


def test_what_binds_it_to_the_preset_key() -> None:
    proof = sessions.preset_proof("an id", b"a digest")
    assert proof == sessions.preset_proof("an id", b"a digest")
    assert len({proof, sessions.preset_proof("another", b"a digest"), sessions.preset_proof("an id", b"other")}) == 3
    assert len(sessions.digest("an id")) == len(proof) == 32
