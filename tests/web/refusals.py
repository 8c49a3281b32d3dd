"""What every refusal has to be: a problem document that names the input at fault, and nothing changed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.storage import tables
from shortener.web.api.schemas.problems import ProblemOut
from shortener.web.statuses import STATUS_OF_CODE
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX
from tests.postgres import Postgres

JSON = {"content-type": "application/json"}
#: A target that is always good, for bodies in which something else is bad.
GOOD = "https://example.com/"
#: The link that is there before anything bad comes; no bad request may change it.
CODE = "kept"

#: Everything that a write could leave behind. (When a key was last used is not part of what requests store.)
_WATCHED = [
    select(*(column for column in table.c if column.name != "last_used_at"))
    for table in (tables.link, tables.tag, tables.link_tag, tables.api_key, tables.change, tables.domain)
]


@dataclass(frozen=True)
class Wrong:
    """Which input must be blamed, by which code."""

    field: str
    code: str

    @property
    def document_code(self) -> str:
        """The code of the whole document: the field's own where that is an error of ours."""
        return self.code if self.code in STATUS_OF_CODE else "validation-failed"


@dataclass(frozen=True)
class Instance:
    """A running application with one link in its database."""

    client: TestClient
    settings: Settings

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Sends a request that must not change anything, whatever its answer."""
        before = self.state()
        response = self.client.request(method, path, **options)
        assert self.state() == before, f"{response.status_code} changed what is stored: {response.text[:300]}"
        return response

    def send_json(self, method: str, path: str, raw: str | bytes) -> httpx2.Response:
        """Likewise, with a body that says it is JSON. Surrogates in `raw` are sent as they are."""
        content = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
        return self.send(method, path, content=content, headers=JSON)

    def state(self) -> list[list[tuple[Any, ...]]]:
        """All that is stored."""
        with self.client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
            return [sorted((tuple(row) for row in connection.execute(query)), key=repr) for query in _WATCHED]


@contextmanager
def instance_on(engine: str, folder: Path, request: pytest.FixtureRequest, **settings: Any) -> Iterator[Instance]:
    """An instance on a new database of kind `engine`."""
    server: Postgres | None = None
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "shortener.db")
        url = f"sqlite:///{folder / 'shortener.db'}"
    else:
        server = request.getfixturevalue("postgres")
        assert server is not None
        name = server.create(request.getfixturevalue("postgres_template"))
        url = server.url(name)
    chosen: dict[str, Any] = {"admin_key": ADMIN_KEY, "base_url": "https://go.example", **settings}
    configured = Settings(_env_file=None, data_dir=folder, database_url=url, **chosen)
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(
        create_app(configured), follow_redirects=False, headers=headers, base_url="https://go.example"
    ) as client:
        made = client.post("/api/v1/links", json={"target": GOOD, "code": CODE, "tags": ["kept"], "title": "kept"})
        assert made.status_code == 201, made.text
        yield Instance(client, configured)
    if server is not None:
        server.drop(name)


def assert_problem(response: httpx2.Response, code: str, *, body: bool = True) -> dict[str, Any]:
    """Demands the problem document of the error `code`, and returns it. `body` False: of a HEAD request."""
    status = STATUS_OF_CODE[code]
    assert response.status_code == status, f"{response.status_code} instead of {status}: {response.text[:500]}"
    assert response.headers["content-type"] == "application/problem+json"
    of_api = response.request.url.path.startswith("/api/")
    assert response.headers["cache-control"] == ("private, no-store" if of_api else "no-store")
    if not body:
        return {}
    document: dict[str, Any] = json.loads(response.content)
    ProblemOut.model_validate(document)
    assert document["type"] == f"urn:shortener:problem:{code}"
    assert (document["code"], document["status"]) == (code, status)
    assert document["title"]
    assert document["detail"]
    return document


def assert_refused(response: httpx2.Response, wrong: Wrong) -> None:
    """Demands a problem document that blames `wrong`, and that input alone."""
    document = assert_problem(response, wrong.document_code)
    found = [(entry["field"], entry["code"]) for entry in document["errors"]]
    assert found == [(wrong.field, wrong.code)], document["errors"]
    message = document["errors"][0]["message"]
    assert len(message) > len("Wrong."), message
    # A message may name the input at fault, but never sends all of it back.
    assert len(message) < 400
    assert message.isprintable(), ascii(message)
