"""Links: what one is at a moment, and what its owner is warned of."""

from datetime import UTC, datetime, timedelta

import pytest

from shortener.domain import link as links
from shortener.domain.link import State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)

#: By name: enabled, valid_from, expires_at, and what the link is.
STATES: dict[str, tuple[bool, datetime | None, datetime | None, State]] = {
    "no-dates": (True, None, None, State.LIVE),
    "disabled": (False, None, None, State.DISABLED),
    "disabled-before-start": (False, NOW + TICK, None, State.DISABLED),
    "disabled-after-end": (False, None, NOW - TICK, State.DISABLED),
    "before-start": (True, NOW + TICK, None, State.SCHEDULED),
    "at-start": (True, NOW, None, State.LIVE),
    "after-start": (True, NOW - TICK, None, State.LIVE),
    "before-end": (True, None, NOW + TICK, State.LIVE),
    "at-end": (True, None, NOW, State.EXPIRED),
    "after-end": (True, None, NOW - TICK, State.EXPIRED),
    "within": (True, NOW - TICK, NOW + TICK, State.LIVE),
    "before-both": (True, NOW + TICK, NOW + 2 * TICK, State.SCHEDULED),
    "after-both": (True, NOW - 2 * TICK, NOW - TICK, State.EXPIRED),
}


@pytest.mark.parametrize(("enabled", "valid_from", "expires_at", "state"), STATES.values(), ids=list(STATES))
def test_state(enabled: bool, valid_from: datetime | None, expires_at: datetime | None, state: State) -> None:
    assert links.state(enabled=enabled, valid_from=valid_from, expires_at=expires_at, now=NOW) is state


@pytest.mark.parametrize(
    ("status", "instance_status", "warned_of"),
    [
        (None, 302, None),
        (None, 307, None),
        (302, 301, None),
        (307, 308, None),
        (None, 301, 301),
        (None, 308, 308),
        (301, 302, 301),
        (308, 301, 308),
    ],
)
def test_warnings(status: int | None, instance_status: int, warned_of: int | None) -> None:
    warnings = links.warnings(status, instance_status, 4711)
    if warned_of is None:
        assert warnings == []
    else:
        (warning,) = warnings
        assert f"a {warned_of} redirect" in warning
        assert "4711 seconds" in warning


def test_statuses() -> None:
    assert set(links.REDIRECT_STATUSES) == {301, 302, 307, 308}
    assert set(links.REDIRECT_STATUSES) > links.PERMANENT_STATUSES
    assert set(links.REDIRECT_STATUSES) > links.METHOD_KEEPING_STATUSES


def test_pseudo_links_are_no_links_and_different() -> None:
    ids = {links.INSTANCE_ID, links.ORPHANS_ID, links.UNATTRIBUTED_ID, *map(links.domain_pseudo_id, range(1, 100))}
    assert len(ids) == 102
    assert max(ids) == 0
