"""The query parameter `class`: which kinds of visitors are meant, as a comma list."""

from typing import Annotated

from fastapi import Depends, Query

from shortener import errors
from shortener.domain.click import ClickClass

#: Characters of a list: more than all of them take.
MAX_LENGTH = 100
_KNOWN = {kind.label: kind for kind in ClickClass}
#: Characters of a name that an error repeats.
_MAX_SHOWN = 40


def classes(names: str) -> frozenset[ClickClass]:
    """The classes in a comma list. Raises ValidationFailed."""
    wanted = [name.strip() for name in names.split(",")]
    unknown = next((name for name in wanted if name not in _KNOWN), None)
    if unknown is not None:
        message = f"'{unknown[:_MAX_SHOWN]}' is no class; the classes are {', '.join(_KNOWN)}."
        raise errors.ValidationFailed([errors.FieldProblem("class", "unknown-class", message)])
    return frozenset(_KNOWN[name] for name in wanted)


async def _classes(
    names: Annotated[
        str,
        Query(
            alias="class",
            max_length=MAX_LENGTH,
            description="Classes to count, as a comma list.",
            examples=["human,bot"],
        ),
    ] = ClickClass.HUMAN.label,
) -> frozenset[ClickClass]:
    return classes(names)


Classes = Annotated[frozenset[ClickClass], Depends(_classes)]
