"""`python -m tests.bench`: measures everything, prints it, and writes docs/BENCHMARKS.md."""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.bench import (
    bulks,
    counting,
    cpu,
    creates,
    drains,
    followers,
    machine,
    memory,
    misses,
    pairs,
    redirects,
    report,
    ruled,
    scans,
    startups,
    worst,
)
from tests.bench.large import section
from tests.bench.subject import Plan, Sample, Subject

DOCUMENT = Path(__file__).parents[2] / "docs" / "BENCHMARKS.md"
SUBJECTS = tuple(
    subject
    for module in (
        redirects,
        ruled,
        followers,
        counting,
        drains,
        pairs,
        misses,
        scans,
        creates,
        bulks,
        memory,
        startups,
        worst,
    )
    for subject in module.SUBJECTS
)


def missing(subject: Subject) -> str | None:
    """The first program that `subject` needs and this machine has not, or None."""
    return next((program for program in subject.needs if shutil.which(program) is None), None)


def main() -> None:
    """Runs the benchmarks that the command line asks for."""
    options = _options()
    # Servers are stopped on the way out; without this a SIGTERM would leave them running.
    signal.signal(signal.SIGTERM, _leave)
    subjects = [subject for subject in SUBJECTS if options.only in subject.name]
    absent = [(subject, program) for subject in subjects if (program := missing(subject))]
    skipped = [f"{subject.name} ({program} is not installed)" for subject, program in absent]
    available = [subject for subject in subjects if missing(subject) is None]
    plan = _plan(options)
    console = Console()
    began = time.monotonic()
    samples = _rounds(available, plan, options.rounds, console)
    run = report.Run(
        plan=plan,
        rounds=options.rounds,
        minutes=(time.monotonic() - began) / 60,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine.description(plan.cores),
        samples=samples,
        skipped=skipped,
    )
    console.print(*report.terminal(run), *(f"left out: {what}" for what in skipped), sep="\n")
    if not options.only:
        DOCUMENT.parent.mkdir(exist_ok=True)
        older = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
        DOCUMENT.write_text(section.carried_over(report.markdown(run), older), encoding="utf-8")
        console.print(f"written to {DOCUMENT}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each load (default 4)")
    parser.add_argument("--scan", type=int, default=10_000_000, help="requests of a scan (default 10,000,000)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only subjects whose name contains TEXT")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        cores=cpu.cores(),
        seconds=options.seconds,
        warm_up=min(1.0, options.seconds),
        samples=options.rounds,
        scan=options.scan,
    )


def _rounds(subjects: Sequence[Subject], plan: Plan, rounds: int, console: Console) -> list[Sample]:
    samples: list[Sample] = []
    for number in range(1, rounds + 1):
        measured: list[Sample] = []
        for subject in subjects:
            if subject.once and number > 1:
                continue
            with console.status(f"round {number} of {rounds}: {subject.name}"):
                measured += subject.measure(plan)
        samples += report.with_ratios(measured)
    return samples


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)


if __name__ == "__main__":
    main()
