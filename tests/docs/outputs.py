"""Compares the output of a command with the one in its page: some things differ each time, such as times and keys."""

import json
import re
from typing import Any

#: What may differ, by name: where the page shows a text of this form, the output must have one of this form.
#: Dates from 2090 on are a page's own, and must be the same.
RULES = {
    "time": r"(?!209)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?",
    "date": r"(?!209)\d{4}-\d\d-\d\d",
    "http_date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "key": r"shk_[0-9a-f]{12}_[\w-]{43}",
    "key_id": r"\b[0-9a-f]{12}\b",
    "signin_link": r"/admin/signin/[\w-]{43}\b",
    "cursor": r"\bWy[IJ][\w-]+",
    "fingerprint": r"\b[0-9a-f]{16,64}\b",
    "length": r"content-length: \d+",
    "wait": r"retry-after: \d+",
    "version": r"\b\d+\.\d+\.\d+\b",
    "generated_code": r"\b(?=\w{0,6}[2-9])(?=\w{0,6}[A-Z])(?=\w{0,6}[a-z])[2-9A-HJ-NP-Za-km-z]{7}\b",
    "server": r"\bhost=/\S+",
}
#: Any 7 characters of a generated code, of which a page shows one that looks like it.
_ACTUAL = RULES | {"generated_code": r"[2-9A-HJ-NP-Za-km-z]{7}"}
_VARIABLE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in RULES.items()))
#: What a page leaves out; on a line of its own, any number of lines.
_CUT = "…"


def difference(expected: str, output: str, language: str) -> str | None:
    """How `output` differs from what the page shows, None if it does not: JSON as data, the rest by line."""
    if language == "json" and _CUT not in expected:
        return _difference_of_data(expected, output)
    if language == "json":
        expected, output = "".join(expected.split()), "".join(output.split())
    if re.fullmatch(_pattern(expected), _plain(output)):
        return None
    return f"the page shows:\n{expected}\n\nthe command says:\n{output}"


def _pattern(expected: str) -> str:
    lines = [".*(?:\n.*)*?" if line == _CUT else _form(line) for line in _plain(expected).split("\n")]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Without what no reader looks at: how far columns stand apart, and space at the ends."""
    return "\n".join(re.sub(r"\s+", " ", line).strip() for line in text.strip("\r\n").splitlines())


def _form(expected: str) -> str:
    """A regular expression for everything that a page may show as `expected`."""
    parts, end = [], 0
    for match in _VARIABLE.finditer(expected):
        assert match.lastgroup
        parts += [_literal(expected[end : match.start()]), f"(?:{_ACTUAL[match.lastgroup]})"]
        end = match.end()
    return "".join([*parts, _literal(expected[end:])])


def _literal(expected: str) -> str:
    return ".*?".join(map(re.escape, expected.split(_CUT)))


def _difference_of_data(expected: str, output: str) -> str | None:
    try:
        documents, found = _documents(expected), _documents(output)
    except ValueError as error:
        return f"not JSON ({error}):\n{output}"
    different = _path_of_difference(documents, found, "$")
    return different and f"{different}\n\nthe command says:\n{output}"


def _documents(text: str) -> list[Any]:
    """One document, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.strip().splitlines()]


def _path_of_difference(expected: Any, found: Any, path: str) -> str | None:
    if isinstance(expected, dict) and isinstance(found, dict):
        if list(expected) != list(found):
            return f"{path} has {list(found)}, the page {list(expected)}"
        pairs = [(expected[name], found[name], f"{path}.{name}") for name in expected]
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = [(*both, f"{path}[{number}]") for number, both in enumerate(zip(expected, found, strict=True))]
    elif isinstance(expected, str) and isinstance(found, str):
        return None if re.fullmatch(_form(expected), found) else f"{path} is {found!r}, the page has {expected!r}"
    else:
        return None if expected == found else f"{path} is {found!r}, the page has {expected!r}"
    return next(filter(None, (_path_of_difference(*pair) for pair in pairs)), None)
