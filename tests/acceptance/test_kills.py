"""Killed at any moment, under load: every click that was answered is counted exactly once. Nightly: `make kills`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.kills import blows, trial
from tests.kills.trial import Outcome
from tests.postgres import Postgres

#: Whatever is drawn is drawn with it; where the blows land depends on the machine all the same.
SEED = int(os.environ.get("KILLS_SEED", "20261122"))
#: In `make kills` it is 1,000 kills and 20 restarts. Ten are enough to find a click that is lost, or counted twice
#: (`make faults`), and the last of them are of all processes at once.
_KILLS, _RESTARTS = 10, 2
#: Enough for clicks to be lost where they can be.
_A_FEW = 6

Report = Callable[[Outcome], None]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Says what happened, whether it was right or not."""

    def say(outcome: Outcome) -> None:
        with capsys.disabled():
            Console(soft_wrap=True, highlight=False).print("", *outcome.lines(), sep="\n", markup=False)

    return say


def test_every_process_killed(tmp_path: Path, report: Report) -> None:
    outcome = trial.run(tmp_path, blows.kills(_KILLS), seed=SEED)
    report(outcome)
    assert not outcome.complaints
    assert outcome.blows == _KILLS


@pytest.mark.system
def test_postgresql_restarted(tmp_path: Path, report: Report) -> None:
    server = Postgres(durable=True)
    try:
        outcome = trial.run(tmp_path, blows.restarts(_RESTARTS), seed=SEED, postgres=server)
    finally:
        server.stop()
    report(outcome)
    assert not outcome.complaints
    assert len(outcome.recoveries[blows.Blow.DATABASE]) == _RESTARTS


@pytest.mark.system
def test_clicks_that_were_only_in_memory_are_missed(tmp_path: Path, report: Report) -> None:
    """The test can fail: with this durability, clicks of the last ten milliseconds are lost, and it notices."""
    outcome = trial.run(tmp_path, blows.kills(_A_FEW), seed=SEED, SHORTENER_CLICK_DURABILITY="memory")
    report(outcome)
    assert outcome.lost
    assert not outcome.doubled
