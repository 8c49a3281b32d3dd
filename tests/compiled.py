"""Compiled statements, shared by all databases of one process of tests.

Each application compiles its statements when it first sends them, which is a quarter of the CPU of a test that starts
one (measured).
"""

from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

#: More than all statements there are.
_STATEMENTS = 10_000


def share() -> None:
    """Has every engine that is created from here on use the compiled statements of the others."""
    cache: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
    create = Engine.__init__

    def create_sharing(engine: Engine, *arguments: Any, **options: Any) -> None:
        create(engine, *arguments, **options)
        engine._compiled_cache = cache

    Engine.__init__ = create_sharing  # type: ignore[assignment, method-assign]
    # A part of the key. All of one kind are configured alike.
    DefaultDialect.__eq__ = lambda dialect, other: type(dialect) is type(other)  # type: ignore[method-assign]
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[assignment, method-assign]
