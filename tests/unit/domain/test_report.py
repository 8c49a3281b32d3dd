"""Answers as tables."""

from typing import Any

from shortener.domain import report

COUNT = {"clicks": 5, "unique": 3}
SERIES: dict[str, Any] = {
    "group_by": "timeseries",
    "totals": COUNT,
    "excluded": {"bot": 2},
    "data": [{"bucket": "2026-11-22T00:00:00+01:00", **COUNT}],
}
BREAKDOWN: dict[str, Any] = {
    "group_by": "browser",
    "totals": {"clicks": 6, "unique": 3},
    "excluded": {},
    "data": [{"value": "Firefox", "clicks": 4, "unique": 2}, {"value": None, "clicks": 1, "unique": 0}],
    "other": {"clicks": 1, "unique": 1},
}


def test_a_time_series() -> None:
    assert report.columns(SERIES) == ("row", "bucket", "clicks", "unique")
    assert report.rows(SERIES) == [
        ("data", "2026-11-22T00:00:00+01:00", 5, 3),
        ("total", None, 5, 3),
        ("excluded", "bot", 2, None),
    ]


def test_a_breakdown_adds_up() -> None:
    assert report.columns(BREAKDOWN) == ("row", "value", "clicks", "unique")
    assert report.rows(BREAKDOWN) == [
        ("data", "Firefox", 4, 2),
        ("data", None, 1, 0),
        ("other", None, 1, 1),
        ("total", None, 6, 3),
    ]


def test_the_period_before() -> None:
    rows = report.rows({**SERIES, "previous": SERIES})
    assert [row[0] for row in rows] == [
        "data",
        "total",
        "excluded",
        "previous-data",
        "previous-total",
        "previous-excluded",
    ]


def test_several_groupings_tell_theirs() -> None:
    series, breakdown = {"data": SERIES["data"]}, {name: BREAKDOWN[name] for name in ("data", "other")}
    answer = {
        "group_by": "timeseries,browser",
        "totals": COUNT,
        "excluded": {"bot": 2},
        "groups": {"timeseries": series, "browser": breakdown},
    }
    assert report.columns(answer) == ("row", "group_by", "value", "clicks", "unique")
    assert report.rows(answer) == [
        ("data", "timeseries", "2026-11-22T00:00:00+01:00", 5, 3),
        ("data", "browser", "Firefox", 4, 2),
        ("data", "browser", None, 1, 0),
        ("other", "browser", None, 1, 1),
        ("total", None, None, 5, 3),
        ("excluded", None, "bot", 2, None),
    ]
    before = report.rows({**answer, "previous": answer})[6:]
    assert [row[:2] for row in before[:2]] == [("previous-data", "timeseries"), ("previous-data", "browser")]
