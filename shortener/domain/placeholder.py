r"""Placeholders in targets: `{code}`, `{path}` and `{query.NAME}`, as people write them and as they are stored.

A stored target is a serialised URL, and serialising percent-encodes the braces of a path. So in stored targets both
`{code}` and `%7Bcode%7D` are placeholders; older ones have only the second form. A backslash, which no serialised
target contains, marks text that only looks like a placeholder.

    written       means          stored in a path     stored in a query
    {code}        placeholder    %7Bcode%7D           {code}
    {{code}}      text           \%7Bcode%7D          \{code}
    %7Bcode%7D    text           \%7Bcode%7D          \%7Bcode%7D
"""

import re
from urllib.parse import unquote

from shortener import errors

#: Most placeholders of a target: what a visit costs grows with them.
MAX_COUNT = 32

_MARK = "\\"
_NAME = r"(?:code|path|query\.(?:[^%/?#&={}\\]|%(?!7[BbDd]))+)"
_OPEN, _CLOSE = r"(?:\{|%7[Bb])", r"(?:\}|%7[Dd])"
_STORED = re.compile(rf"(?<!\\){_OPEN}({_NAME}){_CLOSE}")
_STORED_OR_MARKED = re.compile(rf"(\\?)({_OPEN})({_NAME})({_CLOSE})")
#: What a person writes: text in doubled braces, or what is stored as if it were a placeholder.
_WRITTEN = re.compile(rf"\{{\{{({_NAME})\}}\}}|{_OPEN}{_NAME}{_CLOSE}")
_WRITTEN_PLACEHOLDER = re.compile(rf"\{{{_NAME}\}}")
_BRACE = re.compile(rf"(\{{{_NAME}\}})|\{{(?=query\.)")
_BEGINS_LIKE_ONE = re.compile(r"\{query\.")
#: Instead of a placeholder: it keeps apart what stood before and behind it.
_NOTHING = " "
_RUNS_OF_Z = re.compile("[zZ]+")
#: Scheme and host of a web address, as people may write it.
_ORIGIN = re.compile(r"https?:/*[^/?#]*", re.IGNORECASE)


def is_in(stored: str) -> bool:
    """Whether a stored target has a placeholder."""
    return _STORED.search(stored) is not None


def has_marks(stored: str) -> bool:
    """Whether a stored target has text that is marked as no placeholder, so that it isn't its own Location."""
    return _MARK in stored


def names(stored: str) -> list[str]:
    """The placeholders of a stored target, each once, as people write them: `{code}`."""
    return list(dict.fromkeys(f"{{{match[1]}}}" for match in _STORED.finditer(stored)))


def cut(stored: str) -> tuple[str, ...]:
    """A stored target, or part of one, cut at its placeholders: every second piece is the name of one, decoded."""
    pieces = _STORED.split(stored)
    return tuple(unquote(piece) if index % 2 else location(piece) for index, piece in enumerate(pieces))


def check_count(stored: str, *, name: str) -> None:
    """Raises PlaceholderInvalid where a stored target has more than MAX_COUNT; `name` is the field to blame."""
    count = sum(1 for _ in _STORED.finditer(stored))
    if count > MAX_COUNT:
        detail = f"The target has {count} placeholders; at most {MAX_COUNT} are allowed."
        raise errors.PlaceholderInvalid(detail, field=name)


def location(stored: str) -> str:
    """The Location of a stored target, or part of one, that has no placeholders: without its marks."""
    return stored.replace(_MARK, "")


def written(stored: str) -> str:
    """The text of a stored target as a person writes it: sent again, it means the same."""
    return _STORED_OR_MARKED.sub(_as_written, stored)


def literal(text: str) -> str:
    """How a person writes `text` for a target in which nothing is a placeholder."""
    return _BRACE.sub(lambda match: f"{{{match[1]}}}" if match[1] else "%7B", text)


def may_be_in(text: str) -> bool:
    """Whether a target, as written, has braces, so that it takes a closer look; few have."""
    return "{" in text or "%7B" in text or "%7b" in text


def check(text: str, *, name: str) -> None:
    """Raises PlaceholderInvalid where a target, as written, has half a placeholder, or one where none can be.

    `name` is the field to blame. Other names in braces are ordinary text.
    """
    if _BEGINS_LIKE_ONE.search(_WRITTEN.sub(_NOTHING, text)):
        detail = "Name the parameter, as in {query.id}, without / ? # & = and braces."
        raise errors.PlaceholderInvalid(detail, field=name)
    fixed, where = _fixed_parts(text)
    found = (match for match in _WRITTEN.finditer(text) if _WRITTEN_PLACEHOLDER.fullmatch(match[0]))
    misplaced = next((match[0] for match in found if any(match.start() in part for part in fixed)), None)
    if misplaced is not None:
        raise errors.PlaceholderInvalid(f"{misplaced} can only stand behind {where}.", field=name)


def marker(text: str) -> str:
    """Letters that `text` does not contain and that every URL parser leaves alone."""
    longest = max((len(run) for run in _RUNS_OF_Z.findall(text)), default=0)
    return f"y{'z' * (longest + 1)}y"


def mark_literals(text: str, mark: str) -> str:
    """A target as written, with single braces around text in doubled ones, and `mark` before all such text."""

    def marked(match: re.Match[str]) -> str:
        if match[1] is not None:
            return f"{mark}{{{match[1]}}}"
        return match[0] if _WRITTEN_PLACEHOLDER.fullmatch(match[0]) else mark + match[0]

    origin = _ORIGIN.match(text)
    start = origin.end() if origin else 0
    return text[:start] + _WRITTEN.sub(marked, text[start:])


def stored(serialised: str, mark: str) -> str:
    """The stored form of a serialised target whose literals `mark_literals` has marked."""
    return serialised.replace(mark, _MARK)


def _as_written(match: re.Match[str]) -> str:
    mark, opening, name, closing = match.groups()
    if not mark:
        return f"{{{name}}}"
    return f"{{{{{name}}}}}" if (opening, closing) == ("{", "}") else f"{opening}{name}{closing}"


def _fixed_parts(text: str) -> tuple[list[range], str]:
    """Where in a target, as written, no placeholder can be, and behind what one can."""
    origin = _ORIGIN.match(text)
    if origin is not None:
        return [range(origin.end())], "the host"
    before_fragment, _, _ = text.partition("#")
    before_query, _, _ = before_fragment.partition("?")
    parts = [range(len(before_query)), range(len(before_fragment), len(text))]
    return parts, "the question mark of such an address"
