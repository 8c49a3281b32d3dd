"""Destinations: where a visit is sent, given the target, the code, and the path and query that the visitor adds.

Placeholders stand behind the host: `{code}`, `{path}` (what follows the code) and `{query.NAME}` (a parameter of the
visit); domain/placeholder says how they are stored. What a visitor sends is escaped for where it goes: scheme, host
and port stay the target's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from shortener.domain import placeholder
from shortener.domain.target import MAX_LENGTH

#: By which a QR code marks its visits; nobody else's business.
QR_PARAMETER = "qr"

_WEB = re.compile(r"https?://[^/?#]*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: What steps out of a folder once a server has decoded it: some take a backslash, an encoded slash or a semicolon
#: (path parameters) for the end of a segment.
_DOTS = re.compile(r"(?:^|[/\\])\.\.?(?:[/\\;]|\Z)")
#: What RFC 3986 lets stand in a path, and in a query (less `;`, which old servers take for `&`).
_PATH_SAFE = "/%:@!$&'()*+,;="
_QUERY_SAFE = "/%:@!$'()*+,=?"

#: Text cut at its placeholders: every second piece is the name of one.
_Text = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Visit:
    """What may change from visit to visit, as the visitor sent it."""

    code: str
    path: str
    query: str

    def value(self, name: str) -> str:
        """What a placeholder stands for, decoded."""
        if name == "code":
            return self.code
        if name == "path":
            return unquote(self.path)
        return self._parameter(unquote(name.removeprefix("query.")))

    def _parameter(self, name: str) -> str:
        """The first of that name; nothing where there is none."""
        pairs = (pair.partition("=") for pair in self.query.split("&"))
        return next((unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name), "")

    def in_path(self, name: str) -> str:
        """What a placeholder stands for within a path: `{path}` may be several segments, anything else is in one."""
        return _requoted(self.path, _PATH_SAFE) if name == "path" else quote(self.value(name), "", errors="replace")

    def in_value(self, name: str) -> str:
        """What a placeholder stands for within a query or fragment."""
        return quote(self.value(name), "/", errors="replace")


@dataclass(frozen=True, slots=True)
class Destination:
    """A target, ready for visits."""

    #: Where a visit is sent that changes nothing.
    target: str
    #: Whether all visits are sent to `target` as it is.
    is_plain: bool
    _origin: str
    #: Segments.
    _path: tuple[_Text, ...]
    _query: _Text
    _fragment: _Text
    _has_placeholder: bool
    _forward_query: bool
    _forward_path: bool

    def to(self, code: str, path: str, query: str) -> str:
        """The Location for a visit, of printable ASCII, at most target.MAX_LENGTH characters long.

        `path` is what follows the code and its slash, `query` what follows the question mark, both as they were sent,
        still percent-encoded. Where the whole would be too long, path and query are left out, then the code.
        """
        if self.is_plain or not (self._has_placeholder or path or query):
            return self.target
        for visit in (_Visit(code, path, query), _Visit(code, "", "")):
            whole = self._filled(visit)
            if len(whole) <= MAX_LENGTH:
                return whole
        return self._filled(_Visit("", "", ""))

    def _filled(self, visit: _Visit) -> str:
        query = _filled(self._query, visit.in_value)
        if self._forward_query and visit.query:
            query = _merged(query, visit.query)
        return self._origin + self._filled_path(visit) + query + _filled(self._fragment, visit.in_value)

    def _filled_path(self, visit: _Visit) -> str:
        path = "/".join(
            segment[0] if len(segment) == 1 else _without_dots(_filled(segment, visit.in_path))
            for segment in self._path
        )
        rest = _without_dots(_requoted(visit.path, _PATH_SAFE)) if self._forward_path else ""
        return f"{path.removesuffix('/')}/{rest}" if rest else path


def is_plain(target: str, *, forward_query: bool, forward_path: bool) -> bool:
    """Whether `target`, in stored form, is byte for byte where every visit is sent: quickly, and True of most."""
    return not (forward_query or forward_path or placeholder.is_in(target) or placeholder.has_marks(target))


def compile_destination(target: str, *, forward_query: bool, forward_path: bool) -> Destination:
    """The destination that `target`, in stored form, stands for.

    `forward_query` adds the visitor's parameters behind the target's own, which win; `forward_path` adds what follows
    the code to the path, unless `{path}` says where in the path it goes. Only web addresses are added to; others have
    placeholders in their query alone.
    """
    rest, hash_, fragment = target.partition("#")
    rest, mark, query = rest.partition("?")
    web = _WEB.match(rest)
    origin, path = (rest[: web.end()], rest[web.end() :]) if web else (placeholder.location(rest), "")
    segments = tuple(map(placeholder.cut, path.split("/")))
    tail = hash_ + fragment
    texts = (placeholder.cut(mark + query), placeholder.cut(tail) if web else (placeholder.location(tail),))
    forward_path = web is not None and forward_path and not any("path" in segment[1::2] for segment in segments)
    forward_query = web is not None and forward_query
    has_placeholder = any(len(text) > 1 for text in (*segments, *texts))
    is_plain = not (has_placeholder or forward_path or forward_query)
    plain = placeholder.location(target)
    return Destination(plain, is_plain, origin, segments, *texts, has_placeholder, forward_query, forward_path)


def _filled(text: _Text, value: Callable[[str], str]) -> str:
    if len(text) == 1:
        return text[0]
    return "".join(value(piece) if index % 2 else piece for index, piece in enumerate(text))


def _requoted(raw: str, safe: str) -> str:
    """What was sent, with only those characters as they are that may be."""
    return quote(_LONE_PERCENT.sub("%25", raw), safe, errors="replace")


def _without_dots(path: str) -> str:
    """`path` without segments that would lead elsewhere than down."""
    return "/".join(segment for segment in path.split("/") if not _DOTS.search(unquote(segment)))


def _merged(own: str, visitors: str) -> str:
    """`own`, which begins with its question mark if it is there, and what only the visitor has behind it."""
    taken = {_parameter_name(pair) for pair in own.removeprefix("?").split("&")} | {QR_PARAMETER}
    added = [
        _requoted(pair, _QUERY_SAFE) for pair in visitors.split("&") if pair and _parameter_name(pair) not in taken
    ]
    if not added:
        return own
    return (own or "?") + ("&" if own.removeprefix("?") and not own.endswith("&") else "") + "&".join(added)


def _parameter_name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])
