"""The kinds of errors: what the caller must change, and what is our fault."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong input: where it stands, a stable code, and a sentence that says what would be right."""

    field: str
    code: str
    message: str


class ShortenerError(Exception):
    """Something went wrong."""

    #: Stable name of this failure, in API answers and documentation: the class's own, unless it says another.
    code = "error"

    def __init_subclass__(cls) -> None:
        if "code" not in cls.__dict__:
            cls.code = _CAPITAL.sub("-", cls.__name__).lower()

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        super().__init__(self.detail)


class Refused(ShortenerError):
    """The request cannot be carried out as it stands."""

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        super().__init__(detail)
        #: The input at fault, as its sender named it; None when no single one is.
        self.field = field
        #: One entry per input at fault.
        self.problems: Sequence[FieldProblem] = [FieldProblem(field, self.code, self.detail)] if field else []


class Broken(ShortenerError):
    """A fault on our side."""

    code = "internal-error"


class DatabaseUnavailable(Broken):
    """The database cannot be reached right now; try again shortly."""


class DatabaseBusy(DatabaseUnavailable):
    """The database is locked by another writer; try again shortly."""


class StartFailed(Broken):
    """The shortener cannot start."""
