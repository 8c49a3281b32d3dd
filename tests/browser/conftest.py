"""A real browser: Debian's chromium, driven by playwright. Where there is none the tests are skipped, but in CI."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.programs import path_of
from tests.server import Server

#: No sandbox, because CI may be root; the rest keeps chromium from asking its maker things.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: Takes the HTML of a page that refers to links, and returns its address.
Referring = Callable[[str], str]


class _Elsewhere(BaseHTTPRequestHandler):
    """Another site: where links lead in these tests, and pages that refer to links, by their path."""

    pages: dict[str, str] = {}  # the library makes an object for each request

    def do_GET(self) -> None:  # the library's name
        html = self.pages.get(self.path, "<title>landed</title><h1>landed</h1>")
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html>{html}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[str]:
    """The address of another site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def landing(elsewhere: str) -> str:
    """The address of a page for links to lead to."""
    return f"{elsewhere}/landed"


@pytest.fixture(scope="session")
def referring(elsewhere: str) -> Referring:
    """Publishes a page on the other site."""

    def publish(html: str) -> str:
        path = f"/{len(_Elsewhere.pages)}"
        _Elsewhere.pages[path] = html
        return elsewhere + path

    return publish


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


# Not longer than a module: playwright keeps an event loop running, in which other tests could start none.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = path_of("chromium", "chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[(360, 740), (1280, 800)], ids=["phone", "desktop"])
def context(request: pytest.FixtureRequest, chromium: Browser, scheme: str) -> Iterator[BrowserContext]:
    width, height = request.param
    opened = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; at the end nothing may have been loaded from elsewhere, and the console must be silent."""
    opened = context.new_page()
    said: list[str] = []
    asked: set[str] = set()
    opened.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.add(request.url))
    yield opened
    foreign = {url for url in asked if not url.startswith(("http://localhost", "http://127.0.0.1", "data:"))}
    assert not foreign
    # Chromium reports the 404 and 410 that these tests ask for as errors of the page itself.
    assert [text for text in said if "Failed to load resource" not in text] == []
