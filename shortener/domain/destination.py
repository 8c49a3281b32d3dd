"""Destinations: where a visit is sent, given the target, the code, and the path and query that the visitor adds.

Placeholders stand behind the host: `{code}`, `{path}` (what follows the code) and `{query.NAME}` (a parameter of the
visit); domain/placeholder says how they are stored. What a visitor sends is escaped for where it goes: scheme, host
and port stay the target's.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from shortener import errors
from shortener.domain import placeholder
from shortener.domain import query as queries
from shortener.domain.query import Query
from shortener.domain.target import MAX_LENGTH

#: By which a QR code marks its visits; nobody else's business.
QR_PARAMETER = "qr"

_WEB = re.compile(r"https?://[^/?#]*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASH = r"(?:[/\\]|%2[Ff]|%5[Cc])"
#: What steps out of a folder once a server has decoded it: some take a backslash, an encoded slash or a semicolon
#: (path parameters) for the end of a segment.
_DOTS = re.compile(rf"(?:^|{_SLASH})(?:\.|%2[Ee]){{1,2}}(?:{_SLASH}|;|%3[Bb]|\Z)")
#: What RFC 3986 lets stand in a path, and in a query (less `;`, which old servers take for `&`).
_PATH_SAFE = "/%:@!$&'()*+,;="
_QUERY_SAFE = "/%:@!$&'()*+,=?"

_OF_QUERY = "query."
#: What one takes in memory beside its characters, and each name of the target's own parameters.
_BYTES, _BYTES_OF_NAME = 1500, 160

#: Text cut at its placeholders: every second piece is the name of one.
_Text = tuple[str, ...]


class _Visit:
    """The parts of a visit that a Location may use: code, path and query; each is escaped at most once for its place.

    Raises LocationTooLong as soon as there is no room for what is asked of it: escaping what never fits takes long.
    """

    __slots__ = ("_code", "_escaped", "_path", "_query", "_room")

    def __init__(self, code: str, path: str, query: Query) -> None:
        self._code = code
        self._path = path
        self._query = query
        #: What is known already, by name and place.
        self._escaped: dict[tuple[str, bool], str] = {}
        #: Characters that Location has left.
        self._room = MAX_LENGTH

    def in_path(self, name: str) -> str:
        """The value of a placeholder for a path, escaped: `{path}` may be several segments, any other is in one."""
        return self._written(name, in_path=True)

    def in_value(self, name: str) -> str:
        """The value of a placeholder for a query or fragment, escaped."""
        return self._written(name, in_path=False)

    def path(self) -> str:
        """The path behind the code, escaped, without segments that would lead elsewhere than down."""
        return _without_dots(self._requoted(self._path, _PATH_SAFE)) if self._path else ""

    def parameters(self, taken: Iterable[str]) -> str:
        """The visitor's parameters, as they were sent, but for those whose names are `taken`."""
        left_out = {QR_PARAMETER, *taken}
        parameters = zip(self._query.written, self._query.parameters, strict=True)
        return self._requoted("&".join(each for each, (name, _) in parameters if name not in left_out), _QUERY_SAFE)

    def _written(self, name: str, *, in_path: bool) -> str:
        known = self._escaped.get((name, in_path))
        if known is None:
            if in_path and name == "path":
                known = self._requoted(self._path, _PATH_SAFE)
            else:
                known = self._quoted(self._value(name), "" if in_path else "/")
            self._escaped[name, in_path] = known
        else:
            self._take(len(known))
        return known

    def _value(self, name: str) -> str:
        """The value of a placeholder, decoded."""
        if name == "code":
            return self._code
        if name == "path":
            return queries.decode(self._path)
        return self._query.first(name.removeprefix(_OF_QUERY))

    def _requoted(self, raw: str, safe: str) -> str:
        """`raw`, escaped but for the characters in `safe` and what is percent-encoded already."""
        self._check_room(len(raw))
        return self._quoted(_LONE_PERCENT.sub("%25", raw) if "%" in raw else raw, safe)

    def _quoted(self, raw: str, safe: str) -> str:
        self._check_room(len(raw))
        quoted = quote(raw, safe, errors="replace")
        self._take(len(quoted))
        return quoted

    def _take(self, length: int) -> None:
        self._check_room(length)
        self._room -= length

    def _check_room(self, length: int) -> None:
        if length > self._room:
            raise _too_long()


