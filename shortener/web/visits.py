"""Visits as the edge answers them: what all connections of a worker share, and their answers as bytes.

Every byte comes from the very responses that the canonical routes send, taken apart once and put together again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote

import orjson
from markupsafe import escape
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shortener import errors, metrics
from shortener.domain import code as codes
from shortener.domain import host, text
from shortener.domain.query import Query
from shortener.redirect.answer import Choice, Outcome, Visit, choose
from shortener.redirect.cache import Cache
from shortener.redirect.entry import UNCACHED, Entry, Plain, cache_control
from shortener.redirect.lookup import Lookup
from shortener.web import errors as problems
from shortener.web.clicks import Recorder, Request
from shortener.web.middleware import NOSNIFF
from shortener.web.outbox import Outbox
from shortener.web.responses import Redirect
from shortener.web.visitors import Facts, Visitors

DefaultHeaders = list[tuple[bytes, bytes]]

#: Stands for the code where a page about a missing link is made beforehand.
_PLACE = "the-code-stands-here"
#: Host headers that are remembered; a stranger may send any.
_HOSTS_KEPT = 1024
#: Bytes of a path that is looked at: four characters may become one of a code, each of them twelve bytes at most.
_MOST_PATH = 4 * 12 * codes.MAX_LENGTH + 2
_ANY_TARGET = "https://example.com/"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A code that no link has."""

    code: str
    domain: str


class Visits:
    """What the connections of one worker need to answer visits. Used on its event loop only."""

    def __init__(
        self,
        lookup: Lookup,
        cache: Cache,
        recorder: Recorder,
        outbox: Outbox,
        visitors: Visitors,
        reserved: Collection[str],
    ) -> None:
        """`reserved` holds the first path segments of the shortener's own routes."""
        self.cache = cache
        self.outbox = outbox
        self.pack = recorder.pack
        self.redirects = 0
        self._lookup = lookup
        self._recorder = recorder
        self._reserved = reserved
        self._visitors = visitors
        self.domains = lookup.domains
        self._page, self._document = _Template(as_page=True), _Template(as_page=False)
        self._plain = (lookup.defaults.status, cache_control(lookup.defaults.status, lookup.defaults.cache_seconds))
        self._plain_head = b""
        self._default_headers: DefaultHeaders | None = None
        self._heads: dict[tuple[int, str], bytes] = {}
        self._not_found = 0
        #: Values of Host headers that are known to be well-formed.
        self.well_formed_hosts: set[bytes | None] = set()

    def admits_host(self, value: bytes) -> bool:
        """Whether a Host header is well-formed; the first of those that are, are remembered."""
        is_well_formed = host.is_well_formed(value)
        if is_well_formed and len(self.well_formed_hosts) < _HOSTS_KEPT:
            self.well_formed_hosts.add(value)
        return is_well_formed

    def find(self, path: bytes, domain: str) -> Entry | Plain | Unknown | None:
        """What a path that is no key of the cache stands for on `domain`; None where the routes must say.

        It may spell a code in another way, or ask for a link that is not cached: SQLite is asked at once.
        """
        if len(path) > _MOST_PATH:
            return None
        try:
            raw = unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii")
        except UnicodeDecodeError:
            return None
        code = raw[1:].removesuffix("/")
        normal = codes.normal_form(code) if raw[:1] == "/" else None
        if normal is None or code in self._reserved or not self._lookup.is_inline:
            return None
        try:
            found = self._lookup.find_inline(domain, normal)
        except errors.DatabaseUnavailable:
            return None
        if found is None and codes.without_end(code) is None:
            return Unknown(code, domain)
        return found

    def choose(self, entry: Entry, path: bytes, request: Request, now_ms: int, *, is_get: bool) -> Choice:
        """Where a visit leads to a live link that is not guarded; `path` is that of its code.

        Raises LocationTooLong, TooManyParameters.
        """
        visitor = self._visitors.of(request)
        # Few links care.
        code = _code_of(path) if entry.destinations else ""
        query = Query(request.query.decode("utf-8", "replace") if request.query else "")
        facts = Facts(visitor, request, query, now_ms)
        return choose(entry, Visit("GET" if is_get else "HEAD", code, "", query, facts, visitor.share))

    def plain_head(self, default_headers: DefaultHeaders) -> bytes:
        """The head of a plain link's redirect up to the value of Location, which comes last."""
        if default_headers is not self._default_headers:
            self._renew(default_headers)
        return self._plain_head

    def head(self, status: int, cache_control: str, default_headers: DefaultHeaders) -> bytes:
        """The same of any redirect."""
        if default_headers is not self._default_headers:
            self._renew(default_headers)
        kind = (status, cache_control)
        found = self._heads.get(kind)
        if found is None:
            response = Redirect(_ANY_TARGET, status, {"cache-control": cache_control})
            found = self._heads[kind] = _up_to_value(response, b"location", default_headers)
        return found

    def not_found(
        self, unknown: Unknown, path: str, request: Request, default_headers: DefaultHeaders, *, is_get: bool
    ) -> tuple[bytes, bytes]:
        """Head without its end, and body, of the answer to an unknown code; the visit is recorded before."""
        self._not_found += 1
        if is_get:
            self._recorder.record_orphan(unknown.domain, path, request)
        not_found_target = self.domains.of(unknown.domain).not_found_target
        if not_found_target is not None:
            head = self.head(302, UNCACHED, default_headers) + not_found_target.encode()
            return head, b""
        accepts = next((value for name, value in request.headers if name == b"accept"), b"")
        template = self._page if b"text/html" in accepts else self._document
        head, body = template.fill(unknown.code, default_headers)
        return head, body if is_get else b""

    def publish(self) -> None:
        """Adds what has been counted since the last call to the metrics. Once a second."""
        metrics.VISITS.labels(Outcome.REDIRECT).inc(self.redirects)
        metrics.VISITS.labels(Outcome.NOT_FOUND).inc(self._not_found)
        self.redirects = self._not_found = 0

    def _renew(self, default_headers: DefaultHeaders) -> None:
        """The server makes a new list of headers when the date has changed."""
        self._heads.clear()
        self._default_headers = default_headers
        self._plain_head = self.head(*self._plain, default_headers)


