"""`Allow`: the same whichever way a method is refused, and what the resource at a path has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED

API = "/api/v1"
_READING, _ALL = {"GET", "HEAD"}, {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
RESOURCES: dict[str, set[str]] = {
    f"{API}/links": {"GET", "HEAD", "POST"},
    f"{API}/links/kept": {"GET", "HEAD", "PUT", "PATCH", "DELETE"},
    f"{API}/links/bulk": {"POST", "PATCH", "DELETE"},
    f"{API}/links/kept/aliases": {"POST"},
    f"{API}/links/kept/aliases/x": {"DELETE"},
    f"{API}/links/kept/history": _READING,
    f"{API}/links/kept/schedule": {"GET", "HEAD", "POST"},
    f"{API}/links/kept/clicks": {"GET", "HEAD", "DELETE"},
    f"{API}/links/external/kept": {"PUT"},
    f"{API}/tags": {"GET", "HEAD", "POST"},
    f"{API}/tags/x": {"PATCH", "DELETE"},
    f"{API}/tags/x/merge": {"POST"},
    f"{API}/tags/x/stats": _READING,
    f"{API}/tags/x/clicks.csv": _READING,
    f"{API}/domains/x": {"GET", "HEAD", "PATCH", "DELETE"},
    f"{API}/stats": _READING,
    f"{API}/keys/x": {"GET", "HEAD", "DELETE"},
    "/admin": _READING,
    "/admin/": _READING,
    "/admin/signin": {"GET", "HEAD", "POST"},
    "/admin/signin/x": {"GET", "HEAD", "POST"},
    "/admin/signout": {"POST"},
    "/docs": _READING,
    "/docs/": _READING,
    "/healthz": _READING,
    "/openapi.json": _READING,
    "/": _READING,
    "/kept": _READING,
    "/kept/": _READING,
    "/nobodys": _READING,
    "/keeping": _ALL,
    "/permanent": _ALL,
    "/secret": {"GET", "HEAD", "POST"},
    "/static/x": _READING,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("methods")
    (folder / "shortener.db").write_bytes(sqlite_template.read_bytes())
    settings = Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, base_url="https://go.example")
    with Client(create_app(settings), headers=AUTHORIZED, follow_redirects=False) as opened:
        links = ({"code": "kept"}, {"code": "keeping", "status": 307}, {"code": "permanent", "status": 308})
        for fields in (*links, {"code": "secret", "password": "s3cret"}):
            made = opened.post(f"{API}/links", json={"target": "https://example.com/", **fields})
            assert made.status_code == 201, made.text
        yield opened


@pytest.mark.parametrize("path", RESOURCES)
def test_allow_is_what_the_resource_has(client: TestClient, path: str) -> None:
    expected = RESOURCES[path]
    not_had = [method for method in ("POST", "PUT", "PATCH", "DELETE", "GET") if method not in expected]
    if not path.startswith(API) and path != "/":
        # What a short link says to a method that it has not depends on whether there is one.
        not_had = [] if path in ("/secret", "/nobodys") else not_had
    for method in ("OPTIONS", "TRACE", "PROPFIND", "LOCK", "BREW", *not_had):
        answer = client.request(method, path)
        assert answer.status_code == 405, (method, answer.text)
        assert set(answer.headers["allow"].split(", ")) == expected, method
        assert answer.json()["code"] == "method-not-allowed"


def test_a_tag_whose_name_ends_like_something_behind_a_tag(client: TestClient) -> None:
    for name in ("y/merge", "y/stats", "y/clicks.csv"):
        assert client.request("PATCH", f"{API}/tags/{name}", json={}).status_code == 405
        assert client.post(f"{API}/tags", json={"name": name}).status_code == 201
        assert client.patch(f"{API}/tags/{name}", json={"color": "#ff8800"}).status_code == 200
        assert client.delete(f"{API}/tags/{name}").status_code == 204


def test_a_link_may_be_called_external(client: TestClient) -> None:
    assert client.post(f"{API}/links", json={"target": "https://example.com/", "code": "external"}).status_code == 201
    assert client.get(f"{API}/links/external/history").status_code == 200
    again = client.put(f"{API}/links/external/history", json={"target": "https://example.com/"})
    assert again.status_code == 201, again.text
