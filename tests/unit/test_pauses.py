"""Pauses of a worker: only a few of them are long."""

import gc
from collections.abc import Iterator

import pytest

from shortener import pauses


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = list(gc.callbacks)
    gc.unfreeze()
    yield
    gc.callbacks[:] = before
    gc.unfreeze()


def test_what_lives_after_a_long_one_is_out_of_the_next() -> None:
    gc.collect()
    pauses.shorten(long_seconds=0.0)
    gc.collect()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000


def test_short_ones_change_nothing() -> None:
    pauses.shorten(long_seconds=60.0)
    gc.collect()
    assert gc.get_freeze_count() == 0


def test_nor_do_those_of_the_young() -> None:
    pauses.shorten(long_seconds=0.0)
    gc.collect(1)
    assert gc.get_freeze_count() == 0


def test_after_some_times_no_more_is_taken_out() -> None:
    pauses.shorten(long_seconds=0.0, most_times=2)
    gc.collect()
    gc.collect()
    frozen = gc.get_freeze_count()
    kept: list[list[object]] = [[] for _ in range(100)]
    gc.collect()
    assert gc.get_freeze_count() <= frozen
    assert len(kept) == 100
