"""Query parameters of a route: which there are, and the refusal of those that there are not."""

import difflib
from collections.abc import Collection, Iterable

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from shortener import errors

#: Characters of a name that an error repeats.
_MAX_SHOWN = 40


def names_of(dependant: Dependant) -> frozenset[str]:
    """The names of the query parameters of a route, and of whatever it depends on."""
    names = {name for inner in dependant.dependencies for name in names_of(inner)}
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.update(inner.alias or name for name, inner in kind.model_fields.items())
        else:
            names.add(field.alias)
    return frozenset(names)


def check_names(sent: Iterable[str], known: Collection[str]) -> None:
    """Raises ValidationFailed where a parameter is sent that is not `known`: it would do nothing, unnoticed."""
    unknown = next((name for name in sent if name not in known), None)
    if unknown is not None:
        shown = unknown[:_MAX_SHOWN]
        message = f"There is no parameter '{shown}' here. {_parameters(shown, known)}"
        raise errors.ValidationFailed([errors.FieldProblem(shown, "unknown-parameter", message)])


def choices(name: str, known: Collection[str]) -> str:
    """What to say to who has written `name`, which is not among `known`: the nearest, if one is near, and all."""
    nearest = difflib.get_close_matches(name, known, 1)
    meant = f"Did you mean '{nearest[0]}'? " if nearest else ""
    return f"{meant}There are: {', '.join(known)}."


def _parameters(name: str, known: Collection[str]) -> str:
    return choices(name, sorted(known)) if known else "This operation has no parameters in the query."
