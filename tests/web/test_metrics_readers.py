"""Who may read the metrics: everybody, keys, nobody, or whoever reaches a port of their own."""

import socket
import threading
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from shortener import errors
from shortener import settings as all_settings
from shortener.app import create_app
from shortener.settings import Settings
from shortener.web import metrics_port
from tests.conftest import ADMIN_KEY, AUTHORIZED
from tests.ports import free_port
from tests.server import Server, eventually

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def reads_metrics(settings: Settings, setting: str, **headers: str) -> int:
    configured = Settings(_env_file=None, **{**settings.model_dump(), "metrics": setting})
    app = create_app(configured)
    with closing(app.state.parts.database):
        return TestClient(app, headers=headers).get("/metrics").status_code


@on_sqlite
@pytest.mark.parametrize(
    ("setting", "stranger", "with_key"),
    [
        pytest.param("everybody", 200, 200, id="everybody"),
        pytest.param("key", 401, 200, id="key"),
        pytest.param("nobody", 404, 404, id="nobody"),
        pytest.param("9100", 404, 404, id="port"),
        pytest.param("0.0.0.0:9100", 404, 404, id="address"),
    ],
)
def test_who_may_read_metrics(settings: Settings, setting: str, stranger: int, with_key: int) -> None:
    assert reads_metrics(settings, setting) == stranger
    assert reads_metrics(settings, setting, authorization=f"Bearer {ADMIN_KEY}") == with_key
    bad = reads_metrics(settings, setting, authorization="Bearer nonsense")
    assert bad == stranger


@on_sqlite
def test_a_key_for_statistics_reads_metrics_and_one_for_links_does_not(settings: Settings) -> None:
    configured = Settings(_env_file=None, **{**settings.model_dump(), "metrics": "key"})
    with TestClient(create_app(configured), headers=AUTHORIZED) as client:
        for scope, status in (("stats:read", 200), ("links:read", 403)):
            made = client.post("/api/v1/keys", json={"name": "x", "scopes": [scope]}).json()["key"]
            assert client.get("/metrics", headers={"authorization": f"Bearer {made}"}).status_code == status


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("everybody", None),
        ("key", None),
        ("nobody", None),
        ("9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:9100", ("0.0.0.0", 9100)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_addresses_of_metrics(value: str, address: tuple[str, int] | None) -> None:
    assert Settings(_env_file=None, metrics=value).metrics_address == address


@pytest.mark.parametrize("value", ["all", "0", "65536", "99999", "::1:9100", "http://x:1", ":9100", "9100/metrics"])
def test_what_is_no_setting_for_metrics(value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, metrics=value)
    with pytest.raises(errors.StartFailed, match="SHORTENER_METRICS: must be everybody, key, nobody, or a port"):
        all_settings.load(metrics=value)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/metrics", 200), ("HEAD", "/metrics", 200), ("GET", "/metrics?x", 200), ("GET", "/", 404)],
)
def test_metrics_on_a_port_of_their_own(method: str, path: str, status: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    threading.Thread(target=metrics_port.serve, args=(listener,), daemon=True).start()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found, body = answer.status, answer.read()
    except HTTPError as error:
        with error:
            found, body = error.code, b""
    assert found == status
    assert (b"shortener_visits_total" in body) is (status == 200 and method == "GET")


def test_a_server_shows_them_on_their_port_only(tmp_path: Path) -> None:
    port = free_port()
    with Server(tmp_path, SHORTENER_METRICS=str(port)) as server, server.client() as client:
        assert client.get("/metrics").status_code == 404
        client.get("/healthz")
        eventually(lambda: b'route="/healthz"' in _read(port))


def _read(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            body: bytes = answer.read()
            return body
    except URLError:  # it begins when the server is up
        return b""
