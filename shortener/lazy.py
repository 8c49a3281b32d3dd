"""Modules that are named at the top of a file, as all are, and loaded when they are first used: the heavy and rare.

A worker that never draws a QR code need not keep a drawing library, one on SQLite no dialect of PostgreSQL (ADR 14).
Python will have this as a statement: `lazy import` of PEP 810.
"""

from importlib import import_module
from types import ModuleType
from typing import Any


def module(name: str) -> Any:
    """The module `name`, loaded when something of it is first asked for. Raises ImportError then, not now.

    Any thread may be the first. For type checkers, import it under TYPE_CHECKING as well.
    """
    return _Lazy(name)


class _Lazy(ModuleType):
    def __getattr__(self, name: str) -> Any:
        """Something of the module."""
        # The import system's own locks make the first of several threads load it and the others wait.
        return getattr(import_module(self.__name__), name)
