"""Entries: what a link's row and the instance's preferences become together."""

from datetime import UTC, datetime, timedelta

import pytest

from shortener.domain.link import State
from shortener.redirect.entry import compile_entry
from shortener.storage.links import Visited

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWN, INSTANCE = "https://example.com/own", "https://example.com/instance"


def visited(*, status: int | None = None, enabled: bool = True, expired_target: str | None = None) -> Visited:
    return Visited(
        id=7,
        nonce=4711,
        target="https://example.com/",
        status=status,
        enabled=enabled,
        valid_from=NOW - timedelta(1),
        expires_at=NOW + timedelta(1),
        expired_target=expired_target,
    )


@pytest.mark.parametrize(("own", "instance", "status"), [(None, 302, 302), (301, 302, 301), (None, 308, 308)])
def test_the_links_status_comes_before_the_instances(own: int | None, instance: int, status: int) -> None:
    assert compile_entry(visited(status=own), "x", status=instance, expired_target=None).status == status


@pytest.mark.parametrize(
    ("own", "instance", "target"),
    [(None, None, None), (OWN, None, OWN), (None, INSTANCE, INSTANCE), (OWN, INSTANCE, OWN)],
)
def test_the_links_expired_target_comes_before_the_instances(
    own: str | None, instance: str | None, target: str | None
) -> None:
    entry = compile_entry(visited(expired_target=own), "x", status=302, expired_target=instance)
    assert entry.expired_target == target


def test_an_entry_is_its_row() -> None:
    row = visited()
    entry = compile_entry(row, "grün", status=302, expired_target=None)
    assert (entry.link_id, entry.nonce, entry.code, entry.target) == (7, 4711, "grün", "https://example.com/")
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
    assert compile_entry(visited(enabled=enabled), "x", status=302, expired_target=None).state(moment) is state
