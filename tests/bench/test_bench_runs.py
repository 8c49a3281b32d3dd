"""The benchmarks run and give figures. What the figures are is not tested: that depends on the machine."""

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import pytest

from tests.bench import cpu, machine, report
from tests.bench.__main__ import SUBJECTS, missing
from tests.bench.subject import Plan, Sample, Subject

#: Long enough for a server that is not warm to answer once on a busy machine.
_PLAN = Plan(cores=cpu.cores(), seconds=1.0, warm_up=0.0)

Running = dict[str, Future[list[Sample]]]
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Every subject whose programs are here, side by side: mostly they wait, and nobody compares them."""
    # Every other one swaps the cores, since it is the servers that have work to do.
    plans = (_PLAN, replace(_PLAN, cores=cpu.Cores(server=_PLAN.cores.load, load=_PLAN.cores.server)))
    subjects = [subject for subject in SUBJECTS if missing(subject) is None]
    with ThreadPoolExecutor(4) as pool:
        yield {
            subject.name: pool.submit(subject.measure, plan)
            for subject, plan in zip(subjects, cycle(plans), strict=False)
        }


@every_subject
def test_subject_gives_figures(subject: Subject, running: Running) -> None:
    program = missing(subject)
    if program is not None:
        pytest.skip(f"{program} is not installed")
    samples = running[subject.name].result()
    assert samples
    for sample in samples:
        known = {column.key for column in sample.row.table.columns}
        assert sample.figures
        assert sample.figures.keys() <= known
        assert all(math.isfinite(figure) and figure >= 0 for figure in sample.figures.values())


def test_report_has_a_line_for_every_row(running: Running) -> None:
    samples = [sample for future in running.values() for sample in future.result()]
    run = report.Run(
        plan=_PLAN,
        rounds=1,
        minutes=0.1,
        date="2026-01-01",
        machine=machine.description(_PLAN.cores),
        samples=report.with_ratios(samples),
        skipped=(),
    )
    text = report.markdown(run)
    for sample in samples:
        assert f"\n| {sample.row.name} | " in text
    assert len(report.terminal(run)) == len({sample.row.table for sample in samples})
