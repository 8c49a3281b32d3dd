"""A browser at the administration pages: it fills in their forms, and sends what browsers send with one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2
from starlette.testclient import TestClient

from shortener.storage import signin_tables  # noqa: F401  # adds its tables
from shortener.storage.engine import Database
from shortener.storage.tables import metadata
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX

BROWSER = {"user-agent": FIREFOX, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SIGNIN = "/admin/signin"
COOKIE = "__Host-shortener_session"
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class Form:
    """A form as it stands in a page."""

    method: str = ""
    action: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    #: What people fill in, and press.
    inputs: list[dict[str, str]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)

    def filled(self, **values: str) -> Sequence[tuple[str, str]]:
        """What is sent of it."""
        return [*self.fields, *values.items()]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found["method"], found.get("action", "")))
        elif tag == "input" and found["type"] == "hidden":
            self.forms[-1].fields.append((found["name"], found["value"]))
        elif tag == "input":
            self.forms[-1].inputs.append(found)
        elif tag == "button":
            self.forms[-1].buttons.append(found)


def form_in(answer: httpx2.Response) -> Form:
    """The form in a page."""
    parser = _Forms()
    parser.feed(answer.text)
    (found,) = parser.forms
    return found


def token_in(answer: httpx2.Response) -> str:
    """The token that the form in a page sends."""
    found = _TOKEN.search(answer.text)
    assert found, answer.text
    return found[1]


def send(client: TestClient, path: str, fields: Sequence[tuple[str, str]], **headers: str) -> httpx2.Response:
    """Sends a form as the browser does that shows it."""
    origin = str(client.base_url).rstrip("/")
    content = str(httpx2.QueryParams(list(fields))).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return client.post(path, content=content, headers={"origin": origin, **kind, **headers})


def sign_in(client: TestClient, key: str = ADMIN_KEY, *, next: str = "", **headers: str) -> httpx2.Response:
    """Fills in the form at the sign-in page and sends it."""
    page = client.get(SIGNIN, params={"next": next} if next else {})
    return send(client, SIGNIN, form_in(page).filled(key=key), **headers)


def is_signed_in(client: TestClient, **headers: str) -> bool:
    """Whether the first page says who is signed in; else it must lead to the sign-in page."""
    answer = client.get("/admin/", headers=headers)
    assert (answer.status_code, answer.headers.get("location")) in {(200, None), (303, SIGNIN)}, answer.text
    return answer.status_code == 200


def sign_out(client: TestClient, token: str | None = None) -> httpx2.Response:
    """Presses the button on the first page."""
    return send(client, "/admin/signout", [("token", token or token_in(client.get("/admin/")))])


def take_cookie(client: TestClient) -> dict[str, str]:
    """The header with the session's cookie, which the browser forgets: a jar drops what is old by itself."""
    (name,) = (name for name in client.cookies if name.endswith("shortener_session"))
    header = {"cookie": f"{name}={client.cookies[name]}"}
    client.cookies.clear()
    return header


def issue(client: TestClient, *scopes: str, **fields: Any) -> dict[str, Any]:
    """A new key, by the API."""
    body = {"name": "Kim", "scopes": scopes or ["links:read"], **fields}
    answer = client.post("/api/v1/keys", json=body, headers=AUTHORIZED)
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


def database_of(client: TestClient) -> Database:
    found: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    return found


def stored(client: TestClient) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds, but when a key was last used."""
    with database_of(client).read() as connection:
        return {
            table.name: sorted(
                (
                    tuple(row)
                    for row in connection.execute(
                        table.select().with_only_columns(*(c for c in table.c if c.name != "last_used_at"))
                    )
                ),
                key=repr,
            )
            for table in metadata.sorted_tables
        }