def _code_of(path: bytes) -> str:
    """The code in a path that has led to a link."""
    raw = unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii")
    return codes.normal_form(raw[1:].removesuffix("/")) or ""


class _Template:
    """The answer to an unknown code, made for one and taken apart where that one stands."""

    def __init__(self, *, as_page: bool) -> None:
        self._encode = _in_html if as_page else _in_json
        self._response = problems.render(problems.link_not_found(_PLACE), as_page=as_page)
        self._response.raw_headers.append(NOSNIFF)
        self._before, self._after = bytes(self._response.body).split(_PLACE.encode())

    def fill(self, code: str, default_headers: DefaultHeaders) -> tuple[bytes, bytes]:
        body = self._before + self._encode(text.printable(codes.shown(code))) + self._after
        headers = [
            (name, str(len(body)).encode() if name == b"content-length" else value)
            for name, value in (*default_headers, *self._response.raw_headers)
        ]
        return STATUS_LINE[404] + b"\r\n".join(name + b": " + value for name, value in headers), body


def _up_to_value(response: Response, last: bytes, default_headers: DefaultHeaders) -> bytes:
    """The head of `response` up to the value of its header `last`, which must be just that."""
    *others, (name, _) = response.raw_headers
    if name != last:
        raise AssertionError(f"the framework sends {name!r} last, not {last!r}")
    lines = [name + b": " + value + b"\r\n" for name, value in (*default_headers, *others)]
    return STATUS_LINE[response.status_code] + b"".join(lines) + last + b": "


def _in_html(value: str) -> bytes:
    return str(escape(value)).encode()


def _in_json(value: str) -> bytes:
    return orjson.dumps(value)[1:-1]
