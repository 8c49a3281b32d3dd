"""Every page is followed from an empty instance, step by step: each command works and says what the page shows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs import page
from tests.docs.following import ROOT, follow
from tests.docs.page import MARKS
from tests.programs import path_of

#: The outcome of programs; nobody follows them.
_REPORTS = {"BENCHMARKS.md", "RELIABILITY.md"}
PAGES = sorted(path for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if "```" in path.read_text())
#: At most so many blocks have each mark.
_MOST = {"not run": 12, "run by .ci/run": 4, "takes minutes": 6}


@pytest.mark.system
@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_can_be_followed(path: Path, tmp_path: Path) -> None:
    for program in ("bash", "curl"):
        path_of(program)
    today = datetime.now(UTC).date()
    fault = follow(path, tmp_path)
    if fault and today != datetime.now(UTC).date():
        fault = follow(path, tmp_path)  # midnight came between a visit and its statistics
    assert not fault, fault


def test_what_is_not_run_stays_little() -> None:
    marked = [block.mark for path in PAGES for block in page.blocks(path.read_text()) if block.mark]
    assert {mark: marked.count(mark) for mark in MARKS if marked.count(mark) > _MOST[mark]} == {}


GUIDES = [path for path in PAGES if path.name not in _REPORTS]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_says_what_it_needs_and_what_comes_next(path: Path) -> None:
    text = path.read_text()
    assert "**You need**" in text or path.name == "README.md"
    assert "**Next**" in text or "## Where next" in text