@dataclass(frozen=True, slots=True)
class Destination:
    """A target, ready for visits."""

    #: Where a visit is sent that changes nothing.
    target: str
    #: Whether all visits are sent to `target` as it is.
    is_plain: bool
    _origin: str
    #: Segments; those between two with placeholders are one.
    _path: tuple[_Text, ...]
    _query: _Text
    _fragment: _Text
    _has_placeholder: bool
    _forward_query: bool
    _forward_path: bool
    #: Whether it depends on the query of a visit.
    reads_query: bool
    #: The names of the target's own parameters, if it forwards; None where they have placeholders.
    _own_names: frozenset[str] | None

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return _BYTES + 2 * len(self.target) + _BYTES_OF_NAME * len(self._own_names or ())

    def to(self, code: str, path: str, query: Query) -> str:
        """The Location for a visit: of printable ASCII, at most target.MAX_LENGTH characters long.

        `path` is what follows the code and its slash, as it was sent, still percent-encoded. Nothing is left out for
        want of room: raises LocationTooLong, and TooManyParameters.
        """
        if self.is_plain or not (self._has_placeholder or path or query.raw):
            return self.target
        visit = _Visit(code, path, query)
        filled = self._filled_path(visit) + self._filled_query(visit, query) + _filled(self._fragment, visit.in_value)
        if len(self._origin) + len(filled) > MAX_LENGTH:
            raise _too_long()
        return self._origin + filled

    def _filled_query(self, visit: _Visit, query: Query) -> str:
        own = _filled(self._query, visit.in_value)
        if not self._forward_query or not query.raw:
            return own
        added = visit.parameters(_names(own[1:]) if self._own_names is None else self._own_names)
        if not added:
            return own
        return (own or "?") + ("&" if own.removeprefix("?") and not own.endswith("&") else "") + added

    def _filled_path(self, visit: _Visit) -> str:
        path = "/".join(
            segment[0] if len(segment) == 1 else _without_dots(_filled(segment, visit.in_path))
            for segment in self._path
        )
        rest = visit.path() if self._forward_path else ""
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
    segments = _segments(path)
    tail = hash_ + fragment
    texts = (placeholder.cut(mark + query), placeholder.cut(tail) if web else (placeholder.location(tail),))
    forward_path = web is not None and forward_path and not any("path" in segment[1::2] for segment in segments)
    forward_query = web is not None and forward_query
    names = {name for text in (*segments, *texts) for name in text[1::2]}
    return Destination(
        target=placeholder.location(target),
        is_plain=not (names or forward_path or forward_query),
        reads_query=forward_query or any(name.startswith(_OF_QUERY) for name in names),
        _origin=origin,
        _path=segments,
        _query=texts[0],
        _fragment=texts[1],
        _has_placeholder=bool(names),
        _forward_query=forward_query,
        _forward_path=forward_path,
        _own_names=_own_names(query) if forward_query else frozenset(),
    )


def _too_long() -> errors.LocationTooLong:
    detail = f"With this path and query, the link's target would exceed {MAX_LENGTH:,} characters; send less."
    return errors.LocationTooLong(detail)


def _segments(path: str) -> tuple[_Text, ...]:
    """The segments of a path with placeholders by themselves, and what stands between them, to be joined by `/`."""
    if not placeholder.is_in(path):
        return ((placeholder.location(path),),)
    found: list[_Text] = []
    for text in map(placeholder.cut, path.split("/")):
        if found and len(text) == len(found[-1]) == 1:
            found[-1] = (f"{found[-1][0]}/{text[0]}",)
        else:
            found.append(text)
    return tuple(found)


def _own_names(query: str) -> frozenset[str] | None:
    """The names of the parameters of a target's query; None where they have placeholders."""
    if placeholder.is_in(query) and any(placeholder.is_in(pair.partition("=")[0]) for pair in query.split("&")):
        return None
    return _names(placeholder.location(query))


def _names(query: str) -> frozenset[str]:
    return frozenset(name for name, _ in queries.parse(query))


def _filled(text: _Text, value: Callable[[str], str]) -> str:
    if len(text) == 1:
        return text[0]
    return "".join(value(piece) if index % 2 else piece for index, piece in enumerate(text))


def _without_dots(path: str) -> str:
    """`path`, percent-encoded, without segments that would lead elsewhere than down."""
    segments = path.split("/")
    leading_away = {segment for segment in set(segments) if _DOTS.search(segment)}
    if not leading_away:
        return path
    return "/".join(segment for segment in segments if segment not in leading_away)
