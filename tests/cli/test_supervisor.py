"""The processes of `shortener serve`: who is restarted, who waits for whom, and that nobody is left."""

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shortener.storage.engine import sqlite_module
from tests.cli.process import GONE, Serving, ended, eventually, group
from tests.cli.process import served as forked
from tests.cli.process import served_by_command as served
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX

KEY = {"SHORTENER_ADMIN_KEY": ADMIN_KEY}
#: The processes of a server with two workers.
TWO_WORKERS = {"worker-1", "worker-2", "drainer"}
#: Connections after which both of two workers have surely got one.
ENOUGH_CONNECTIONS = 300


def log_lines(serving: Serving, *parts: str) -> list[str]:
    return [line for line in serving.errors.read_text().splitlines() if all(part in line for part in parts)]


def create(serving: Serving, code: str) -> None:
    answer = httpx2.post(
        f"{serving.url}/api/v1/links", json={"target": "https://example.com/", "code": code}, headers=AUTHORIZED
    )
    assert answer.status_code == 201


def clicks(serving: Serving, code: str) -> int:
    count: int = httpx2.get(f"{serving.url}/api/v1/links/{code}", headers=AUTHORIZED).json()["clicks"]
    return count


def requests_counted(client: httpx2.Client) -> float:
    """Answers of /healthz, as /metrics has them."""
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == "shortener_requests_total" and sample.labels["route"] == "/healthz":
                return sample.value
    return 0.0


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return sum(link.startswith("socket:") for link in links)


