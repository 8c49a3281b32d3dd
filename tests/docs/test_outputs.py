"""The comparison of outputs lets pass what differs each time, and nothing else."""

import pytest

from tests.docs.outputs import difference

#: By name: what the page shows, an output, its language, and whether it passes.
CASES = {
    "another time": ("at 2026-11-23T01:38:21.860750Z", "at 2026-11-30T06:00:00.000001Z", "console", True),
    "a time of another form": ("at 2026-11-23T01:38:21Z", "at yesterday", "console", False),
    "a date of the page's own": ("until 2099-01-31T12:00:00Z", "until 2099-02-01T12:00:00Z", "console", False),
    "another generated code": ("http://localhost:8000/XHp2ZpW", "http://localhost:8000/abcdefg", "console", True),
    "a word is no generated code": ("Firefox  2", "Windows  2", "console", False),
    "another number": ("Firefox  2", "Firefox  3", "console", False),
    "wider columns": ("code   clicks", "code        clicks", "console", True),
    "a line more": ("one", "one\ntwo", "console", False),
    "a line less": ("one\ntwo", "one", "console", False),
    "the end is left out": ("one\n…", "one\ntwo\nthree", "console", True),
    "the beginning differs": ("one\n…", "two\nthree", "console", False),
    "part of a line is left out": ("a … z", "a b c z", "console", True),
    "no body behind the head": ("HTTP/1.1 404 Not Found", "HTTP/1.1 404 Not Found\r\n\r\n", "console", True),
    "JSON in one line": ('{\n  "a": [1, 2]\n}', '{"a":[1,2]}', "json", True),
    "JSON in another order": ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "json", False),
    "JSON with another value": ('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 3]}}', "json", False),
    "JSON with a field more": ('{"a": 1}', '{"a": 1, "b": 2}', "json", False),
    "JSON with another key": (
        f'{{"key": "shk_{"a" * 12}_{"b" * 43}"}}',
        f'{{"key": "shk_{"c" * 12}_{"d" * 43}"}}',
        "json",
        True,
    ),
    "no JSON": ('{"a": 1}', "Internal Server Error", "json", False),
    "JSON that is cut": ('{"a": 1, …}', '{"a":1,"b":2}', "json", True),
}


@pytest.mark.parametrize(("expected", "output", "language", "passes"), CASES.values(), ids=CASES.keys())
def test_what_may_differ(expected: str, output: str, language: str, *, passes: bool) -> None:
    assert (difference(expected, output, language) is None) is passes
