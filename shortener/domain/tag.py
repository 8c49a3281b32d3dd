"""Tags: words by which links are grouped."""

from collections.abc import Iterable

from shortener import errors
from shortener.domain import text

MAX_LENGTH = 64


def normal_form(tag: str) -> str:
    """`tag` as it is stored and compared: NFC, lower case, without space around it. Raises TagInvalid."""
    wrong = text.forbidden_character(tag) or ("," if "," in tag else None)
    if wrong is not None:
        raise errors.TagInvalid(f"{text.visible(wrong)} cannot stand in a tag.", field="tags")
    normal = text.nfc(text.nfc(tag).strip().lower())
    if not normal:
        raise errors.TagInvalid("A tag is empty.", field="tags")
    # Of the normal form, which may be longer than the tag: what is stored can be asked for again.
    if len(normal) > MAX_LENGTH:
        detail = f"A tag has {len(normal)} characters; at most {MAX_LENGTH} are allowed."
        raise errors.TagInvalid(detail, field="tags")
    return normal


def normal_forms(tags: Iterable[str]) -> tuple[str, ...]:
    """The distinct normal forms of `tags`, sorted."""
    return tuple(sorted({normal_form(tag) for tag in tags}))
