"""`python -m tests.docs PAGE …` follows pages and prints what differs; `--write` puts what commands say into them."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.docs.following import Said, said_by

#: An output that leaves something out is its author's.
_CUT = "…"


def main() -> None:
    """Follows the pages that the command line names; exit code 1 if one differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="write into the page what its commands have said")
    options = parser.parse_args()
    wrong = False
    for path in options.pages:
        with tempfile.TemporaryDirectory() as folder:
            found = list(said_by(path.resolve(), Path(folder)))
        for each in (each for each in found if each.wrong):
            wrong = True
            sys.stdout.write(f"{path}:{each.step.line}: $ {each.step.command}\n{each.wrong}\n\n")
        if options.write:
            _write(path, found)
    sys.exit(wrong)


def _write(path: Path, found: list[Said]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for each in reversed(found):
        shown = each.step.shown
        if each.wrong is None or shown is None or _CUT in shown:
            continue
        first = each.step.shown_line - 1
        lines[first : first + len(shown.splitlines())] = _lines(each)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(each: Said) -> list[str]:
    said = each.said.strip("\n")
    if each.step.language == "json" and "\n" in (each.step.shown or ""):
        said = json.dumps(json.loads(said), indent=2, ensure_ascii=False)
    return [line.rstrip() for line in said.splitlines()]


if __name__ == "__main__":
    main()
