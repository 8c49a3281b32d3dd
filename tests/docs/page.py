"""A document as its reader follows it: the commands in order, each with the output that the page shows.

A fenced block is one of these:
- `console`: a command behind each `$ `, its output below it; a line that ends with a backslash goes on;
- `sh`, `python`: a script, run whole;
- any other language, directly below one of those: the output of its last command;
- marked by a comment on the line above it, `<!-- not run: REASON -->` and the like (MARKS): not run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

#: Why a block is not run by the suite, as the comment above it says.
MARKS = (
    "not run",  # needs what a test machine has not: another machine, a public name, a proxy
    "run by .ci/run",  # the two commands of the README, and what sets up a checkout
    "takes minutes",  # longer than the suite may take; run by hand
)
_FENCE = re.compile(r"^( *)```(\w*)$")
_MARK = re.compile(rf"^ *<!-- ({'|'.join(map(re.escape, MARKS))}): \S.* -->$")
_SCRIPTS = {"sh": "{}", "python": "python3 - <<'END_OF_PYTHON'\n{}\nEND_OF_PYTHON"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its `language` and text, the `line` it begins on, its mark, and what stands right above it."""

    language: str
    text: str
    line: int
    mark: str | None
    follows_a_block: bool


@dataclass(frozen=True)
class Step:
    """A command, or a script, that a reader types. `expected` is its output in the page, None where there is none."""

    command: str
    line: int
    expected: str | None = None
    #: The language of `expected`: JSON is compared as data, everything else as lines.
    language: str = "console"
    #: The line of the page that `expected` begins on.
    expected_line: int = 0


class BadPage(Exception):
    """The page does not keep the rules above."""


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page."""
    lines = text.splitlines()
    number, after_block = 0, False
    mark: str | None = None
    while number < len(lines):
        line = lines[number]
        if fence := _FENCE.match(line):
            end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == "```")
            body = "\n".join(each.removeprefix(fence[1]) for each in lines[number + 1 : end])
            yield Block(fence[2], body, number + 1, mark, after_block)
            number, after_block, mark = end, True, None
        elif marked := _MARK.match(line):
            mark, after_block = marked[1], False
        elif line.strip():
            mark, after_block = None, False
        number += 1


def steps(path: Path) -> list[Step]:
    """The steps of a page, in order. Raises BadPage where a block is neither run, output, nor marked."""
    found: list[Step] = []
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.mark:
            continue
        if block.language == "console":
            found += _console(block)
        elif block.language in _SCRIPTS:
            found.append(Step(_SCRIPTS[block.language].format(block.text), block.line))
        elif block.follows_a_block and found and found[-1].expected is None:
            found[-1] = replace(found[-1], expected=block.text, language=block.language, expected_line=block.line + 1)
        else:
            raise BadPage(f"{path.name}:{block.line}: neither commands, nor their output, nor marked as not run")
    return found


def _console(block: Block) -> Iterator[Step]:
    command, line = "", block.line
    expected: list[str] = []

    def step() -> Step:
        return Step(command, line, "\n".join(expected) or None, expected_line=line + 1 + command.count("\n"))

    for number, text in enumerate(block.text.splitlines(), block.line + 1):
        if command.endswith("\\"):
            command += "\n" + text
        elif text.startswith("$ "):
            if command:
                yield step()
            command, expected, line = text[2:], [], number
        elif not command:
            raise BadPage(f"line {number}: output before any command")
        else:
            expected.append(text)
    yield step()
