"""How property tests run: the same examples each time, and as long as an example takes."""

from hypothesis import settings

#: Decorates a property test whose examples are cheap, one whose examples are not.
law = settings(max_examples=200, deadline=None, derandomize=True)
slow_law = settings(max_examples=80, deadline=None, derandomize=True)
