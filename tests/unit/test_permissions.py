"""Permissions: what holds secrets is closed to other users, new or not, and what is not ours is reported."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from shortener import permissions
from shortener.clicks.room import try_folder
from shortener.storage.engine import Database

DATABASE_FILES = ("shortener.db", "shortener.db-wal", "shortener.db-shm", "shortener.db-journal")
SPOOL_FILES = ("spool/1-a.seg", "spool/2-b.new", "spool/1-a.bad", "spool/drainer.lock")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """What is made without thinking of it can be read by everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_data_directory(folder: Path) -> None:
    """Opens a data directory as a server does."""
    try_folder(folder / "spool")
    database = Database(f"sqlite:///{folder / 'shortener.db'}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS x (y INTEGER)")
        for path in folder.rglob("*"):
            assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    database.close()


def test_new(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_data_directory(folder)
    assert mode(folder) == 0o700
    assert mode(folder / "shortener.db") == 0o600


@pytest.mark.parametrize("name", ["", "spool", *DATABASE_FILES, *SPOOL_FILES])
@pytest.mark.parametrize("was", [0o777, 0o755, 0o644, 0o620, 0o604])
def test_what_exists_already(tmp_path: Path, name: str, was: int) -> None:
    folder = tmp_path / "data"
    (folder / "spool").mkdir(parents=True)
    path = folder / name
    if name in SPOOL_FILES:
        path.touch()
    elif name:
        open_data_directory(folder)
        path.touch()
    path.chmod(was | 0o700 if path.is_dir() else was)
    with structlog.testing.capture_logs() as lines:
        open_data_directory(folder)
    assert not lines
    if path.exists():
        assert mode(path) & 0o077 == 0


def test_the_folder_of_a_database_elsewhere_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Database(f"sqlite:///{tmp_path / 'x.db'}").close()
    assert (mode(tmp_path), mode(tmp_path / "x.db")) == (0o755, 0o600)


@pytest.mark.parametrize("fault", ["another-user", "refused", "ignored"])
@pytest.mark.parametrize(("name", "right"), [("data", "0700"), ("data/shortener.db", "0600")])
def test_what_cannot_be_closed_is_reported(
    tmp_path: Path, name: str, right: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    (tmp_path / "data").mkdir(mode=0o700)
    path.touch()
    path.chmod(0o755)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if fault == "another-user":
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    else:
        monkeypatch.setattr(Path, "chmod", refuse if fault == "refused" else lambda *_: None)
    with structlog.testing.capture_logs() as lines:
        permissions.restrict(path)
    (line,) = lines
    assert (line["log_level"], line["path"], line["mode"], line["right"]) == ("warning", str(path), "0755", right)
    assert mode(path) == 0o755


def test_what_is_not_there_is_nothing_to_close(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        permissions.restrict(tmp_path / "missing")
    assert not lines
