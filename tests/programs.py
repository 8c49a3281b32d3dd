"""Programs beside Python that some tests need. Tests are skipped without them, but fail in CI, which has them."""

import os
import shutil

import pytest


def path_of(*names: str) -> str:
    """The path of the first of these that is installed. Skips the test, or with REQUIRE_PROGRAMS fails it."""
    for name in names:
        if path := shutil.which(name):
            return path
    if os.environ.get("REQUIRE_PROGRAMS"):
        pytest.fail(f"{names[0]} is required here and not installed")
    pytest.skip(f"{names[0]} is not installed")
