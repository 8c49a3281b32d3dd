"""`make faults`: puts known faults back, one at a time, into a copy of the tree, and sees that the tests find each.

That shows that the long forms of tests (tests/sizes.py) are still large enough in their small size. Without arguments
all faults; with names only those.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COPIED = ("shortener", "migrations", "tests", "alembic.ini", "pyproject.toml")
_DRAINER = "shortener/clicks/drainer.py"
_MARK_AND_CLICKS = """\
        with self._database.write() as connection:
            if not rows.advance_mark(connection, source.header.segment_id, source.mark, end):
                self._correct(source, rows.mark(connection, source.header.segment_id))
                return True
            written = self._write(connection, clicks)
"""


@dataclass(frozen=True)
class Fault:
    """`right` in the file at `path` becomes `wrong`, which the test `found_by` must find."""

    path: str
    right: str
    wrong: str
    found_by: str


FAULTS = {
    "lost": Fault(
        _DRAINER,
        _MARK_AND_CLICKS,
        _MARK_AND_CLICKS.replace(
            "            written =", "        with self._database.write() as connection:\n            written ="
        ),
        "tests/acceptance/test_kills.py::test_every_process_killed",
    ),
    "doubled": Fault(
        _DRAINER,
        _MARK_AND_CLICKS,
        # The mark of a batch is stored with the next one.
        """\
        owed, segment_id = self.__dict__.setdefault("_owed", {}), source.header.segment_id
        with self._database.write() as connection:
            if segment_id in owed:
                rows.advance_mark(connection, segment_id, owed[segment_id], source.mark)
            owed[segment_id] = source.mark
            written = self._write(connection, clicks)
""",
        "tests/acceptance/test_kills.py::test_every_process_killed",
    ),
    "unlike": Fault(
        "shortener/web/visits.py",
        'return head, body if is_get else b""',
        "return head, body",
        "tests/web/test_equivalence.py::test_the_edge_and_the_routes_say_the_same",
    ),
    "undescribed": Fault(
        "shortener/web/api/tags.py",
        "responses=examples.refusals(errors.TagNotFound),",
        "responses={},",
        "tests/web/test_schemathesis.py::test_nothing_is_found_that_is_not_known",
    ),
}


def main() -> None:
    """Fails unless every fault is found."""
    names = sys.argv[1:] or list(FAULTS)
    missed = [name for name in names if not _is_found(name, FAULTS[name])]
    if missed:
        sys.exit(f"not found: {', '.join(missed)}")


def _is_found(name: str, fault: Fault) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shortener-fault-") as folder:
        _put_back(fault, Path(folder))
        run = _run(Path(folder), [fault.found_by])
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "E   "))]
    verdict = "found" if run.returncode == 1 and failed else f"NOT FOUND (pytest ended with {run.returncode})"
    sys.stdout.write(f"{name}: {verdict} by {fault.found_by} in {time.monotonic() - began:.0f} s\n")
    sys.stdout.write("".join(f"    {line[:160]}\n" for line in failed[:3]))
    sys.stdout.flush()
    return verdict == "found"


def _put_back(fault: Fault, folder: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    text = (folder / fault.path).read_text()
    if text.count(fault.right) != 1:
        sys.exit(f"{fault.path} has changed: say anew what the fault is there")
    (folder / fault.path).write_text(text.replace(fault.right, fault.wrong))


def _run(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Before the checkout that the environment has installed.
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


if __name__ == "__main__":
    main()
