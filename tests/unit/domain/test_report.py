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


def compared(answer: dict[str, Any], count: dict[str, int] | None) -> dict[str, Any]:
    """An answer that is compared with itself, and says so with `count` in each row."""

    def with_previous(group: dict[str, Any]) -> dict[str, Any]:
        rows = {"data": [{**row, "previous": count} for row in group["data"]]}
        return rows | ({"other": {**group["other"], "previous": count}} if "other" in group else {})

    if "groups" in answer:
        groups = {name: with_previous(group) for name, group in answer["groups"].items()}
        return {**answer, "groups": groups, "previous": answer}
    return {**answer, **with_previous(answer), "previous": answer}


def test_the_period_compared_with() -> None:
    answer = compared(SERIES, {"clicks": 1, "unique": 0})
    assert report.columns(answer) == ("row", "bucket", "clicks", "unique", "previous_clicks", "previous_unique")
    assert report.rows(answer) == [
        ("data", "2026-11-22T00:00:00+01:00", 5, 3, 1, 0),
        ("total", None, 5, 3, 5, 3),
        ("excluded", "bot", 2, None, 2, None),
        ("previous-data", "2026-11-22T00:00:00+01:00", 5, 3, None, None),
        ("previous-total", None, 5, 3, None, None),
        ("previous-excluded", "bot", 2, None, None, None),
    ]


def test_a_bucket_beyond_the_end_of_the_period_compared_with() -> None:
    assert report.rows(compared(SERIES, None))[0] == ("data", "2026-11-22T00:00:00+01:00", 5, 3, None, None)


def test_a_class_that_the_other_period_does_not_have() -> None:
    answer = compared(SERIES, COUNT)
    rows = report.rows({**answer, "previous": {**SERIES, "excluded": {}}})
    assert rows[2] == ("excluded", "bot", 2, None, 0, None)


def test_a_breakdown_with_the_period_compared_with() -> None:
    rows = report.rows(compared(BREAKDOWN, {"clicks": 1, "unique": 0}))
    assert rows[:4] == [
        ("data", "Firefox", 4, 2, 1, 0),
        ("data", None, 1, 0, 1, 0),
        ("other", None, 1, 1, 1, 0),
        ("total", None, 6, 3, 6, 3),
    ]
    assert rows[4:] == [(f"previous-{kind}", *rest[:3], None, None) for kind, *rest in rows[:4]]


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
    rows = report.rows(compared(answer, {"clicks": 1, "unique": 0}))
    assert {len(row) for row in rows} == {7}
    assert rows[0] == ("data", "timeseries", "2026-11-22T00:00:00+01:00", 5, 3, 1, 0)
    assert [row[:2] for row in rows[6:8]] == [("previous-data", "timeseries"), ("previous-data", "browser")]
