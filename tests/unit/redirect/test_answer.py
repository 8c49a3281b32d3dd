"""Answers: what each method on each kind of link gets, and how long it may be kept."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import rule as rules
from shortener.domain.link import REDIRECT_STATUSES, State
from shortener.domain.rule import Rule, Variant
from shortener.redirect.answer import READING, WRITING, AnswerPolicy, Outcome, answer
from shortener.redirect.entry import UNCACHED, Entry
from tests.entries import NOW, answered, entry, visit
from tests.unit.laws import law

SECOND = timedelta(seconds=1)
TARGET, OVER, NOWHERE = "https://example.com/", "https://example.com/over", "https://example.com/nowhere"
LIVE = entry()
PENDING = entry(valid_from=NOW + SECOND)
EXPIRED, DISABLED = {"expires_at": NOW}, {"enabled": False}
ALL_METHODS = (*READING, *WRITING, "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "")


@pytest.mark.parametrize("status", REDIRECT_STATUSES)
@pytest.mark.parametrize("method", ALL_METHODS)
def test_a_live_link(method: str, status: int) -> None:
    found = answered(entry(status=status), method, not_found_target=NOWHERE)
    # Only 307 and 308 tell the client to send method and body again.
    allowed = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") if status in {307, 308} else ("GET", "HEAD")
    assert found.allow == allowed
    assert found.state is State.LIVE
    if method in allowed:
        assert (found.outcome, found.status, found.location) == (Outcome.REDIRECT, status, TARGET)
        assert found.cache_control == ("public, max-age=300" if status in {301, 308} else UNCACHED)
        assert (found.click is None) is (method == "HEAD")
    else:
        assert (found.outcome, found.location, found.click) == (Outcome.METHOD_NOT_ALLOWED, None, None)
        assert found.cache_control == UNCACHED


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize(
    "pending",
    [None, PENDING, entry(valid_from=NOW + SECOND, expired_target=OVER)],
    ids=["unknown", "soon", "soon-and-over"],
)
def test_an_unknown_code_and_a_link_that_is_not_yet_valid_are_the_same(pending: Entry | None, method: str) -> None:
    found = answered(pending, method)
    assert (found.outcome, found.location, found.click) == (Outcome.NOT_FOUND, None, None)
    assert found == answered(None, method)
    led = answered(pending, method, not_found_target=NOWHERE)
    assert led == answered(None, method, not_found_target=NOWHERE)
    assert (led.outcome, led.click, led.cache_control) == (Outcome.NOT_FOUND, None, UNCACHED)
    assert (led.status, led.location) == ((302, NOWHERE) if method in READING else (0, None))


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize("status", REDIRECT_STATUSES)
@pytest.mark.parametrize(
    ("fields", "state"),
    [
        (EXPIRED, State.EXPIRED),
        (DISABLED, State.DISABLED),
        ({"max_clicks": 3, "used": 3}, State.EXHAUSTED),
        ({"max_clicks": 3, "used": 5}, State.EXHAUSTED),
        ({"max_clicks": 3, "used": 3, "enabled": False}, State.DISABLED),
    ],
    ids=["expired", "disabled", "exhausted", "limit-lowered", "disabled-and-exhausted"],
)
def test_a_link_that_is_gone(fields: dict[str, Any], state: State, status: int, method: str) -> None:
    found = answered(entry(status=status, **fields), method, not_found_target=NOWHERE)
    assert (found.outcome, found.state, found.location) == (Outcome.GONE, state, None)
    led = answered(entry(status=status, expired_target=OVER, **fields), method, not_found_target=NOWHERE)
    assert (led.outcome, led.state) == (Outcome.GONE, state)
    assert led.location == (OVER if method in READING else None)
    # Whatever the link's own status: it may be enabled again.
    assert led.status == 302
    for each in (found, led):
        assert (each.click, each.cache_control) == (None, UNCACHED)


def test_the_target_of_a_link_that_is_over_has_placeholders_too() -> None:
    over = entry(expired_target="https://example.com/over/%7Bcode%7D?was=%7Bquery.ref%7D", expires_at=NOW)
    asked = visit("GET", code="tea", query="ref=a%26b&x=1")
    found = answer(over, asked, NOW, AnswerPolicy(300), None)
    assert found.location == "https://example.com/over/tea?was=a%26b"


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
    until = None if remaining is None else NOW + remaining
    found = entry(status=status, expires_at=until, cache_seconds=cache_seconds)
    assert answered(found, cache_seconds=cache_seconds).cache_control == cache_control


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
    found = entry(status=status, expires_at=NOW + remaining, cache_seconds=cache_seconds)
    kept = answered(found, method, cache_seconds=cache_seconds).cache_control
    age = re.fullmatch(r"public, max-age=(\d+)", kept)
    assert age or kept == UNCACHED
    assert not age or (int(age[1]) <= cache_seconds and NOW + int(age[1]) * SECOND <= NOW + remaining)


def test_the_moments_at_which_an_answer_changes() -> None:
    found = entry(valid_from=NOW, expires_at=NOW + 10 * SECOND)
    outcomes = [answered(found, now=NOW + step * SECOND).outcome for step in (-1, 0, 9, 10, 11)]
    assert outcomes == [Outcome.NOT_FOUND, Outcome.REDIRECT, Outcome.REDIRECT, Outcome.GONE, Outcome.GONE]


@pytest.mark.parametrize(
    "fields",
    [
        {"max_clicks": 5},
        {"password_hash": "x"},
        {"forward_query": True},
        {"rules": rules.dump([Rule((), "https://example.com/r", (), None, None)])},
    ],
    ids=["limit", "password", "forwarding", "rules"],
)
@pytest.mark.parametrize("status", [301, 308])
def test_what_may_differ_from_visitor_to_visitor_is_never_kept(status: int, fields: dict[str, Any]) -> None:
    assert answered(entry(status=status, **fields)).cache_control == UNCACHED


def test_a_path_behind_the_code_needs_a_link_that_takes_it() -> None:
    for forward_path, outcome in ((False, Outcome.NOT_FOUND), (True, Outcome.REDIRECT)):
        found = entry(forward_path=forward_path)
        assert answer(found, visit(path="a/b"), NOW, AnswerPolicy(300), None).outcome is outcome


def test_what_is_not_tracked_has_no_click() -> None:
    assert answered(entry(track=False)).click is None


def test_a_variant_has_a_click_of_its_own() -> None:
    sides = (Variant("a", "https://example.com/a", 1), Variant("b", "https://example.com/b", 0))
    found = entry(rules=rules.dump([Rule((), None, sides, None, None)]))
    given = answered(found)
    assert (given.location, given.click) == ("https://example.com/a", found.clicks["a"])
    assert len({found.click, *found.clicks.values()}) == 3
