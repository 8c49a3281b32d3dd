"""The benchmark of large databases runs, on a small one. What the figures are is not tested."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from shortener.app import create_app
from shortener.domain import period
from shortener.domain.grouping import Grouping
from shortener.domain.table import Form
from shortener.settings import Settings
from tests.bench.clickstream.shape import Plan
from tests.bench.large import readback, section
from tests.bench.large.__main__ import Task, measure
from tests.bench.large.asking import Times
from tests.bench.large.engines import ENGINES
from tests.bench.large.exports import Exports, Written
from tests.bench.large.questions import Offer, questions, scopes
from tests.bench.large.readback import NotEqual, ReadBack
from tests.bench.large.section import Result


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user reaches, as whom PostgreSQL runs if we are root."""
    folder = Path(tempfile.mkdtemp(prefix="shortener-large-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def plan() -> Plan:
    return Plan(clicks=1_500, links=1_000, days=10, seed=1, end_ms=period.to_ms(datetime.now(UTC)), portion=1_000)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_small_one_is_built_and_asked(kind: str, reachable: Path, plan: Plan) -> None:
    task = Task(plan, times=2, repeats=1, folder=reachable, rows=1_000)
    found = measure(kind, task, Console(quiet=True))
    assert found.clicks == 3_000
    assert min(found.bytes_per_click, found.per_second, found.cpu_us) > 0
    names = {question.scope.name for question in found.http}
    assert {"all links", "the heaviest link", "a median link"} <= names
    assert names | {scope.name for scope in found.absent} == {scope.name for scope in scopes(plan)}
    assert found.services
    assert found.exports is not None
    in_csv, in_ndjson = found.exports.files
    # Fewer than all of them, and of the first slot all.
    assert 1_000 <= in_csv.rows == in_ndjson.rows == found.exports.read.rows < 2_000
    assert in_csv.bytes > in_csv.rows * 50
    text = section.markdown(found)
    assert text.count("\n| the heaviest link | ") > 20
    # What was built is there still.
    again = measure(kind, task, Console(quiet=True))
    assert again.clicks == found.clicks


def test_every_question_that_the_api_answers_is_asked(tmp_path: Path, plan: Plan) -> None:
    offer = Offer(create_app(Settings(_env_file=None, data_dir=tmp_path)).openapi())
    everything, *_ = scopes(plan)
    asked = list(questions(offer, everything, days=365))
    groups = {question.group_by for question in asked}
    assert groups == {str(each) for each in Grouping}
    assert {"referrer", "browser", "country", "timeseries"} <= groups
    series = {(question.interval, question.name) for question in asked if question.group_by == "timeseries"}
    assert ("30d", "series, 15m") in series
    assert ("1y", "series, hour") in series
    assert ("1y", "series, 15m") not in series


_FOUND = Result("SQLite", 10, 1, 1, 1, 1.0, 1.0, 1.0, 1, "2026-01-01", (), {}, {}, {}, ())


def test_a_section_takes_the_place_of_its_predecessor_and_no_other() -> None:
    mine, other = section.markdown(_FOUND), section.markdown(replace(_FOUND, engine="PostgreSQL"))
    document = section.put(section.put("# Benchmarks\n\nSome.\n", other), mine)
    assert document.count("## 10 clicks on") == 2
    newer = mine.replace("2026-01-01", "2027-07-07")
    replaced = section.put(document, newer)
    assert replaced.count("## 10 clicks on") == 2
    assert "2027-07-07" in replaced
    assert "2026-01-01" in replaced
    assert section.put(replaced, mine) == document


def test_sections_outlive_what_else_is_written() -> None:
    older = section.put("# Benchmarks\n\nOld.\n", section.markdown(_FOUND))
    newer = section.carried_over("# Benchmarks\n\nNew.\n", older)
    assert newer == older.replace("Old.", "New.")


def test_the_slowest_question_is_named_and_judged(tmp_path: Path, plan: Plan) -> None:
    offer = Offer(create_app(Settings(_env_file=None, data_dir=tmp_path)).openapi())
    first, second, *_ = questions(offer, scopes(plan)[0], days=365)
    times = {first: Times(1.0, 49.0, 60.0), second: Times(2.0, 51.0, 52.0)}
    text = section.markdown(replace(_FOUND, http=times))
    assert f"| all links | 30d | 2 | 2.0 | 51.0 (bar ≤ 50: missed) | {second.name} | 60.0 |" in text


def test_what_an_export_takes_is_judged() -> None:
    files = [
        Written(Form.CSV, 2_000, 300_000, 0.5, 0.02, 30.0),
        Written(Form.NDJSON, 2_000, 900_000, 0.6, 0.04, 30.1),
    ]
    text = section.markdown(replace(_FOUND, exports=Exports(files, ReadBack(2_000, 3))))
    assert "| CSV | 2,000 | 0.3 | 0.5 | 10.0 | 30.0 (bar ≤ 30: met) |" in text
    assert "| NDJSON | 2,000 | 0.9 | 0.6 | 20.0 | 30.1 (bar ≤ 30: missed) |" in text
    assert "reads 2,000 rows" in text
    assert "Cells with one: 3." in text


_HEAD = "code,unique,utm_source\r\n"
_LINE = '{"code":"x","unique":true,"utm_source":null}\n'


def _compared(folder: Path, table: str, lines: str) -> ReadBack:
    in_csv, in_ndjson = folder / "a.csv", folder / "a.ndjson"
    in_csv.write_text(table, newline="")
    in_ndjson.write_text(lines)
    return readback.compare(in_csv, in_ndjson)


def test_equal_files_are_equal_and_guarded_cells_counted(tmp_path: Path) -> None:
    values = [{"code": "x", "unique": False, "utm_source": text} for text in ("=1+1", "'a", "-\r\n")]
    table = _HEAD + "x,true,\r\n" + "".join(f'x,false,"\'{each["utm_source"]}"\r\n' for each in values)
    lines = _LINE + "".join(json.dumps(each) + "\n" for each in values)
    assert _compared(tmp_path, table, lines) == ReadBack(rows=4, guarded=3)
    assert _compared(tmp_path, _HEAD, "") == ReadBack(rows=0, guarded=0)


@pytest.mark.parametrize(
    ("table", "lines", "said"),
    [
        pytest.param("x,true,\r\n", "", "row 1 is in one", id="only-in-csv"),
        pytest.param("x,true,\r\n", _LINE * 2, "row 2 is in one", id="only-in-ndjson"),
        pytest.param("y,true,\r\n", _LINE, "row 1: ", id="another-value"),
        pytest.param("x,true\r\n", _LINE, "row 1: ", id="a-cell-too-few"),
        pytest.param("x,true,\r\n", _LINE.replace("code", "kode"), "row 1: columns", id="another-column"),
        pytest.param("x,true,=1\r\n", _LINE.replace("null", '"=1"'), "formula", id="a-formula"),
        pytest.param('x,true,"\tb"\r\n', _LINE.replace("null", '"\\tb"'), "formula", id="a-tab"),
    ],
)
def test_what_is_not_equal_or_not_inert_is_told(tmp_path: Path, table: str, lines: str, said: str) -> None:
    with pytest.raises(NotEqual, match=said):
        _compared(tmp_path, _HEAD + table, lines)
