"""The election: one at a time, and how others see that it is well."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortener.clicks import election
from shortener.clicks.election import Election, condition


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def elected(folder: Path) -> Iterator[Election]:
    candidate = Election(folder)
    assert candidate.won()
    candidate.beat(None)
    yield candidate
    candidate.close()


def test_one_at_a_time(folder: Path, elected: Election) -> None:
    other = Election(folder)
    assert elected.won()
    assert not other.won()
    elected.close()
    assert other.won()
    assert not elected.won()
    other.close()


def test_who_has_not_won_says_nothing(folder: Path, elected: Election) -> None:
    other = Election(folder)
    other.beat("mine")
    assert condition(folder) is None


def test_at_work_and_well(folder: Path, elected: Election) -> None:
    assert condition(folder) is None


def test_no_folder_no_lock_and_nobody(folder: Path) -> None:
    assert condition(folder) == "The drainer is not running."
    candidate = Election(folder)
    assert candidate.won()
    candidate.close()
    assert condition(folder) == "The drainer is not running."


def test_asking_does_not_keep_anybody_from_being_elected(folder: Path) -> None:
    folder.mkdir()
    (folder / "drainer.lock").touch()
    for _ in range(100):
        condition(folder)
    candidate = Election(folder)
    assert candidate.won()
    candidate.close()


@pytest.mark.parametrize("fault", ["The database is locked", "Ärger mit Umlauten", "x" * 5000])
def test_what_is_wrong_is_said_until_it_is_over(folder: Path, elected: Election, fault: str) -> None:
    elected.beat(fault)
    assert condition(folder) == f"Clicks cannot be counted: {fault[:4096]}"
    elected.beat("short")
    assert condition(folder) == "Clicks cannot be counted: short"
    elected.beat(None)
    assert condition(folder) is None


def test_what_a_predecessor_said_does_not_count(folder: Path, elected: Election) -> None:
    elected.beat("mine")
    elected.close()
    successor = Election(folder)
    assert successor.won()
    successor.beat(None)
    assert condition(folder) is None
    successor.close()


def test_silence(folder: Path, elected: Election) -> None:
    then = time.time() - election.SILENCE_SECONDS - 2
    os.utime(folder / "drainer.lock", (then, then))
    assert condition(folder) == "The drainer has given no sign of life for 12 seconds."
    # A sign is given once a second, not at every step.
    elected.beat(None)
    assert condition(folder) is not None
    elected._next_beat = 0.0
    elected.beat(None)
    assert condition(folder) is None


def test_a_folder_that_is_removed_is_made_again(folder: Path, elected: Election) -> None:
    shutil.rmtree(folder)
    assert condition(folder) == "The drainer is not running."
    assert elected.won()
    elected.beat(None)
    assert condition(folder) is None
    other = Election(folder)
    assert not other.won()


def test_a_folder_that_cannot_be_made(folder: Path) -> None:
    folder.write_text("in the way")
    candidate = Election(folder)
    with pytest.raises(OSError, match="spool"):
        candidate.won()
    folder.unlink()
    assert candidate.won()
    candidate.close()


def test_a_file_system_without_locks_is_not_taken_for_a_lost_election(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    descriptors = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match="No locks"):
        Election(folder).won()
    assert len(os.listdir("/dev/fd")) == descriptors