def refuses(serving: Serving) -> bool:
    """Whether nobody listens any more where it is."""
    try:
        socket.create_connection(("127.0.0.1", int(serving.url.rpartition(":")[2]))).close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def upload(serving: Serving) -> Iterator[socket.socket]:
    """A request in flight: the server has taken it up and waits for its body, which is `BODY`."""
    with socket.create_connection(("127.0.0.1", int(serving.url.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(
            b"POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
            % (ADMIN_KEY.encode(), len(BODY))
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        yield connection


BODY = b'{"target": "https://example.com/", "code": "slow"}'


@pytest.mark.process
def test_every_process_is_called_by_what_it_does(nowhere: Path) -> None:
    with served(nowhere, "--port", "0", "--workers", "2") as serving:
        eventually(lambda: serving.children.keys() == TWO_WORKERS)
        assert {member.parent for member in group(serving.process.pid)} == {os.getpid(), serving.process.pid}
        assert serving.stop() == 0
    assert serving.errors.read_text() == ""


@pytest.mark.parametrize("name", ["worker-1", "drainer"])
def test_who_dies_is_started_again(nowhere: Path, name: str) -> None:
    with served(nowhere, **KEY) as serving:
        create(serving, "again")
        eventually(lambda: "drainer" in serving.children)
        first = serving.children[name]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: serving.children.get(name, first) != first)
        assert httpx2.get(f"{serving.url}/again", headers={"user-agent": FIREFOX}).status_code == 302
        eventually(lambda: clicks(serving, "again") == 1)
        assert len(log_lines(serving, f"process={name}", "how='killed by SIGKILL'", "seconds=0.0")) == 1
        assert serving.stop() == 0


@pytest.mark.process
def test_a_worker_that_is_told_to_end_is_replaced(nowhere: Path) -> None:
    with forked(nowhere) as serving:
        first = serving.children["worker-1"]
        os.kill(first, signal.SIGTERM)
        eventually(lambda: serving.children.get("worker-1", first) != first)
        assert httpx2.get(f"{serving.url}/healthz").status_code == 200
        assert len(log_lines(serving, "process=worker-1", "how='exit code 0'")) == 1
        assert serving.stop() == 0


@pytest.mark.process
@pytest.mark.parametrize("stopped", ["nobody", "worker-1"])
def test_nothing_outlives_the_supervisor(nowhere: Path, stopped: str) -> None:
    with forked(nowhere, "--port", "0", "--workers", "2", **KEY) as serving:
        eventually(lambda: serving.children.keys() == TWO_WORKERS)
        if stopped != "nobody":
            os.kill(serving.children[stopped], signal.SIGSTOP)
        create_by = httpx2.Client(base_url=serving.url)
        assert create_by.get("/healthz").status_code == 200
        assert serving.stop(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: not group(serving.process.pid), within=GONE)
        create_by.close()
    port = serving.url.rpartition(":")[2]
    with forked(nowhere, "--port", port, **KEY) as again:
        assert httpx2.get(f"{again.url}/healthz").status_code == 200
        assert again.stop() == 0


@pytest.mark.process
def test_what_a_killed_server_left_is_removed_by_the_next(nowhere: Path) -> None:
    def folder(serving: Serving) -> Path:
        maps = Path(f"/proc/{serving.process.pid}/maps").read_text()
        found = re.search(r"\S+/shortener-metrics-[^/\s]+", maps)
        assert found, maps
        return Path(found[0])

    with forked(nowhere) as serving:
        left = folder(serving)
        serving.stop(signal.SIGKILL)
        eventually(lambda: not group(serving.process.pid), within=GONE)
    assert left.is_dir()
    with forked(nowhere) as again:
        assert not left.exists()
        own = folder(again)
        assert again.stop() == 0
        assert not own.exists()


SIGNALS = {
    "SIGTERM": (signal.SIGTERM,),
    "SIGINT": (signal.SIGINT,),
    "SIGTERM twice": (signal.SIGTERM, signal.SIGTERM),
    "SIGINT, then SIGTERM": (signal.SIGINT, signal.SIGTERM),
}


@pytest.mark.process
@pytest.mark.parametrize("numbers", SIGNALS.values(), ids=SIGNALS.keys())
def test_a_request_in_flight_is_finished(nowhere: Path, numbers: Sequence[signal.Signals]) -> None:
    with forked(nowhere, **KEY) as serving, upload(serving) as connection:
        for number in numbers:
            serving.process.send_signal(number)
            eventually(lambda: refuses(serving))
        connection.sendall(BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert serving.process.wait(5) == 0
    assert serving.errors.read_text() == ""
    assert ended("link", "show", "slow").returncode == 0


@pytest.mark.process
def test_who_interrupts_twice_does_not_wait(nowhere: Path) -> None:
    with forked(nowhere, **KEY) as serving, upload(serving) as connection:
        serving.process.send_signal(signal.SIGINT)
        eventually(lambda: refuses(serving))
        serving.process.send_signal(signal.SIGINT)
        assert serving.process.wait(5) == 0
        with suppress(ConnectionResetError):
            assert connection.recv(1000) == b""  # closed, without an answer


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_signal_to_the_whole_group_ends_everything_once(nowhere: Path, how: signal.Signals) -> None:
    """Ctrl+C at a terminal is one, and some process managers do so."""
    with forked(nowhere, "--port", "0", "--workers", "2") as serving:
        eventually(lambda: serving.children.keys() == TWO_WORKERS)
        os.killpg(serving.process.pid, how)
        assert serving.process.wait(5) == 0
    assert serving.errors.read_text() == ""


def test_a_worker_that_cannot_start_any_more_is_tried_less_and_less_often(nowhere: Path) -> None:
    with served(nowhere, **KEY) as serving:
        database: sqlite3.Connection = sqlite_module().connect("data/shortener.db")
        saved = database.execute("SELECT * FROM instance").fetchone()
        database.execute("DELETE FROM instance")  # what the application cannot start without
        database.commit()
        os.kill(serving.children["worker-1"], signal.SIGKILL)
        eventually(lambda: len(log_lines(serving, "process=worker-1", "how='exit code 1'")) >= 3)
        pauses = re.findall(r"process=worker-1.* seconds=(\S+)", serving.errors.read_text())
        assert pauses[:4] == ["0.0", "0.1", "0.2", "0.4"]
        database.execute(f"INSERT INTO instance VALUES ({', '.join('?' * len(saved))})", saved)
        database.commit()
        database.close()
        assert httpx2.get(f"{serving.url}/healthz", timeout=20).status_code == 200
        assert serving.stop() == 0


def test_two_workers_share_the_connections_and_one_page_of_metrics(nowhere: Path) -> None:
    with served(nowhere, "--port", "0", "--workers", "2") as serving, ExitStack() as opened:
        eventually(lambda: serving.children.keys() == TWO_WORKERS)
        workers = [pid for name, pid in serving.children.items() if name.startswith("worker")]
        before = [sockets(pid) for pid in workers]
        clients: list[httpx2.Client] = []
        while any(sockets(pid) == known for pid, known in zip(workers, before, strict=True)):
            assert len(clients) < ENOUGH_CONNECTIONS
            clients.append(opened.enter_context(httpx2.Client(base_url=serving.url)))
            assert clients[-1].get("/healthz").status_code == 200
        assert {requests_counted(client) for client in clients} == {float(len(clients))}
        # Who comes in a worker's place goes on where that one ended.
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: serving.children.keys() == TWO_WORKERS and workers[0] not in serving.children.values())
        with httpx2.Client(base_url=serving.url) as client:
            assert requests_counted(client) == float(len(clients))
        assert serving.stop() == 0


@pytest.mark.process
def test_the_drainers_figures_are_on_the_workers_page(nowhere: Path) -> None:
    with forked(nowhere, **KEY) as serving:
        create(serving, "figures")
        for _ in range(3):
            assert httpx2.get(f"{serving.url}/figures", headers={"user-agent": FIREFOX}).status_code == 302
        drained = "\nshortener_clicks_drained_total 3.0\n"
        eventually(lambda: drained in httpx2.get(f"{serving.url}/metrics").text)
        eventually(lambda: "\nshortener_unfolded_clicks 0.0\n" in httpx2.get(f"{serving.url}/metrics").text)
        assert serving.stop() == 0


def test_clicks_are_drained_to_the_last_before_the_end(nowhere: Path) -> None:
    with served(nowhere, **KEY) as serving:
        create(serving, "last")
        eventually(lambda: "drainer" in serving.children)
        with httpx2.Client(base_url=serving.url, headers={"user-agent": FIREFOX}) as client:
            for _ in range(50):
                assert client.get("/last").status_code == 302
        assert serving.stop() == 0
    shown = ended("link", "show", "last", "--json")
    assert '"clicks": 50' in shown.stdout


def test_more_or_fewer_workers_than_can_be(nowhere: Path) -> None:
    for number in ("0", "257", "many"):
        refused = ended("serve", "--workers", number)
        assert refused.returncode == 2
        assert "--workers" in refused.stderr
