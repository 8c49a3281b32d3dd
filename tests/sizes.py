"""How much a test with a long form does: a little in `make test`, as much as a night allows in `make test-nightly`.

One setting chooses: TEST_SIZE=nightly in the environment. The small size of each has found a real fault, put back by
`make faults` (tests/faults).
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

#: Marks a test that has a long form.
nightly = pytest.mark.nightly
IS_NIGHTLY = os.environ.get("TEST_SIZE") == "nightly"


def size(small: int, large: int) -> int:
    """`small` in `make test`, `large` in the night."""
    return large if IS_NIGHTLY else small


def beyond(rows: int, tests: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Of each table of cases among `tests`, the ones that are left when `rows` of them are taken, evenly spread."""
    tables = defaultdict(list)
    for test in sorted(tests, key=lambda test: test.nodeid):
        tables[test.nodeid.partition("[")[0]].append(test)
    for table in tables.values():
        taken = min(rows, len(table))
        places = {len(table) * row // taken for row in range(taken)}
        yield from (test for place, test in enumerate(table) if place not in places)
