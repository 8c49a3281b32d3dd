"""What commands show: tables for people, JSON for programs, one line for what went wrong."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from shortener import lazy

if TYPE_CHECKING:
    from rich import console as consoles
    from rich import table as tables
else:
    consoles = lazy.module("rich.console")
    tables = lazy.module("rich.table")

#: Columns of a line that nobody looks at; more than the longest row has.
_PIPE_WIDTH = 100_000

#: What takes a command's question for answered.
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON.")]


def complain(message: str, exit_code: int = 1) -> int:
    """Says on standard error what went wrong; returns the exit code."""
    typer.echo(f"shortener: {message}", err=True)
    return exit_code


def ask(question: str, *, yes: bool) -> None:
    """Asks on standard error before something is lost, unless `yes`. Exits where the answer is no, or none comes."""
    if not yes:
        typer.confirm(question, abort=True, err=True)


def date_and_time(value: str | None) -> str | None:
    """One of the API's dates and times as tables show it: in UTC, to the second."""
    return None if value is None else value[:19].replace("T", " ")


def show_json(answer: Any) -> None:
    """Prints an answer for programs."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, numeric: Sequence[str] = ()) -> None:
    """Prints rows for people; columns in `numeric` stand to the right. None shows as a dash."""
    table = tables.Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        # The first column names the row: it stays in one piece.
        justify: Literal["right", "left"] = "right" if column in numeric else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*("–" if value is None else str(value) for value in row))
    _print(table)


def show_fields(answer: dict[str, Any]) -> None:
    """Prints one thing for people, a field per line; absent ones are left out."""
    shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in answer.items()}
    rows = [(name, value) for name, value in shown.items() if value not in (None, "")]
    table = tables.Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, str(value))
    _print(table)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Shows at a terminal how far long work is, on standard error; gives what tells it of a number of steps done.

    Without a `total`, since nobody knows it, how many steps those are.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = consoles.Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def _print(table: "tables.Table") -> None:
    """Prints text as it is: a title has no markup. In a pipe a row is one line, without spaces at its end."""
    # Rich drops colours for NO_COLOR, and bold only together with all styles.
    system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    console = consoles.Console(markup=False, emoji=False, highlight=False, color_system=system)
    if console.is_terminal:
        console.print(table)
        return
    console.width = _PIPE_WIDTH
    with console.capture() as captured:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
