"""`python -m tests.docs PAGE …` follows pages and prints what differs; `--write` puts what commands say into them."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.docs.following import Result, results

#: An output that leaves something out is its author's.
_CUT = "…"


def main() -> None:
    """Follows the pages that the command line names; exit code 1 if one differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="write into the page the output of its commands")
    options = parser.parse_args()
    fault = False
    for path in options.pages:
        with tempfile.TemporaryDirectory() as folder:
            found = list(results(path.resolve(), Path(folder)))
        for each in (each for each in found if each.fault):
            fault = True
            sys.stdout.write(f"{path}:{each.step.line}: $ {each.step.command}\n{each.fault}\n\n")
        if options.write:
            _write(path, found)
    sys.exit(fault)


def _write(path: Path, found: list[Result]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for each in reversed(found):
        expected = each.step.expected
        if each.fault is None or expected is None or _CUT in expected:
            continue
        first = each.step.expected_line - 1
        lines[first : first + len(expected.splitlines())] = _lines(each)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(each: Result) -> list[str]:
    output = each.output.strip("\n")
    if each.step.language == "json" and "\n" in (each.step.expected or ""):
        output = json.dumps(json.loads(output), indent=2, ensure_ascii=False)
    return [line.rstrip() for line in output.splitlines()]


if __name__ == "__main__":
    main()
