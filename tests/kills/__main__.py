"""`python -m tests.kills`: the kill tests in their long form. With `--write` it writes docs/RELIABILITY.md."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.kills import blows, report, trial
from tests.kills.trial import LINKS, Outcome
from tests.postgres import Postgres

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"
#: What `make kills` does.
_WHOLE = {"kills": 1000, "restarts": 20, "compared": 50}
#: Losing clicks is no fault of this one.
_LOSING = "memory"


def main() -> None:
    """Runs the trials that the command line asks for; fails if any has a complaint."""
    options = _options()
    # Servers are stopped on the way out; without this a SIGTERM would leave them running.
    signal.signal(signal.SIGTERM, _leave)
    console = Console(soft_wrap=True, highlight=False)
    began = time.monotonic()
    trials = list(_told(console, _trials(options)))
    durabilities = list(zip(("process", "power", _LOSING), _told(console, _compared(options)), strict=False))
    run = report.Run(
        command=_command(options),
        date=datetime.now(UTC).date().isoformat(),
        minutes=(time.monotonic() - began) / 60,
        links=LINKS,
        trials=trials,
        durabilities=durabilities,
    )
    judged = [*trials, *(each for name, each in durabilities if name != _LOSING)]
    if any(each.complaints for each in judged):
        sys.exit("clicks or links are not as they must be: see WRONG above")
    if options.write:
        DOCUMENT.write_text(report.markdown(run), encoding="utf-8")
        console.print(f"written to {DOCUMENT}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=20261122, help="what is drawn, is drawn with it")
    what = ("kills on SQLite", "restarts of PostgreSQL", "kills with each durability")
    for (name, number), each in zip(_WHOLE.items(), what, strict=True):
        parser.add_argument(f"--{name}", type=int, default=number, help=f"{each} (default {number})")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    return parser.parse_args()


def _command(options: argparse.Namespace) -> str:
    """What repeats this run."""
    if all(getattr(options, name) == number for name, number in _WHOLE.items()):
        return "make kills"
    return "python -m tests.kills --write " + " ".join(f"--{name} {getattr(options, name)}" for name in _WHOLE)


def _trials(options: argparse.Namespace) -> Iterator[Outcome]:
    if options.kills:
        with _folder() as folder:
            yield trial.run(folder, blows.kills(options.kills), seed=options.seed)
    if options.restarts:
        server = Postgres(durable=True)
        try:
            with _folder() as folder:
                yield trial.run(folder, blows.restarts(options.restarts), seed=options.seed, postgres=server)
        finally:
            server.stop()


def _compared(options: argparse.Namespace) -> Iterator[Outcome]:
    for name in ("process", "power", _LOSING) if options.compared else ():
        with _folder() as folder:
            dealt = blows.kills(options.compared)
            yield trial.run(folder, dealt, seed=options.seed, SHORTENER_CLICK_DURABILITY=name)


def _told(console: Console, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for each in outcomes:
        console.print(*each.lines(), sep="\n", markup=False)
        yield each


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shortener-kills-") as folder:
        yield Path(folder)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)


if __name__ == "__main__":
    main()
