"""The folder of shared metrics: where it is made, when it goes, and what cannot be."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from shortener import errors, metrics_folder


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the file system in memory."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(metrics_folder, "_IN_MEMORY", place)
    return place


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the disk's temporary folder."""
    place = tmp_path / "disk"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def folder() -> Path:
    return Path(os.environ[metrics_folder.VARIABLE])


def test_it_is_made_in_memory_for_its_owner_only_and_goes(memory: Path) -> None:
    with metrics_folder.shared():
        assert folder().parent == memory
        assert folder().stat().st_mode & 0o077 == 0
    assert metrics_folder.VARIABLE not in os.environ
    assert list(memory.iterdir()) == []


def test_without_memory_it_is_made_on_the_disk(memory: Path, disk: Path) -> None:
    memory.rmdir()
    with metrics_folder.shared():
        assert folder().parent == disk
    memory.write_text("no folder either")
    with metrics_folder.shared():
        assert folder().parent == disk


def test_with_neither_the_start_fails(memory: Path, disk: Path) -> None:
    memory.rmdir()
    disk.rmdir()
    with (
        pytest.raises(errors.StartFailed, match="no folder can be made for metrics: No such file"),
        metrics_folder.shared(),
    ):
        raise AssertionError("not reached")


def test_what_the_dead_left_goes_and_the_living_keep_theirs(memory: Path) -> None:
    script = (
        "import sys, pathlib; from shortener import metrics_folder;"
        f"metrics_folder._IN_MEMORY = pathlib.Path({str(memory)!r});"
        "held = metrics_folder.shared(); held.__enter__(); print('made', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"made\n"
        (theirs,) = memory.iterdir()
        with metrics_folder.shared():
            assert theirs.is_dir()
        other.kill()
        other.wait()
        assert theirs.is_dir()
        with metrics_folder.shared():
            assert list(memory.iterdir()) == [folder()]


def test_a_file_has_its_room_from_the_beginning_and_keeps_what_is_in_it(memory: Path) -> None:
    with metrics_folder.shared():
        metrics_folder.reserve("worker-1")
        files = sorted(folder().iterdir())
        assert {file.name for file in files} == {
            "counter_worker-1.db",
            "gauge_mostrecent_worker-1.db",
            "gauge_sum_worker-1.db",
            "histogram_worker-1.db",
        }
        for file in files:
            assert file.stat().st_blocks * 512 >= file.stat().st_size > 0
        with files[0].open("r+b") as opened:
            opened.write(b"counted")
        metrics_folder.reserve("worker-1")
        assert files[0].read_bytes().startswith(b"counted")
