"""Answers: what each method on each kind of link gets, and how long it may be kept."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain.link import REDIRECT_STATUSES, State
from shortener.redirect.answer import READING, WRITING, AnswerPolicy, Outcome, answer
from shortener.redirect.entry import UNCACHED, Entry
from tests.unit.laws import law

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TARGET, OVER, NOWHERE = "https://example.com/", "https://example.com/over", "https://example.com/nowhere"
PLAIN = AnswerPolicy(cache_seconds=300, not_found_target=None)
FRIENDLY = AnswerPolicy(cache_seconds=300, not_found_target=NOWHERE)
LIVE = Entry(
    target=TARGET,
    status=302,
    enabled=True,
    valid_from=None,
    expires_at=None,
    expired_target=None,
    click=b"",
    steady_from_ms=0,
    steady_until_ms=0,
    cache_control=UNCACHED,
)
PENDING = replace(LIVE, valid_from=NOW + SECOND)
EXPIRED = replace(LIVE, expires_at=NOW)
DISABLED = replace(LIVE, enabled=False)
ALL_METHODS = (*READING, *WRITING, "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "")


@pytest.mark.parametrize("status", REDIRECT_STATUSES)
@pytest.mark.parametrize("method", ALL_METHODS)
def test_a_live_link(method: str, status: int) -> None:
    found = answer(replace(LIVE, status=status), method, NOW, FRIENDLY)
    # Only 307 and 308 tell the client to send method and body again.
    allowed = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") if status in {307, 308} else ("GET", "HEAD")
    assert found.allow == allowed
    assert found.state is State.LIVE
    if method in allowed:
        assert (found.outcome, found.status, found.location) == (Outcome.REDIRECT, status, TARGET)
        assert found.cache_control == ("public, max-age=300" if status in {301, 308} else UNCACHED)
        assert found.counted is (method != "HEAD")
    else:
        assert (found.outcome, found.location, found.counted) == (Outcome.METHOD_NOT_ALLOWED, None, False)
        assert found.cache_control == UNCACHED


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize(
    "entry", [None, PENDING, replace(PENDING, expired_target=OVER)], ids=["unknown", "soon", "soon-and-over"]
)
def test_an_unknown_code_and_a_link_that_is_not_yet_valid_are_the_same(entry: Entry | None, method: str) -> None:
    found = answer(entry, method, NOW, PLAIN)
    assert (found.outcome, found.location, found.counted) == (Outcome.NOT_FOUND, None, False)
    assert found == answer(None, method, NOW, PLAIN)
    led = answer(entry, method, NOW, FRIENDLY)
    assert led == answer(None, method, NOW, FRIENDLY)
    assert (led.outcome, led.counted, led.cache_control) == (Outcome.NOT_FOUND, False, UNCACHED)
    assert (led.status, led.location) == ((302, NOWHERE) if method in READING else (0, None))


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize("status", REDIRECT_STATUSES)
@pytest.mark.parametrize(
    ("entry", "state"), [(EXPIRED, State.EXPIRED), (DISABLED, State.DISABLED)], ids=["expired", "disabled"]
)
def test_a_link_that_is_gone(entry: Entry, state: State, status: int, method: str) -> None:
    entry = replace(entry, status=status)
    found = answer(entry, method, NOW, FRIENDLY)
    assert (found.outcome, found.state, found.location) == (Outcome.GONE, state, None)
    led = answer(replace(entry, expired_target=OVER), method, NOW, FRIENDLY)
    assert (led.outcome, led.state) == (Outcome.GONE, state)
    assert led.location == (OVER if method in READING else None)
    # Whatever the link's own status: it may be enabled again.
    assert led.status == 302
    for each in (found, led):
        assert (each.counted, each.cache_control) == (False, UNCACHED)


@pytest.mark.parametrize(
    ("remaining", "cache_seconds", "cache_control"),
    [
        (None, 300, "public, max-age=300"),
        (timedelta(hours=1), 300, "public, max-age=300"),
        (300 * SECOND, 300, "public, max-age=300"),
        (299 * SECOND, 300, "public, max-age=299"),
        (299.999 * SECOND, 300, "public, max-age=299"),
        (SECOND, 300, "public, max-age=1"),
        (0.5 * SECOND, 300, "public, max-age=0"),
        (None, 31_536_000, "public, max-age=31536000"),
        (None, 0, UNCACHED),
        (SECOND, 0, UNCACHED),
    ],
)
@pytest.mark.parametrize("status", [301, 308])
def test_how_long_a_permanent_redirect_may_be_kept(
    status: int, remaining: timedelta | None, cache_seconds: int, cache_control: str
) -> None:
    entry = replace(LIVE, status=status, expires_at=None if remaining is None else NOW + remaining)
    assert answer(entry, "GET", NOW, AnswerPolicy(cache_seconds, None)).cache_control == cache_control


@law
@given(
    st.sampled_from(REDIRECT_STATUSES),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
    st.integers(0, 10**9),
    st.sampled_from(READING + WRITING),
)
def test_no_answer_is_kept_past_the_end_of_its_link(
    status: int, remaining: timedelta, cache_seconds: int, method: str
) -> None:
    entry = replace(LIVE, status=status, expires_at=NOW + remaining)
    kept = answer(entry, method, NOW, AnswerPolicy(cache_seconds, None)).cache_control
    age = re.fullmatch(r"public, max-age=(\d+)", kept)
    assert age or kept == UNCACHED
    assert not age or (int(age[1]) <= cache_seconds and NOW + int(age[1]) * SECOND <= NOW + remaining)


def test_the_moments_at_which_an_answer_changes() -> None:
    entry = replace(LIVE, valid_from=NOW, expires_at=NOW + 10 * SECOND)
    outcomes = [answer(entry, "GET", NOW + step * SECOND, PLAIN).outcome for step in (-1, 0, 9, 10, 11)]
    assert outcomes == [Outcome.NOT_FOUND, Outcome.REDIRECT, Outcome.REDIRECT, Outcome.GONE, Outcome.GONE]
