"""Spools and databases that part: copies, backups, other databases. Nothing is lost or doubled."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from structlog.testing import capture_logs

from shortener import metrics
from shortener.clicks.drainer import Drainer
from shortener.clicks.spool import Spool
from shortener.storage.click_tables import click, label
from shortener.storage.engine import Database
from tests.clicks import make_link
from tests.spools import agreed, count, drain_all, id_of, put

Copy = Callable[[Database], Database]


@pytest.fixture
def copy(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Copy]:
    """Copies a database as it stands, as a backup does."""
    opened: list[Database] = []

    def sqlite(original: Database) -> Database:
        path = tmp_path / f"copy{len(opened)}.db"
        original.close()
        shutil.copy(str(original.engine.url.database), path)
        return Database(f"sqlite:///{path}")

    def postgresql(original: Database) -> Database:
        server = request.getfixturevalue("postgres")
        original.close()
        return Database(server.url(server.create(original.engine.url.database)))

    def make(original: Database) -> Database:
        opened.append((sqlite if engine == "sqlite" else postgresql)(original))
        return opened[-1]

    yield make
    for each in opened:
        name = each.engine.url.database
        each.close()
        if engine == "postgresql":
            request.getfixturevalue("postgres").drop(name)


def drained(folder: Path, database: Database) -> None:
    """Drains what there is, as a drainer does that starts and is stopped again."""
    drainer = Drainer(folder, database, id_of(database))
    for _ in range(2):
        drain_all(drainer)
    drainer.close()


def referrers(database: Database) -> dict[str, int]:
    """How many clicks came from where."""
    query = (
        sqlalchemy.select(label.c.text, sqlalchemy.func.count().label("clicks"))
        .join(click, click.c.referrer == label.c.id)
        .group_by(label.c.text)
    )
    with database.read() as connection:
        return {row.text: row.clicks for row in connection.execute(query)}


class TestCopies:
    @pytest.mark.usefixtures("settled")
    @pytest.mark.parametrize("drain_first", [False, True])
    def test_a_copied_data_directory(
        self, database: Database, database_id: bytes, folder: Path, tmp_path: Path, copy: Copy, drain_first: bool
    ) -> None:
        """Each has all clicks of before, and its own of afterwards, whatever is copied back and forth later."""
        link, other_folder = make_link(database), tmp_path / "other"
        spool = Spool(folder, database_id)
        put(spool, link, 1500)
        if drain_first:
            drainer = Drainer(folder, database, database_id)
            drainer.step()
            assert count(database) == 1000
            drainer.close()
        spool.close()
        shutil.copytree(folder, other_folder)
        other = copy(database)
        for mine, where in ((database, folder), (other, other_folder)):
            drained(where, mine)
            assert agreed(mine) == 1500
        for mine, where, times in ((database, folder, 10), (other, other_folder, 20)):
            later = Spool(where, database_id)
            put(later, link, times)
            later.close()
            drained(where, mine)
        assert (agreed(database), agreed(other)) == (1510, 1520)
        # Under the names they have, and under others.
        for path in other_folder.glob("*.seg"):
            shutil.copy(path, folder)
            shutil.copy(path, folder / f"copy-{path.name}")
        for _ in range(2):
            drained(folder, database)
        assert agreed(database) == 1530
        drained(other_folder, other)
        assert agreed(other) == 1520

    def test_a_segment_that_is_being_copied_in(
        self, database: Database, database_id: bytes, folder: Path, tmp_path: Path, drainer: Drainer
    ) -> None:
        """What is not there yet is not taken for torn, nor the file for finished."""
        link = make_link(database)
        elsewhere = Spool(tmp_path / "elsewhere", database_id)
        put(elsewhere, link, 200)
        elsewhere.close()
        (original,) = (tmp_path / "elsewhere").glob("*.seg")
        content, end = original.read_bytes(), elsewhere._offset
        folder.mkdir(exist_ok=True)
        for length in (0, 10, 64, 70, end // 3, end // 2, end - 1, end, len(content)):
            (folder / original.name).write_bytes(content[:length])
            for _ in range(3):
                drain_all(drainer)
        assert agreed(database) == 200
        assert list(folder.glob("*.bad")) == []

    @pytest.mark.usefixtures("settled")
    def test_a_segment_that_grows_after_it_was_finished(
        self, database: Database, database_id: bytes, folder: Path, tmp_path: Path, drainer: Drainer
    ) -> None:
        link = make_link(database)
        elsewhere = Spool(tmp_path / "elsewhere", database_id)
        put(elsewhere, link, 10)
        half = elsewhere._offset
        put(elsewhere, link, 10)
        elsewhere.close()
        (original,) = (tmp_path / "elsewhere").glob("*.seg")
        (folder / original.name).parent.mkdir(exist_ok=True)
        for length in (half, None):
            (folder / original.name).write_bytes(original.read_bytes()[:length])
            drain_all(drainer)
            drain_all(drainer)
        assert agreed(database) == 20


@pytest.mark.usefixtures("settled")
class TestRestored:
    def test_a_restored_database_reads_what_it_lacks(
        self, database: Database, database_id: bytes, folder: Path, copy: Copy
    ) -> None:
        """From a segment it knew in part, from one it never knew, and from one that is still written."""
        link = make_link(database)
        first = Spool(folder, database_id)
        put(first, link, 100)
        drained(folder, database)
        backup = copy(database)
        assert count(backup) == 100
        put(first, link, 50)
        first.close()
        second, living = Spool(folder, database_id), Spool(folder, database_id)
        put(second, link, 30)
        second.close()
        put(living, link, 7)
        drained(folder, database)
        assert agreed(database) == 187
        for _ in range(2):
            drained(folder, backup)
            assert agreed(backup) == 187
        put(living, link, 1)
        drained(folder, backup)
        living.close()
        assert agreed(backup) == 188

    def test_one_that_is_restored_under_a_running_drainer(
        self, database: Database, database_id: bytes, folder: Path, copy: Copy
    ) -> None:
        link = make_link(database)
        first, living = Spool(folder, database_id), Spool(folder, database_id)
        drainer = Drainer(folder, database, database_id)
        put(living, link, 5, referrer="https://before.example")
        drain_all(drainer)
        backup = copy(database)
        put(first, link, 40, referrer="https://lost.example")
        first.close()
        put(living, link, 5, referrer="https://later.example")
        drain_all(drainer)
        drainer.step()
        assert agreed(database) == 50
        # Labels have other ids there.
        other_link = make_link(backup)
        visits = Spool(folder.with_name("other"), database_id)
        put(visits, other_link, 1, referrer="https://other.example")
        visits.close()
        drained(folder.with_name("other"), backup)
        drainer._database = backup
        with capture_logs() as logged:
            put(living, link, 1, referrer="https://later.example")
            for _ in range(3):
                drain_all(drainer)
        assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == [
            "the database is older than the spool: what it lacks is drained again"
        ]
        drainer.close()
        living.close()
        assert agreed(backup) == 52
        assert referrers(backup) == {
            "before.example": 5,
            "lost.example": 40,
            "later.example": 6,
            "other.example": 1,
        }


@pytest.mark.usefixtures("settled")
class TestForeign:
    def test_it_is_left_alone_until_its_own_database_is_back(
        self, database: Database, database_id: bytes, folder: Path, drainer: Drainer
    ) -> None:
        link = make_link(database)
        foreign = Spool(folder, b"f" * 16)
        put(foreign, link, 3)
        foreign.close()
        own = Spool(folder, database_id)
        put(own, link, 2)
        own.close()
        before = {path: path.read_bytes() for path in folder.glob("*.seg")}
        with capture_logs() as logged:
            for _ in range(3):
                drain_all(drainer)
        # Told once; and there is a number to watch.
        assert [entry["event"] for entry in logged] == ["segment left alone"]
        assert metrics.REGISTRY.get_sample_value("shortener_spool_foreign_segments") == 1
        assert agreed(database) == 2
        (left,) = [path for path in folder.glob("*.seg") if path.read_bytes() == before[path]]
        returned = Drainer(folder, database, b"f" * 16)
        drain_all(returned)
        returned.close()
        assert agreed(database) == 5
        assert left.exists()

    @pytest.mark.parametrize("content", [b"", b"x" * 1000, bytes(1000)], ids=["empty", "text", "zeros"])
    def test_a_file_that_is_no_segment(
        self, database: Database, spool: Spool, drainer: Drainer, folder: Path, content: bytes
    ) -> None:
        (folder / "rubbish.seg").write_bytes(content)
        put(spool, make_link(database))
        drain_all(drainer)
        assert count(database) == 1
        assert (folder / "rubbish.seg").read_bytes() == content
        assert metrics.REGISTRY.get_sample_value("shortener_spool_foreign_segments") == 1
