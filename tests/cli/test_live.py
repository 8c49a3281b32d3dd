"""`shortener live`: prints what a server tells, comes back when it is cut off, gives up when it is refused."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
import pytest

from tests.cli.conftest import run
from tests.cli.process import COMMAND, PATIENCE, Serving, environment, eventually
from tests.cli.test_client import stranger
from tests.conftest import ADMIN_KEY, FIREFOX


@contextmanager
def showing(server: Serving, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """`shortener live`, in a process of its own that ends with the block."""
    command = [*COMMAND, "live", *arguments, "--url", server.url, "--key", ADMIN_KEY]
    # What is started from a script, in the background, ignores Ctrl+C; and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        guard = Thread(target=_bounded, args=(process,))
        guard.start()
        try:
            yield process
        finally:
            process.kill()
            guard.join()


def _bounded(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


def followers(client: httpx2.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("shortener_live_followers "))


@pytest.fixture
def client(server: Serving) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "user-agent": FIREFOX}
    with httpx2.Client(base_url=server.url, headers=headers) as opened:
        eventually(lambda: followers(opened) == 0)
        yield opened


def make(client: httpx2.Client, code: str) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": code})
    assert made.status_code == 201, made.text


def test_clicks_for_people_until_ctrl_c(server: Serving, client: httpx2.Client) -> None:
    make(client, "live-people")
    with showing(server, "live-people") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        heading = process.stdout.readline().split()
        assert heading == ["time", "code", "class", "unique", "country", "browser", "os", "device", "referrer"]
        eventually(lambda: followers(client) == 1)
        client.get("/live-people", headers={"referer": "https://news.example/"})
        day, moment, *rest = process.stdout.readline().split()
        assert rest == ["live-people", "human", "yes", "–", "Firefox", "Linux", "desktop", "news.example"]
        assert (day.count("-"), moment.count(":")) == (2, 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == process.stderr.read() == ""


def test_clicks_for_programs(server: Serving, client: httpx2.Client) -> None:
    make(client, "live-programs")
    with showing(server, "--json", "--class", "human,bot") as process:
        assert process.stdout is not None
        eventually(lambda: followers(client) == 1)
        client.get("/live-programs", headers={"user-agent": "curl/8.5.0"})
        click = json.loads(process.stdout.readline())
        assert (click["code"], click["class"], click["country"]) == ("live-programs", "bot", None)


def test_clicks_that_pass_filters(server: Serving, client: httpx2.Client) -> None:
    make(client, "live-filtered")
    with showing(server, "live-filtered", "--json", "--where", "utm_source=a,b", "--where", "browser=-") as process:
        assert process.stdout is not None
        eventually(lambda: followers(client) == 1)
        for source in ("c", "a", "", "b"):
            client.get(f"/live-filtered?utm_source={source}")
        assert [json.loads(process.stdout.readline())["utm_source"] for _ in range(2)] == ["a", "b"]


BLOCKS = {
    "": 'retry: 10\n\nid: 5\n\nevent: click\ndata: {"n": 6}\nid: 6\n\n',
    "6": 'retry: 10\n\nevent: gap\ndata: {"clicks": 3}\n\nevent: click\ndata: {"n": 10}\nid: 10\n\n',
    "10": 'event: gap\ndata: {"clicks": null}\n\nevent: closed\ndata: {"reason": "slow"}\n\n: alive\nid: 11\n\n',
}


def test_a_stream_that_is_cut_off_is_taken_up_again(capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("last-event-id", ""))
            if len(seen) == 2:  # as something in between says while the server is being started anew
                self.send_error(502)
                return
            known = seen[-1] in BLOCKS
            self.send_response(200 if known else 401)
            self.send_header("content-type", "text/event-stream" if known else "application/problem+json")
            self.end_headers()
            self.wfile.write((BLOCKS[seen[-1]] if known else '{"detail": "Enough."}').encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        result = run("live", "--json", "--url", f"http://127.0.0.1:{server.server_address[1]}", "--key", "k")
        server.shutdown()
        thread.join()
    assert seen == ["", "6", "6", "10", "11"]
    assert [json.loads(line) for line in result.stdout.splitlines()] == [{"n": 6}, {"n": 10}]
    assert result.exit_code == 4
    assert result.stderr.splitlines() == [
        "shortener: 3 clicks were missed",
        "shortener: some clicks were missed",
        "shortener: Enough.",
    ]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        pytest.param((), 2, "--url: name the server whose clicks to show", id="no server"),
        pytest.param(("--url", "localhost:8000"), 2, "--url localhost:8000: ", id="no scheme"),
        pytest.param(("--url", "http://localhost:1", "--domain", "a.example"), 2, "--domain: ", id="domain alone"),
        pytest.param(("--url", "http://127.0.0.1:1"), 1, "http://127.0.0.1:1 does not answer: ", id="nobody there"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    result = run("live", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (exit_code, 1)
    assert result.stderr.startswith(f"shortener: {message}")


REFUSALS = {
    "a key that is none": ((), "nobody", 4, "unknown, revoked or expired"),
    "a link that is not there": (("nobodys",), ADMIN_KEY, 3, "There is no link called 'nobodys'."),
    "a class that is none": (("--class", "x"), ADMIN_KEY, 2, "--class: 'x' is no class"),
    "a filter that is none": (("--where", "Firefox"), ADMIN_KEY, 2, "'Firefox' is no filter: "),
    "an unknown filter": (
        ("--where", "colour=red"),
        ADMIN_KEY,
        2,
        "--where colour: There is no such filter. Did you mean 'country'?",
    ),
}


@pytest.mark.parametrize(("arguments", "key", "exit_code", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(server: Serving, arguments: tuple[str, ...], key: str, exit_code: int, message: str) -> None:
    result = run("live", *arguments, "--url", server.url, "--key", key)
    assert result.exit_code == exit_code
    assert message in result.stderr


def test_a_stranger_is_not_asked_again() -> None:
    with stranger(200, b"<html>") as url:
        result = run("live", "--url", url)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"shortener: {url} does not answer: ")
