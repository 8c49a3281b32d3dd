"""Schedules: which are understood, and when they hold, also where clocks are changed."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import schedule
from shortener.domain.schedule import DAYS
from tests.unit.laws import law

BERLIN = "Europe/Berlin"
#: A Monday, at noon UTC: 13:00 in Berlin, where summer time is over.
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)

#: By name: a schedule as it is given and its normal form.
WRITTEN = {
    "plain": ("UTC mon-fri 09:00-17:00", "UTC mon-fri 09:00-17:00"),
    "several-parts": (
        "Europe/Berlin mon-fri 09:00-17:00;sat 10:00-14:00",
        "Europe/Berlin mon-fri 09:00-17:00; sat 10:00-14:00",
    ),
    "several-days-and-hours": (
        "UTC mon , wed-fri  8:00 - 12:00 , 13:00 - 17:00 ;",
        "UTC mon,wed-fri 08:00-12:00,13:00-17:00",
    ),
    "capitals": ("Europe/Berlin MON-Fri 09:00-17:00", "Europe/Berlin mon-fri 09:00-17:00"),
    "dash-of-a-word-processor": ("UTC mon–fri 09:00–17:00", "UTC mon-fri 09:00-17:00"),
    "over-midnight": ("UTC fri 22:00-06:00", "UTC fri 22:00-06:00"),
    "until-midnight": ("UTC fri 22:00-00:00", "UTC fri 22:00-24:00"),
    "whole-days": ("UTC sat-sun 00:00-24:00", "UTC sat-sun 00:00-24:00"),
    "over-the-end-of-the-week": ("UTC fri-mon 00:00-24:00", "UTC fri-mon 00:00-24:00"),
    "zone-with-a-hyphen": ("Etc/GMT-14 mon 09:00-10:00", "Etc/GMT-14 mon 09:00-10:00"),
    "zone-of-a-half-hour": ("Asia/Kolkata mon 09:00-10:00", "Asia/Kolkata mon 09:00-10:00"),
}

#: By name: what is no schedule, and what its message must mention.
BAD = {
    "nothing": ("", "time zone"),
    "no-zone": ("mon-fri 09:00-17:00", "'mon-fri' is not a time zone"),
    "impossible-zone": ("Europe/Atlantis mon 09:00-10:00", "Europe/Atlantis"),
    "zone-of-the-machine": ("localtime mon 09:00-10:00", "localtime"),
    "path-for-a-zone": ("../../etc/passwd mon 09:00-10:00", "not a time zone"),
    "zone-only": ("UTC", "Days and hours are missing"),
    "hours-only": ("UTC 09:00-17:00", "no days"),
    "days-only": ("UTC mon-fri", "no days with their hours"),
    "unknown-day": ("UTC mo-fr 09:00-17:00", "'mo-fr 09:00-17:00'"),
    "day-within-a-word": ("UTC monday 09:00-17:00", "no days"),
    "days-twice": ("UTC mon-wed-fri 09:00-17:00", "no days"),
    "no-end": ("UTC mon 09:00", "'09:00' are no hours"),
    "hour-of-25": ("UTC mon 09:00-25:00", "'09:00-25:00'"),
    "minute-of-60": ("UTC mon 09:60-10:00", "no hours"),
    "later-than-the-end-of-a-day": ("UTC mon 09:00-24:01", "no hours"),
    "begins-at-24": ("UTC mon 24:00-02:00", "no hours"),
    "begins-and-ends-at-once": ("UTC mon 09:00-09:00", "00:00-24:00"),
    "am-and-pm": ("UTC mon 9am-5pm", "no hours"),
    "empty-part": ("UTC mon 09:00-10:00;;tue 09:00-10:00", "no days"),
    "comma-too-many": ("UTC mon 09:00-10:00,", "no hours"),
    "digits-of-another-script": ("UTC mon ٠٩:00-10:00", "no hours"),
    "zone-twice": ("UTC mon 09:00-10:00; UTC tue 09:00-10:00", "no days"),
}


@pytest.mark.parametrize(("given", "normal"), WRITTEN.values(), ids=list(WRITTEN))
def test_how_they_are_written(given: str, normal: str) -> None:
    assert schedule.normal_form(given) == normal
    assert schedule.normal_form(normal) == normal


@pytest.mark.parametrize(("written", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_none(written: str, mentioned: str) -> None:
    with pytest.raises(ValueError, match=re.escape(mentioned)) as refusal:
        schedule.normal_form(written)
    assert len(str(refusal.value)) < 300


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)


#: By name: a schedule, a moment, whether it holds.
MOMENTS = {
    "within": (f"{BERLIN} mon-fri 09:00-17:00", MONDAY, True),
    "by-the-zones-clocks": (f"{BERLIN} mon 13:00-14:00", MONDAY, True),
    "not-by-utc": (f"{BERLIN} mon 12:00-13:00", MONDAY, False),
    "another-day": (f"{BERLIN} tue-sun 00:00-24:00", MONDAY, False),
    "at-its-start": ("UTC mon 12:00-13:00", MONDAY, True),
    "just-before-its-start": ("UTC mon 12:00-13:00", MONDAY - timedelta(microseconds=1), False),
    "just-before-its-end": ("UTC mon 11:00-12:00", MONDAY - timedelta(microseconds=1), True),
    "at-its-end": ("UTC mon 11:00-12:00", MONDAY, False),
    "in-the-second-part": ("UTC sun 00:00-01:00; mon 12:00-13:00", MONDAY, True),
    "between-two-spans": ("UTC mon 08:00-12:00,13:00-17:00", MONDAY, False),
    "already-the-day-there": ("Pacific/Kiritimati tue 02:00-03:00", MONDAY, True),
    "still-the-day-before-there": ("Pacific/Pago_Pago mon 01:00-02:00", MONDAY, True),
    "over-midnight-before-it": ("UTC fri 22:00-06:00", at("2026-11-27T23:00:00+00:00"), True),
    "over-midnight-after-it": ("UTC fri 22:00-06:00", at("2026-11-28T05:59:00+00:00"), True),
    "over-midnight-too-late": ("UTC fri 22:00-06:00", at("2026-11-28T06:00:00+00:00"), False),
    "over-midnight-the-morning-before": ("UTC fri 22:00-06:00", at("2026-11-27T05:00:00+00:00"), False),
    "over-the-end-of-the-week": ("UTC sun 22:00-06:00", at("2026-11-23T05:00:00+00:00"), True),
    "over-the-end-of-the-week-too-late": ("UTC sun 22:00-06:00", MONDAY, False),
    "days-over-the-end-of-the-week": ("UTC sat-mon 12:00-12:01", MONDAY, True),
    "days-not-the-other-way-round": ("UTC sat-mon 12:00-12:01", MONDAY + timedelta(days=1), False),
    "overlapping": ("UTC mon 08:00-11:00; mon 10:00-13:00", MONDAY, True),
    "one-within-another": ("UTC mon 08:00-13:00; mon 09:00-10:00", MONDAY, True),
    # Clocks in Berlin go from 02:00 to 03:00 on 2026-03-29 and from 03:00 back to 02:00 on 2026-10-25.
    "summer": (f"{BERLIN} mon 14:00-15:00", at("2026-07-06T12:00:00+00:00"), True),
    "before-the-hour-that-is-left-out": (f"{BERLIN} sun 01:00-02:00", at("2026-03-29T00:59:00+00:00"), True),
    "hour-that-is-left-out-is-never": (f"{BERLIN} sun 02:00-03:00", at("2026-03-29T01:00:00+00:00"), False),
    "after-the-hour-that-is-left-out": (f"{BERLIN} sun 03:00-04:00", at("2026-03-29T01:00:00+00:00"), True),
    "hour-that-is-twice-the-first-time": (f"{BERLIN} sun 02:00-03:00", at("2026-10-25T00:30:00+00:00"), True),
    "hour-that-is-twice-the-second-time": (f"{BERLIN} sun 02:00-03:00", at("2026-10-25T01:30:00+00:00"), True),
    "after-the-hour-that-is-twice": (f"{BERLIN} sun 02:00-03:00", at("2026-10-25T02:00:00+00:00"), False),
}


@pytest.mark.parametrize(("written", "moment", "holds"), MOMENTS.values(), ids=list(MOMENTS))
def test_when_they_hold(written: str, moment: datetime, holds: bool) -> None:
    assert schedule.compiled(schedule.normal_form(written))(moment) is holds


@law
@given(
    st.lists(
        st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS), st.integers(0, 1439), st.integers(1, 1440)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["UTC", BERLIN, "Asia/Kathmandu"]),
    st.integers(0, 7 * 1440 - 1),
)
def test_a_schedule_holds_when_one_of_its_days_hours_is(
    parts: list[tuple[str, str, int, int]], zone: str, minute: int
) -> None:
    """Told by going through every day and the day before, without adding anything up."""
    parts = [part for part in parts if part[2] != part[3] % 1440] or [("mon", "sun", 0, 1440)]
    written = "; ".join(
        f"{first}-{last} {start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}" for first, last, start, end in parts
    )
    moment = MONDAY + timedelta(minutes=minute)
    local = moment.astimezone(ZoneInfo(zone))
    now = local.hour * 60 + local.minute

    def among(weekday: int, first: str, last: str) -> bool:
        begin, end = DAYS.index(first), DAYS.index(last)
        return begin <= weekday <= end if begin <= end else not end < weekday < begin

    expected = any(
        (among(local.weekday(), first, last) and start <= now and (now < end or end <= start))
        or (among((local.weekday() - 1) % 7, first, last) and end <= start and now < end)
        for first, last, start, end in parts
    )
    assert schedule.compiled(schedule.normal_form(f"{zone} {written}"))(moment) is expected


#: By name: a moment as it is given and its normal form.
MOMENTS_WRITTEN = {
    "utc": ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
    "with-offset": ("2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00Z"),
    "small-letters": ("2027-01-31t12:00:00z", "2027-01-31T12:00:00Z"),
    "space-for-t": ("2027-01-31 12:00:00-05:30", "2027-01-31T17:30:00Z"),
    "without-seconds": ("2027-01-31T12:00Z", "2027-01-31T12:00:00Z"),
    "with-a-fraction": ("2027-01-31T12:00:00.5Z", "2027-01-31T12:00:00.500000Z"),
    "finer-than-is-kept": ("2027-01-31T12:00:00.1234567Z", "2027-01-31T12:00:00.123456Z"),
    "the-first": ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
}
NO_MOMENTS = {
    "no-offset": "2027-01-31T12:00:00",
    "a-day": "2027-01-31",
    "a-number": "1801396800",
    "words": "tomorrow",
    "no-such-day": "2027-02-29T12:00:00Z",
    "leap-second": "2027-01-31T23:59:60Z",
    "no-such-offset": "2027-01-31T12:00:00+99:00",
    "before-1970": "1969-12-31T23:59:59Z",
    "before-1970-in-utc": "1970-01-01T00:00:00+01:00",
    "after-9998": "9999-01-01T00:00:00Z",
    "beyond-the-calendar": "9999-12-31T23:59:59-01:00",
    "before-the-calendar": "0001-01-01T00:00:00+01:00",
    "digits-of-another-script": "٢٠٢٧-01-31T12:00:00Z",
    "empty": "",
}


@pytest.mark.parametrize(("given", "normal"), MOMENTS_WRITTEN.values(), ids=list(MOMENTS_WRITTEN))
def test_how_moments_are_written(given: str, normal: str) -> None:
    assert schedule.normal_moment(given) == normal
    assert schedule.normal_moment(normal) == normal


@pytest.mark.parametrize("written", NO_MOMENTS.values(), ids=list(NO_MOMENTS))
def test_what_is_no_moment(written: str) -> None:
    with pytest.raises(ValueError, match="2027-01-31T12:00:00"):
        schedule.normal_moment(written)
