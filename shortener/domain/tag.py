"""Tags: words by which links are grouped."""

from collections.abc import Iterable
from dataclasses import dataclass

from shortener import errors
from shortener.domain import text

MAX_LENGTH = 64
#: Longest tag that is normalised at all: composing characters may bring one down to MAX_LENGTH, but the time
#: it takes is quadratic in a run of combining marks.
_MAX_RAW_LENGTH = 4 * MAX_LENGTH


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with what its living links have. Detached: changing it changes nothing stored."""

    #: In normal form.
    name: str
    #: As domain.color writes it; None where nobody has chosen one.
    color: str | None
    links: int
    #: Clicks by people, and those of them that were a visitor's first of the day, over all its links.
    clicks: int
    unique: int


def normal_form(tag: str, *, name: str = "tags") -> str:
    """`tag` as it is stored and compared: NFC, lower case, without space around it.

    `name` is the field that the error blames. Raises TagInvalid.
    """
    wrong = text.forbidden_character(tag) or ("," if "," in tag else None)
    if wrong is not None:
        raise errors.TagInvalid(f"{text.visible(wrong)} cannot stand in a tag.", field=name)
    normal = text.nfc(text.nfc(tag).strip().lower()) if len(tag) <= _MAX_RAW_LENGTH else tag
    if not normal:
        raise errors.TagInvalid("A tag is empty.", field=name)
    # Of the normal form, which may be longer than the tag: what is stored can be asked for again.
    if len(normal) > MAX_LENGTH:
        detail = f"A tag has {len(normal)} characters; at most {MAX_LENGTH} are allowed."
        raise errors.TagInvalid(detail, field=name)
    return normal


def normal_forms(tags: Iterable[str]) -> tuple[str, ...]:
    """The distinct normal forms of `tags`, sorted."""
    return tuple(sorted({normal_form(tag) for tag in tags}))
