"""How property tests run: as long as an example takes, and with the same examples each time, but in the night."""

from hypothesis import settings

from tests.sizes import IS_NIGHTLY, size

#: Decorates a property test whose examples are cheap, one whose examples are not.
law = settings(max_examples=size(100, 5_000), deadline=None, derandomize=not IS_NIGHTLY)
slow_law = settings(max_examples=size(50, 1_000), deadline=None, derandomize=not IS_NIGHTLY)
