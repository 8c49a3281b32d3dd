"""The supply of segments: two threads take no room twice and end no fault that is not over."""

import threading
from pathlib import Path

import pytest

from shortener.clicks import supply
from shortener.clicks.room import Room
from shortener.clicks.supply import Supply

SIZE = supply.SMALL_SIZE


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_is_begun_takes_room(tmp_path: Path) -> None:
    supplied = Supply(tmp_path, bytes(16), Room(most_bytes=2 * SIZE + 65_536, least_free_bytes=0))
    first = supplied.take()
    assert first is not None
    supplied.prepare()
    assert supplied.is_preparing
    # There is room for one more, which has been begun and is no larger than its header.
    assert supplied.take() is None
    assert supplied.fault == "the spool is full: 1 MiB of at most 2 MiB are used"
    while supplied.is_preparing:
        supplied.prepare()
    second = supplied.take()
    assert second is not None
    assert supplied.fault is None
    assert size_of(tmp_path) == 2 * SIZE
    for each in (first, second):
        each.close()
    supplied.close()


def test_a_fault_that_is_newer_than_the_segment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer uses up a segment, and finds no room for another, before the thread that made it has gone on."""
    supplied = Supply(tmp_path, bytes(16), Room(most_bytes=SIZE + 65_536, least_free_bytes=0))
    supplied.wanted = True
    clear, arrived, noted = supplied.clear, threading.Event(), threading.Event()

    def late() -> None:
        if threading.current_thread() is thread:
            arrived.set()
            noted.wait(0.2)
        clear()

    def prepare() -> None:
        while not arrived.is_set():
            supplied.prepare()

    monkeypatch.setattr(supplied, "clear", late)
    thread = threading.Thread(target=prepare)
    thread.start()
    assert arrived.wait(10)
    first = supplied.take()
    assert first is not None
    assert supplied.take() is None
    noted.set()
    thread.join(10)
    assert supplied.fault == "the spool is full: 1 MiB of at most 1 MiB are used"
    first.close()
    supplied.close()
