"""One behaviour, two speeds: whatever a connection says, the edge and the canonical routes answer it alike.

Both run on one application: on one port with the edge, on the other with uvicorn's protocol alone. Each generated
conversation is held with both; every byte of the answers must be the same, and every click recorded.
"""

import asyncio
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
import uvicorn
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

from shortener import app as composition
from shortener.app import create_app
from shortener.domain.condition import Condition
from shortener.domain.link import LinkDraft
from shortener.domain.rule import Rule, Variant
from shortener.services import links
from shortener.settings import Settings
from shortener.storage import domains
from shortener.storage.engine import Database
from shortener.web.deps import Parts
from shortener.web.edge import EdgeProtocol
from shortener.web.protocol import BoundedHttpProtocol
from tests.clicks import POLICY
from tests.conftest import ADMIN_KEY, FIREFOX
from tests.sizes import IS_NIGHTLY, nightly, size

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TARGET = "https://example.com/a/page?q=1"
_SPLIT = (Variant("one", "https://example.com/one", 1), Variant("two", "https://example.com/two", 1))
LINKS: dict[str, dict[str, Any]] = {
    "hot": {},
    "permanent": {"status": 301},
    "keeping": {"status": 307},
    "both": {"status": 308},
    "grüße": {},
    "日本": {},
    "नमस्ते": {},
    "off": {"enabled": False},
    "over": {"expires_at": NOW - timedelta(1)},
    "elsewhere": {"expires_at": NOW - timedelta(1), "expired_target": "https://example.com/over"},
    "soon": {"valid_from": NOW + timedelta(1)},
    "begun": {"valid_from": NOW - timedelta(1)},
    "ending": {"status": 301, "expires_at": NOW + timedelta(seconds=100)},
    "quiet": {"track": False},
    "filled": {"target": TARGET + "&code={code}&r={query.r}"},
    "literal": {"target": TARGET + "&code={{code}}|%7Bcode%7D", "status": 301},
    "passing": {"forward_query": True, "status": 301},
    "behind": {"forward_path": True},
    "secret": {"password_hash": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA"},
    "few": {"max_clicks": 0},
    "ruled": {
        "rules": (
            Rule((Condition("visitor-class", None, "bot"),), "https://example.com/bot", (), 307, None),
            Rule((Condition("query-param", "a", "b"),), "https://example.com/query/{path}|^", (), None, None),
            Rule((Condition("language", None, "de"),), None, _SPLIT, None, None),
            Rule((Condition("referrer-host", None, "news.example"),), "https://example.com/news", (), 301, None),
        )
    },
    "looping": {"target": "https://go.example/looping"},
    "looping-elsewhere": {"target": "http://other.example:80/%7Bcode%7D"},
    "looping-for-some": {
        "rules": (Rule((Condition("query-param", "a", "b"),), "https://go.example/looping-for-some", (), None, None),)
    },
    "looping-over": {"expires_at": NOW - timedelta(1), "expired_target": "https://go.example/looping-over"},
    "ruled-soon": {"rules": (Rule((), "https://example.com/r", (), None, None),), "valid_from": NOW + timedelta(1)},
}
PROXIES = "127.0.0.0/8,10.0.0.0/8"
#: For each of the instances.
_CONVERSATIONS = size(120, 600)
#: Instances whose settings and domains are drawn, beside those with a name.
_DRAWN = size(2, 15)
#: Of so many requests one asks for an upgrade: behind that nothing is answered, and a second passes until the end.
_UPGRADE_OF = size(100, 30)
_PATIENCE = 10


class Notebook:
    """A spool that remembers."""

    waits = False
    fault = None

    def __init__(self, *_: object, **__: object) -> None:
        self.clicks: list[bytes] = []

    def append(self, payload: bytes) -> bool:
        self.clicks.append(payload)
        return True

    def append_together(self, payloads: list[bytes]) -> None:
        self.clicks += payloads

    def admits_orphan(self, now_seconds: int) -> bool:
        return now_seconds == int(NOW.timestamp())

    def taken(self) -> list[bytes]:
        found, self.clicks = self.clicks, []
        return found

    def publish(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Both:
    """The two servers."""

    loop: asyncio.AbstractEventLoop
    parts: Parts
    notebook: Notebook
    addresses: dict[str, str]

    def hear(self, name: str, pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
        """What one of them says to a conversation, until it hangs up, and which clicks it records."""
        return self.loop.run_until_complete(self._hear(self.addresses[name], pieces)), self.notebook.taken()

    async def _hear(self, address: str, pieces: list[bytes]) -> bytes:
        heard = b""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.setblocking(False)
            await self.loop.sock_connect(connection, address)
            # The server may have heard enough before all has been said.
            with suppress(ConnectionResetError, BrokenPipeError):
                for piece in pieces:
                    await self.loop.sock_sendall(connection, piece)
                    await asyncio.sleep(0)
            with suppress(ConnectionResetError):
                while data := await asyncio.wait_for(self.loop.sock_recv(connection, 2**16), _PATIENCE):
                    heard += data
        return heard


@dataclass(frozen=True)
class Estate:
    """What an instance is made of."""

    settings: dict[str, Any] = field(default_factory=dict)
    #: Domains by their names, and the codes that links on them have.
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: tuple[str, ...] = ("hot", "ruled")


NAMED = {
    "plain": Estate(),
    "not-found-target": Estate({"not_found_target": "https://example.com/nowhere"}),
    "not-found-target-with-path": Estate(
        {"not_found_target": "https://example.com/{path}?of={path}&x=a|b^c`d#{path}"}
    ),
    "proxied": Estate({"trusted_proxies": PROXIES}),
    "domain-and-pages": Estate(
        {"referrer_url": "page"}, {"go.example": {"not_found_target": "https://example.com/lost", "status": 307}}
    ),
    "own-traffic": Estate(
        {
            "trusted_proxies": PROXIES,
            "excluded_addresses": "203.0.113.0/24",
            "excluded_parameter": "a",
            "excluded_header": "Cookie=a=b",
        }
    ),
}
#: What settings and domains may lead to, in the words of whoever writes them: with what a Location must escape, with
#: placeholders, on hosts of other scripts, and on this instance.
_TARGETS = (
    None,
    "https://example.com/nowhere",
    "https://example.com/{path}",
    "https://example.com/?of={path}&code={code}#{query.a}",
    "https://example.com/a|b^c`d?e|f^g`{h}#i|j^k`{l}",
    "https://bücher.example/grüße?q=日本#ü",
    "HTTPS://Example.COM:443",
    "https://example.com/%7Bpath%7D?%zz=%ff",
    "https://go.example/lost",
    "https://other.example/lost",
)
_VALUES: dict[str, tuple[Any, ...]] = {
    "home_target": _TARGETS,
    "not_found_target": _TARGETS,
    "expired_target": _TARGETS,
    "redirect_status": (301, 302, 302, 307, 308),
    "redirect_cache_seconds": (0, 1, 300),
    "base_url": (None, "https://base.example", "http://base.example:8000"),
    "trusted_proxies": ("", PROXIES),
    "referrer_url": ("origin", "page"),
    "excluded_addresses": ("", "", "203.0.113.0/24"),
    "excluded_parameter": (None, None, "a", "utm_source"),
    "excluded_header": (None, None, "DNT", "Cookie=a=b"),
    "cached_links": (1, 3, 100_000),
}
_DOMAINS = ("go.example", "other.example", "xn--bcher-kva.example", "127.0.0.1", "[::1]", "localhost")


def _drawn(seed: int) -> Estate:
    """An estate that is always the same for a seed."""
    dice = random.Random(seed)
    chosen = {name: dice.choice(values) for name, values in _VALUES.items()}
    names = dice.sample(_DOMAINS, dice.randrange(4))
    foreign = [target for target in _TARGETS if target is None or target.startswith("https://example.com/nowhere")]
    fields = ("home_target", "not_found_target", "expired_target")
    domains = {
        name: {"status": dice.choice((None, 301, 307)), **{each: dice.choice(foreign) for each in fields}}
        for name in names
    }
    return Estate(chosen, domains, tuple(dice.sample(sorted(LINKS), 4)))


ESTATES = NAMED | {f"drawn-{number}": _drawn(number) for number in range(_DRAWN)}


@pytest.fixture(scope="module", params=ESTATES.values(), ids=list(ESTATES))
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> Iterator[Both]:
    estate: Estate = request.param
    folder = tmp_path_factory.mktemp("both")
    (folder / "shortener.db").write_bytes(sqlite_template.read_bytes())
    configured = Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, **estate.settings)
    _fill(configured, estate)
    with ExitStack() as undo:
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(composition, "open_spool", Notebook)
        # Unlike TCP's, a socket in a file loses nothing that was said before hanging up; but it has no address.
        patch.setattr(httptools_impl, "get_remote_addr", lambda _transport: ("127.0.0.1", 4711))
        # What makes one form differ from another.
        patch.setattr("shortener.web.grants.secrets.token_urlsafe", lambda size: "A" * (size * 4 // 3 + 1))
        undo.enter_context(time_machine.travel(NOW, tick=False))
        runner = undo.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        loop = runner.get_loop()
        app = create_app(configured)
        running = app.router.lifespan_context(app)
        state = loop.run_until_complete(running.__aenter__())
        undo.callback(lambda: loop.run_until_complete(running.__aexit__(None, None, None)))
        addresses = {name: str(folder / name) for name in ("edge", "routes")}
        for name, protocol in (("edge", EdgeProtocol), ("routes", BoundedHttpProtocol)):
            server = loop.run_until_complete(_listen(loop, app, protocol, state, addresses[name]))
            undo.callback(server.close)
        yield Both(loop, app.state.parts, app.state.parts.spool, addresses)


def _fill(configured: Settings, estate: Estate) -> None:
    """Makes the links and domains, as they may have been made before their hosts were this instance's."""
    database = Database(configured.database)
    for code, fields in LINKS.items():
        links.create(database, POLICY, LinkDraft(**{"target": TARGET, "code": code, **fields}), actor="test")
    for name, fields in estate.domains.items():
        with database.write() as connection:
            domains.add(connection, name, fields, NOW)
        for code in estate.codes:
            draft = LinkDraft(**{"target": TARGET + "&own", "code": code, **LINKS[code], "domain": name})
            links.create(database, POLICY, draft, actor="test")
    database.close()


async def _listen(
    loop: asyncio.AbstractEventLoop, app: Any, protocol: type[BoundedHttpProtocol], state: Any, address: str
) -> asyncio.Server:
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=1,
    )
    config.load()
    server_state = ServerState()
    server_state.default_headers = [(b"date", b"Sun, 22 Nov 2026 12:00:00 GMT")]
    return await loop.create_unix_server(
        lambda: protocol(config=config, server_state=server_state, app_state=state, _loop=loop), address
    )


spelled = st.one_of(
    st.sampled_from([code.encode() for code in LINKS]).map(lambda code: code.decode()),
    st.sampled_from(["nothing", "x" * 129, "Hot", "docs", "api", "healthz", "robots.txt", "a.b", "<b>", "'\"&", ""]),
    st.text(max_size=6),
)


_QUERIES = [
    *(b"", b"", b"?", b"?a=1", b"?utm_source=mail&utm_medium=x%20y", b"?utm_source=a#b", b"#part", b"?%ff=%zz"),
    *(b"?a=b", b"?qr", b"?r=%26x&qr=1&a=c", b"?a=" + b"b" * 2**14),
    # Long ones, up to more than any browser sends, in one piece and in very many.
    *(b"?q=" + b"x" * 9_000, b"?q=" + b"%C3%BC" * 3_000, b"?" + b"a&" * 400 + b"a=b", b"?a=b" + b"&x=%26" * 3_500),
]
#: What may stand before the path: an absolute request target names a host of its own.
_BEFORE = [
    *(b"/", b"/", b"/", b"/", b"//", b"/x/"),
    *(
        b"http://go.example/",
        b"HTTP://GO.Example:80/",
        b"https://other.example:8443/",
        b"http://xn--bcher-kva.example/",
    ),
    *(b"http://nobody.example/", b"http://[::1]/", b"http:///", b"HTTPS://u@go.example/", b"http://evil.example:/"),
]


@st.composite
def paths(draw: st.DrawFn) -> bytes:
    code = draw(spelled)
    how = draw(st.sampled_from(["quoted", "lower", "all", "raw", "nfd"]))
    if how == "nfd":
        import unicodedata

        code = unicodedata.normalize("NFD", code)
    encoded = code.encode()
    if how == "raw" and encoded.isascii() and code.isprintable() and " " not in code:
        path = encoded
    else:
        always = how == "all"
        path = b"".join(
            bytes([byte])
            if not always and ((chr(byte).isalnum() and byte < 128) or byte in b"-_.")
            else (b"%%%02x" if how == "lower" else b"%%%02X") % byte
            for byte in encoded
        )
    path = draw(st.sampled_from(_BEFORE)) + path
    path += draw(st.sampled_from([b"", b"", b"", b"/", b"//", b"/more", b"+", b".png", b".", b"%20", b"%ef%b8%8f"]))
    path += draw(st.sampled_from(_QUERIES))
    return path if path.strip(b"/") or path == b"/" else b"/"


headers = st.lists(
    st.sampled_from(
        [
            b"User-Agent: " + FIREFOX.encode(),
            b"user-agent: curl/8.5",
            b"User-Agent: " + b"x" * 600,
            b"User-Agent: caf\xe9",
            b"Accept: text/html,*/*;q=0.8",
            b"Accept: application/json",
            b"accept: */*",
            b"Accept-Language: de-DE,de;q=0.9," + b"en;q=0.1," * 20,
            b"Referer: https://user:secret@news.example:8080/a?b#c",
            b"Referer: android-app://org.example",
            b"DNT: 1",
            b"Sec-GPC: 1",
            b"Sec-Purpose: prefetch;prerender",
            b"X-Moz: prefetch",
            b"Purpose: prefetch",
            b"Purpose: preview",
            b"X-Purpose: preview",
            b"Sec-Purpose: prefetch",
            b"Sec-Purpose: navigate",
            b"X-Forwarded-For: 203.0.113.7, 10.1.2.3",
            b"X-Forwarded-For: 2001:db8::1",
            b"X-Forwarded-For: " + b"9, " * 500,
            b"Upgrade-Insecure-Requests: 1",
            b"Upgrade: h2c",
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
            b"Connection: upgrade\r\nUpgrade: websocket",
            b"Connection: close, upgrade\r\nUpgrade: TLS/1.0",
            b"Host: go.example",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Connection: Keep-Alive, TE",
            b"Content-Length: 0",
            b"Expect: 100-continue",
            b"Cookie: a=b",
            b"X-Empty:",
        ]
    ),
    max_size=9,
    unique=True,
)
hosts = st.sampled_from(
    [
        *(b"go.example", b"GO.EXAMPLE:80", b"go.example.", b"other.example:8443", b"xn--bcher-kva.example"),
        *(b"127.0.0.1", b"[::1]:8000", b"localhost", b"base.example", b"nobody.example"),
        *(
            b"",
            b"evil.example/..",
            b"a b",
            b" go.example ",
            b" \tgo.example\t ",
            b"go.example, other.example",
            b"b\xfccher.example",
        ),
    ]
)
#: One, nearly always.
host_lines = st.one_of(*[st.lists(hosts, min_size=1, max_size=1)] * 9, st.lists(hosts, max_size=2)).map(
    lambda found: [b"Host: " + host for host in found]
)
_UPGRADES = [b"h2c", b"websocket", b"TLS/1.0", b"h2c, websocket"]


@st.composite
def upgrades(draw: st.DrawFn) -> list[bytes]:
    """Headers that ask for another protocol, now and then."""
    if draw(st.integers(1, _UPGRADE_OF)) < _UPGRADE_OF:
        return []
    return [b"Connection: Upgrade", b"Upgrade: " + draw(st.sampled_from(_UPGRADES))]


methods = st.sampled_from(
    [b"GET"] * 8 + [b"HEAD"] * 3 + [b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND", b"get"]
)
versions = st.sampled_from([b"HTTP/1.1"] * 9 + [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2"])


#: What the edge answers itself: most visits, and too few of what is drawn from everything else.
plain_headers = st.lists(
    st.sampled_from(
        [
            b"User-Agent: " + FIREFOX.encode(),
            b"User-Agent: curl/8.5",
            b"Accept: text/html,*/*;q=0.8",
            b"Accept: application/xhtml+xml,text/html",
            b"Accept: application/json",
            b"Accept-Language: de-DE,de;q=0.9",
            b"Sec-Purpose: prefetch",
            b"Purpose: prefetch",
            b"X-Moz: prefetch",
            b"X-Purpose: preview",
            b"Referer: https://news.example/a",
            b"DNT: 1",
            b"X-Forwarded-For: 203.0.113.7, 10.1.2.3",
            b"Referer: https://go.example/hot",
            b"Sec-Purpose: prefetch;prerender",
        ]
    ),
    max_size=5,
    unique_by=lambda line: line.partition(b":")[0],
)

#: What has no link: the edge's only answers with a body.
_UNKNOWN = ["nothing", "unknown"]


@st.composite
def plain_requests(draw: st.DrawFn) -> bytes:
    # By its name alone it would be asked for too rarely: a body that answered HEAD was not found.
    code = draw(st.one_of(st.sampled_from(list(LINKS)), st.sampled_from(list(LINKS)), st.sampled_from(_UNKNOWN)))
    path = b"/" + quote(code).encode() + draw(st.sampled_from([b"", b"", b"/"])) + draw(st.sampled_from(_QUERIES))
    method = draw(st.sampled_from([b"GET", b"GET", b"HEAD"]))
    lines = [b"%b %b HTTP/1.1" % (method, path), *draw(host_lines), *draw(plain_headers)]
    return b"\r\n".join([*lines, b"", b""])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    method, path, version = draw(methods), draw(paths()), draw(versions)
    lines = [b"%b %b %b" % (method, path, version), *draw(host_lines), *draw(headers), *draw(upgrades())]
    body = b""
    if draw(st.integers(0, 7)) == 0:
        body, framing = draw(
            st.sampled_from(
                [
                    (b"hello", b"Content-Length: 5"),
                    (b"5\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
                    (b"1\r\nx\r\n0\r\nTrailer: y\r\n\r\n", b"Transfer-Encoding: chunked"),
                ]
            )
        )
        lines = [line for line in lines if not line.lower().startswith(b"content-length")] + [framing]
    end = draw(st.sampled_from([b"\r\n"] * 15 + [b"\n"]))
    return end.join([*lines, b"", b""]) + body


#: Asks for the end of the conversation, so that every one has one.
LAST = b"GET /hot HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n"


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """Some requests on one connection, cut into pieces anywhere, mostly not at all."""
    data = b"".join(draw(st.lists(st.one_of(plain_requests(), requests()), min_size=1, max_size=4))) + LAST
    cuts = sorted(draw(st.lists(st.integers(1, len(data) - 1), max_size=3, unique=True)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@nightly
@settings(max_examples=_CONVERSATIONS, deadline=None, derandomize=not IS_NIGHTLY)
@given(conversations(), st.booleans())
def test_the_edge_and_the_routes_say_the_same(both: Both, pieces: list[bytes], cold: bool) -> None:
    heard = {}
    for name in ("edge", "routes"):
        if cold:
            both.parts.cache.clear()
        heard[name] = both.hear(name, pieces)
    (by_edge, noted_by_edge), (by_routes, noted_by_routes) = heard["edge"], heard["routes"]
    assert by_edge == by_routes
    # The edge gathers the clicks of one turn of the loop, and records a visit to an unknown code at once.
    assert sorted(noted_by_edge) == sorted(noted_by_routes)


@pytest.mark.parametrize(
    "said",
    [
        # An offer to upgrade is declined, and what comes afterwards is heard.
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + LAST,
        b"CONNECT go.example:80 HTTP/1.1\r\nHost: go.example\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.0\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + LAST,
        b"\r\n\r\nGET /hot HTTP/1.1\r\nHost: go.example\r\n\r\n" + LAST,
        b"GET /hot\r\n\r\n" + LAST,
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: go.example\r\n\r\n" + LAST,
        b"GET /h\0t HTTP/1.1\r\nHost: go.example\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nX: \0\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\n: empty\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nContent-Length: -1\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nTransfer-Encoding: gzip\r\n\r\n" + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
        + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx" + LAST,
        b"GET /docs HTTP/1.1\r\nHost: go.example\r\n\r\n"
        + b"GET /hot HTTP/1.1\r\nHost: go.example\r\n\r\n" * 3
        + LAST,
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\n\r\n" * 3
        + b"GET /docs HTTP/1.1\r\nHost: go.example\r\n\r\n" * 2
        + LAST,
    ],
)
def test_odd_conversations(both: Both, said: bytes) -> None:
    assert both.hear("edge", [said]) == both.hear("routes", [said])


@pytest.mark.parametrize("ending", ["shutdown", "eof_received"])
def test_visits_that_have_been_counted_are_answered_before_the_end(
    both: Both, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """The server, or the client, ends in the turn of the event loop in which they have come."""
    receive = EdgeProtocol.data_received

    def receive_and_end(edge: EdgeProtocol, data: bytes) -> None:
        receive(edge, data)
        getattr(edge, ending)()
        edge.transport.close()

    monkeypatch.setattr(EdgeProtocol, "data_received", receive_and_end)
    heard, clicks = both.hear("edge", [b"GET /hot HTTP/1.1\r\nHost: go.example\r\n\r\n" * 3])
    assert (heard.count(b"\r\nlocation: "), len(clicks)) == (3, 3)


@pytest.mark.parametrize(
    "header", [b"Sec-Purpose: prefetch", b"Purpose: prefetch", b"X-Moz: prefetch", b"X-Purpose: preview"]
)
@pytest.mark.parametrize("code", ["hot", "permanent", "ruled", "secret", "few", "over", "nothing"])
def test_both_refuse_a_prefetch_and_neither_counts_it(both: Both, code: str, header: bytes) -> None:
    said = b"GET /%b HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n%b\r\n\r\n" % (code.encode(), header)
    by_edge, by_routes = both.hear("edge", [said]), both.hear("routes", [said])
    assert by_edge == by_routes
    assert by_edge[0].startswith(b"HTTP/1.1 503 ")
    assert by_edge[1] == []


def test_the_edge_answers_itself(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the routes would be compared with themselves."""
    handed_over: list[bytes] = []
    monkeypatch.setattr(EdgeProtocol, "_hand_over", lambda edge: handed_over.append(edge.url))
    for said in (
        b"GET /hot HTTP/1.1\r\nHost: go.example\r\n\r\n",
        b"HEAD /permanent HTTP/1.1\r\nHost: go.example\r\n\r\n",
        b"GET /nothing HTTP/1.0\r\nHost: go.example\r\n\r\n",
    ):
        assert both.hear("edge", [said + LAST])[0].startswith(b"HTTP/1.1 ")
    assert handed_over == []


#: By name: what is asked for of links that read the query, or pass it or the path on.
LONG = {
    "as-many-parameters-as-there-may-be": "?" + "&".join(["b=1"] * 256),
    "one-too-many": "?" + "&".join(["b=1"] * 257),
    "empty-ones": "?" + "&" * 5000 + "a=b",
    "long-value": "?r=" + "x" * 9000,
    "long-value-that-is-escaped": "?r=" + "%7C" * 3000,
    "long-path": "/" + "x" * 9000,
    "long-path-that-leads-up": "/" + "../" * 2500,
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("asked", LONG.values(), ids=list(LONG))
@pytest.mark.parametrize("code", ["hot", "filled", "passing", "behind", "ruled", "quiet"])
def test_the_edge_and_the_routes_refuse_the_same(both: Both, code: str, asked: str, method: str) -> None:
    said = f"{method} /{code}{asked} HTTP/1.1\r\nHost: go.example\r\n\r\n".encode() + LAST
    assert both.hear("edge", [said]) == both.hear("routes", [said])
