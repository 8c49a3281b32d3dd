"""How much a test with a long form does: a little in `make test`, as much as a night allows in `make test-nightly`.

One setting chooses: TEST_SIZE=nightly in the environment. The small size of each has found a real fault, put back by
`make faults` (tests/faults).
"""

import os

import pytest

#: Marks a test that has a long form.
nightly = pytest.mark.nightly
IS_NIGHTLY = os.environ.get("TEST_SIZE") == "nightly"


def size(small: int, large: int) -> int:
    """`small` in `make test`, `large` in the night."""
    return large if IS_NIGHTLY else small
