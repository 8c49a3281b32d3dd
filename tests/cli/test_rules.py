"""Rules as people read them."""

from typing import Any

import pytest

from shortener.cli import rules

TARGET = "https://example.com/"


def rule(**given: Any) -> dict[str, Any]:
    """A rule as the API shows it."""
    conditions = [{"key": None, "value": None} | each for each in given.pop("conditions", [])]
    return {"name": None, "target": None, "split": [], "status": None, "conditions": conditions} | given


def split(*weights: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "target": f"{TARGET}{name}", "weight": weight}
        for name, weight in zip("abc", weights, strict=False)
    ]


LINES = {
    "no conditions": (rule(target=TARGET), f"always → {TARGET}"),
    "a name and a status": (rule(target=TARGET, name="All", status=307), f"All: always → {TARGET} (307)"),
    "a value": (rule(target=TARGET, conditions=[{"type": "device", "value": "ios"}]), f"device ios → {TARGET}"),
    "a key and a value": (
        rule(target=TARGET, conditions=[{"type": "query-param", "key": "k", "value": "v"}]),
        f"query-param k=v → {TARGET}",
    ),
    "an empty value": (
        rule(target=TARGET, conditions=[{"type": "query-param", "key": "k", "value": ""}]),
        f"query-param k= → {TARGET}",
    ),
    "a key": (
        rule(target=TARGET, conditions=[{"type": "any-value-query-param", "key": "k"}]),
        f"any-value-query-param k → {TARGET}",
    ),
    "two conditions": (
        rule(target=TARGET, conditions=[{"type": "device", "value": "ios"}, {"type": "language", "value": "de"}]),
        f"device ios and language de → {TARGET}",
    ),
    "a split": (rule(split=split(90, 10)), f"always → a 90% {TARGET}a, b 10% {TARGET}b"),
    "a split in thirds": (
        rule(split=split(1, 1, 1)),
        f"always → a 33.33% {TARGET}a, b 33.33% {TARGET}b, c 33.33% {TARGET}c",
    ),
    "a side that nobody gets": (rule(split=split(0, 5)), f"always → a 0% {TARGET}a, b 100% {TARGET}b"),
    "a very small side": (
        rule(split=split(1, 999_999)),
        f"always → a 0.0001% {TARGET}a, b 100% {TARGET}b",
    ),
}


@pytest.mark.parametrize(("given", "line"), LINES.values(), ids=LINES.keys())
def test_lines(given: dict[str, Any], line: str) -> None:
    assert rules.line(given) == line
