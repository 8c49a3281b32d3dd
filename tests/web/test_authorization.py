"""Who may do what: every route of the API, every scope, and everything that is no key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shortener import logs
from shortener.app import create_app
from shortener.domain import access
from shortener.domain.access import Scope
from shortener.services.keys import of_preset, preset_of
from shortener.settings import Settings
from shortener.web import deps
from tests.client import Client
from tests.conftest import ADMIN_KEY, ENGINES
from tests.web.refusals import CODE, GOOD, JSON, Instance, assert_problem, instance_on

pytestmark = pytest.mark.unmeasured

PREFIX = "/api/v1"
#: Nobody's: a request with a sufficient key ends in 404 or 422 and changes nothing.
UNKNOWN = {
    "{code}": "nobodys",
    "{id}": "0123456789ab",
    "{name}": "nobodys.example",
    "{tag:any_text}": "nobodys",
    "{alias}": "nobodys",
    "{external_id:path}": "nobodys",
}

#: What each route needs, said a second time: a wrong scope in the code must not pass for the right one.
NEEDED = {
    ("POST", "/links"): Scope.LINKS_WRITE,
    ("GET", "/links"): Scope.LINKS_READ,
    ("GET", "/links/{code}"): Scope.LINKS_READ,
    ("PATCH", "/links/{code}"): Scope.LINKS_WRITE,
    ("PUT", "/links/{code}"): Scope.LINKS_WRITE,
    ("DELETE", "/links/{code}"): Scope.LINKS_WRITE,
    ("PUT", "/links/external/{external_id:path}"): Scope.LINKS_WRITE,
    ("POST", "/links/bulk"): Scope.LINKS_WRITE,
    ("PATCH", "/links/bulk"): Scope.LINKS_WRITE,
    ("DELETE", "/links/bulk"): Scope.LINKS_WRITE,
    ("POST", "/links/{code}/aliases"): Scope.LINKS_WRITE,
    ("DELETE", "/links/{code}/aliases/{alias}"): Scope.LINKS_WRITE,
    ("GET", "/links/{code}/history"): Scope.LINKS_READ,
    ("POST", "/links/{code}/revert"): Scope.LINKS_WRITE,
    ("POST", "/links/{id}/undelete"): Scope.LINKS_WRITE,
    ("POST", "/links/{code}/schedule"): Scope.LINKS_WRITE,
    ("GET", "/links/{code}/schedule"): Scope.LINKS_READ,
    ("DELETE", "/links/{code}/schedule/{id}"): Scope.LINKS_WRITE,
    ("POST", "/links/{code}/explain"): Scope.LINKS_READ,
    ("GET", "/links/{code}/qr.svg"): Scope.LINKS_READ,
    ("GET", "/links/{code}/qr.png"): Scope.LINKS_READ,
    ("GET", "/links/{code}/stats"): Scope.STATS_READ,
    ("GET", "/stats"): Scope.STATS_READ,
    ("GET", "/domains/{name}/stats"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/stats"): Scope.STATS_READ,
    ("GET", "/orphans/stats"): Scope.STATS_READ,
    ("GET", "/live"): Scope.STATS_READ,
    ("GET", "/links/{code}/live"): Scope.STATS_READ,
    ("DELETE", "/links/{code}/clicks"): Scope.ADMIN,
    ("DELETE", "/orphans/clicks"): Scope.ADMIN,
    ("GET", "/clicks"): Scope.STATS_READ,
    ("GET", "/clicks.csv"): Scope.STATS_READ,
    ("GET", "/clicks.ndjson"): Scope.STATS_READ,
    ("GET", "/links/{code}/clicks"): Scope.STATS_READ,
    ("GET", "/links/{code}/clicks.csv"): Scope.STATS_READ,
    ("GET", "/links/{code}/clicks.ndjson"): Scope.STATS_READ,
    ("GET", "/domains/{name}/clicks"): Scope.STATS_READ,
    ("GET", "/domains/{name}/clicks.csv"): Scope.STATS_READ,
    ("GET", "/domains/{name}/clicks.ndjson"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/clicks"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/clicks.csv"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/clicks.ndjson"): Scope.STATS_READ,
    ("GET", "/orphans/clicks"): Scope.ADMIN,
    ("GET", "/orphans/clicks.csv"): Scope.ADMIN,
    ("GET", "/orphans/clicks.ndjson"): Scope.ADMIN,
    ("GET", "/stats.csv"): Scope.STATS_READ,
    ("GET", "/stats.ndjson"): Scope.STATS_READ,
    ("GET", "/links/{code}/stats.csv"): Scope.STATS_READ,
    ("GET", "/links/{code}/stats.ndjson"): Scope.STATS_READ,
    ("GET", "/domains/{name}/stats.csv"): Scope.STATS_READ,
    ("GET", "/domains/{name}/stats.ndjson"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/stats.csv"): Scope.STATS_READ,
    ("GET", "/tags/{tag:any_text}/stats.ndjson"): Scope.STATS_READ,
    ("GET", "/orphans/stats.csv"): Scope.STATS_READ,
    ("GET", "/orphans/stats.ndjson"): Scope.STATS_READ,
    ("POST", "/tags"): Scope.LINKS_WRITE,
    ("GET", "/tags"): Scope.LINKS_READ,
    ("PATCH", "/tags/{tag:any_text}"): Scope.LINKS_WRITE,
    ("DELETE", "/tags/{tag:any_text}"): Scope.LINKS_WRITE,
    ("POST", "/tags/{tag:any_text}/merge"): Scope.LINKS_WRITE,
    ("POST", "/domains"): Scope.ADMIN,
    ("GET", "/domains"): Scope.LINKS_READ,
    ("GET", "/domains/{name}"): Scope.LINKS_READ,
    ("PATCH", "/domains/{name}"): Scope.ADMIN,
    ("DELETE", "/domains/{name}"): Scope.ADMIN,
    ("GET", "/orphans"): Scope.ADMIN,
    ("POST", "/keys"): Scope.ADMIN,
    ("GET", "/keys"): Scope.ADMIN,
    ("GET", "/keys/{id}"): Scope.ADMIN,
    ("DELETE", "/keys/{id}"): Scope.ADMIN,
}


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with instance_on(request.param, tmp_path_factory.mktemp("keys"), request) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(instance: Instance) -> dict[Scope, str]:
    """A key per scope that has that scope alone."""
    made = {scope: issue(instance, [scope]) for scope in Scope}
    return {scope: key["key"] for scope, key in made.items()}


@pytest.fixture(scope="module")
def anonymous(instance: Instance, keys: dict[Scope, str]) -> Instance:
    """The instance with a client that sends no key by itself."""
    del instance.client.headers["authorization"]
    return instance


def issue(instance: Instance, scopes: list[Scope], **fields: Any) -> dict[str, str]:
    made = instance.client.post(f"{PREFIX}/keys", json={"name": "x", "scopes": scopes, **fields}, headers=admin())
    assert made.status_code == 201, made.text
    found: dict[str, str] = made.json()
    return found


def admin() -> dict[str, str]:
    return bearer(ADMIN_KEY)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def needs_of(app: FastAPI) -> Iterator[tuple[str, str, list[Scope]]]:
    """Method, path and scopes of every route of the API."""
    for context in iter_route_contexts(app.routes):
        if str(context.path).startswith("/api"):
            for method in context.methods or ():
                yield (
                    method,
                    str(context.path),
                    list(dict.fromkeys(_scopes(getattr(context.route, "dependant", None)))),
                )


def _scopes(dependant: Any) -> Iterator[Scope]:
    for inner in dependant.dependencies if dependant else ():
        if hasattr(inner.call, "needs"):
            yield inner.call.needs
        yield from _scopes(inner)


def test_every_route_of_the_api_needs_one_scope(instance: Instance) -> None:
    found = list(needs_of(instance.client.app))  # type: ignore[arg-type]
    without = [(method, path) for method, path, scopes in found if len(scopes) != 1]
    assert not without, f"routes without exactly one scope: {without}"
    # A new route belongs into NEEDED.
    assert {(method, path): scopes[0] for method, path, scopes in found} == {
        (method, PREFIX + path): scope for (method, path), scope in NEEDED.items()
    }


def test_the_description_says_which_routes_need_a_key(instance: Instance) -> None:
    described = instance.client.get("/openapi.json").json()
    assert "security" not in described, "no route is covered by default; each must say so itself"
    with_key: list[dict[str, list[str]]] = [{"Bearer": []}, {"ApiKey": []}]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            expected = with_key if path.startswith("/api/") else None
            assert operation.get("security") == expected, f"{method} {path}"
            assert {"401", "403"} <= operation["responses"].keys() or expected is None, f"{method} {path}"


routes = [pytest.param(method, path, scope, id=f"{method} {path}") for (method, path), scope in NEEDED.items()]
every_route = pytest.mark.parametrize(("method", "path", "needed"), routes)


def call(instance: Instance, method: str, path: str, headers: Any) -> Any:
    """Sends a request that a sufficient key lets through to a refusal, or to a list."""
    for name, value in UNKNOWN.items():
        path = path.replace(name, value)
    body: dict[str, Any] = {"content": b"{}"} if method in {"POST", "PUT", "PATCH"} or path.endswith("/bulk") else {}
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    if path.endswith("/live"):  # refused too, since what it answers has no end
        path += "?last_event_id=none"
    if body:
        pairs = [*pairs, *JSON.items()]
    return instance.send(method, PREFIX + path, headers=pairs, **body)


@pytest.mark.parametrize("held", Scope)
@every_route
def test_scopes(
    anonymous: Instance, keys: dict[Scope, str], method: str, path: str, needed: Scope, held: Scope
) -> None:
    enough = held in {needed, Scope.ADMIN}
    for also_as in {method} | ({"HEAD"} if method == "GET" else set()):
        for headers in (bearer(keys[held]), {"x-api-key": keys[held]}):
            response = call(anonymous, also_as, path, headers)
            if enough:
                assert response.status_code in {200, 404, 422}, response.text
                continue
            document = assert_problem(response, "scope-missing", body=also_as != "HEAD")
            assert also_as == "HEAD" or (needed in document["detail"] and held in document["detail"])


def test_scopes_add_up(anonymous: Instance) -> None:
    key = issue(anonymous, [Scope.LINKS_READ, Scope.STATS_READ])["key"]
    for (method, path), needed in NEEDED.items():
        expected = needed in {Scope.LINKS_READ, Scope.STATS_READ}
        assert (call(anonymous, method, path, bearer(key)).status_code != 403) is expected


@every_route
def test_no_key(anonymous: Instance, method: str, path: str, needed: Scope) -> None:
    """Before anything else: nobody without a key learns what else is wrong, or what there is."""
    response = call(anonymous, method, path, {})
    document = assert_problem(response, "key-missing")
    assert "Authorization: Bearer" in document["detail"]
    assert response.headers["www-authenticate"] == "Bearer"
    existing = call(anonymous, method, path.replace("{code}", CODE), {})
    assert (existing.status_code, existing.content) == (response.status_code, response.content)


@every_route
def test_unknown_keys(anonymous: Instance, method: str, path: str, needed: Scope) -> None:
    made_up = access.compose(bytes(access.ID_BYTES), "A" * 43)
    for headers in (bearer(made_up), {"x-api-key": made_up}):
        response = call(anonymous, method, path, headers)
        assert_problem(response, "key-invalid")
        assert response.headers["www-authenticate"] == "Bearer"


Header = list[tuple[bytes, bytes]]
NO_KEYS: dict[str, Header] = {
    "basic": [(b"authorization", b"Basic YWRtaW46YWRtaW4=")],
    "scheme-alone": [(b"authorization", b"Bearer")],
    "no-space": [(b"authorization", b"Bearer" + ADMIN_KEY.encode())],
    "key-alone": [(b"authorization", ADMIN_KEY.encode())],
    "other-scheme": [(b"authorization", b"Token " + ADMIN_KEY.encode())],
    "empty": [(b"authorization", b"")],
    "bearer-of-nothing": [(b"authorization", b"Bearer ")],
    "bearer-of-spaces": [(b"authorization", b"bearer    ")],
    "bearer-of-a-tab": [(b"authorization", b"BEARER \t ")],
    "bearer-of-nothing-twice": [(b"authorization", b"Bearer "), (b"authorization", b"Bearer  ")],
    "empty-api-key": [(b"x-api-key", b"")],
    "api-key-of-spaces": [(b"x-api-key", b"  ")],
    "neither": [(b"authorization", b"Bearer "), (b"x-api-key", b"")],
    "colon": [(b"authorization", b"Bearer: " + ADMIN_KEY.encode())],
    "cookie": [(b"cookie", b"authorization=Bearer " + ADMIN_KEY.encode())],
    "other-header": [(b"x-auth-token", ADMIN_KEY.encode()), (b"x_api_key", ADMIN_KEY.encode())],
    "proxy": [(b"proxy-authorization", b"Bearer " + ADMIN_KEY.encode())],
    "address": [(b"x-forwarded-for", b"127.0.0.1"), (b"x-real-ip", b"127.0.0.1")],
}
BAD_KEYS: dict[str, bytes] = {
    "word": b"null",
    "non-ascii": "schlüssel".encode(),
    "latin-1": "schlüssel".encode("latin-1"),
    "high-bytes": bytes(range(128, 256)),
    "invalid-utf-8": b"\xff\xfe\xed\xa0\x80",
    "admin-key-cut": ADMIN_KEY[:-1].encode(),
    "admin-key-and-more": ADMIN_KEY.encode() + b"0",
    "admin-key-in-upper-case": ADMIN_KEY.upper().encode(),
    "admin-key-in-quotes": b'"' + ADMIN_KEY.encode() + b'"',
    "two-keys": ADMIN_KEY.encode() + b", " + ADMIN_KEY.encode(),
    "prefix-alone": b"shk_",
    "no-secret": b"shk_000000000000_",
    "id-of-no-hex": b"shk_zzzzzzzzzzzz_" + b"A" * 43,
    "id-too-long": b"shk_0000000000000_" + b"A" * 43,
    "statement": b"shk_' OR '1'='1_" + b"A" * 43,
    "secret-of-other-letters": b"shk_000000000000_" + "Ａ".encode() * 43,
    "very-long": b"A" * 60_000,
}


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_headers_without_a_key(anonymous: Instance, headers: Header) -> None:
    response = anonymous.send("GET", f"{PREFIX}/keys", headers=headers)
    assert_problem(response, "key-missing")


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_bad_keys(anonymous: Instance, key: bytes) -> None:
    for headers in ([(b"authorization", b"Bearer " + key)], [(b"x-api-key", key)]):
        assert_problem(anonymous.send("GET", f"{PREFIX}/keys", headers=headers), "key-invalid")


def test_keys_in_the_address_are_no_keys(anonymous: Instance) -> None:
    for name in ("key", "api_key", "apikey", "access_token", "token", "authorization", "X-Api-Key"):
        assert_problem(anonymous.send("GET", f"{PREFIX}/keys?{name}={ADMIN_KEY}"), "key-missing")


def test_stored_keys_with_a_wrong_secret(anonymous: Instance) -> None:
    made = issue(anonymous, [Scope.ADMIN])
    key, secret = made["key"], made["key"].split("_", 2)[2]
    swapped = ("B" if secret[0] == "A" else "A") + secret[1:]
    wrong = {
        "first character": key.replace(secret, swapped),
        "last character": key[:-1] + ("B" if key[-1] == "A" else "A"),
        "cut": key[:-1],
        "longer": key + "A",
        "upper-case id": key.replace(made["id"], made["id"].upper()),
        "digest": f"shk_{made['id']}_{access.digest(key.encode()).hex()[:43]}",
        "other id": key.replace(made["id"], "0123456789ab"),
    }
    assert anonymous.send("GET", f"{PREFIX}/keys", headers=bearer(key)).status_code == 200
    for name, other in wrong.items():
        if other != key:  # an id of digits has no upper case
            response = anonymous.send("GET", f"{PREFIX}/keys", headers=bearer(other))
            assert assert_problem(response, "key-invalid"), name


def test_revoked_and_expired_keys_look_like_unknown_ones(anonymous: Instance) -> None:
    expired = issue(anonymous, [Scope.ADMIN], expires_at="2020-01-01T00:00:00Z")["key"]
    revoked = issue(anonymous, [Scope.ADMIN])
    assert anonymous.client.get(f"{PREFIX}/keys", headers=bearer(revoked["key"])).status_code == 200
    gone = anonymous.client.delete(f"{PREFIX}/keys/{revoked['id']}", headers=bearer(revoked["key"]))
    assert gone.status_code == 204
    unknown = access.compose(bytes(access.ID_BYTES), "A" * 43)
    answers = [
        anonymous.send("GET", f"{PREFIX}/keys", headers=bearer(key)) for key in (expired, revoked["key"], unknown)
    ]
    for answer in answers:
        assert_problem(answer, "key-invalid")
    assert len({answer.content for answer in answers}) == 1


GOOD_HEADER, BAD_HEADER = (b"authorization", b"Bearer " + ADMIN_KEY.encode()), (b"authorization", b"Bearer nonsense")
GOOD_KEY, BAD_KEY = (b"x-api-key", ADMIN_KEY.encode()), (b"x-api-key", b"nonsense")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([BAD_HEADER, GOOD_HEADER], id="bearers"),
        pytest.param([BAD_KEY, GOOD_KEY], id="api-keys"),
        pytest.param([BAD_HEADER, GOOD_KEY], id="bearer-and-api-key"),
        pytest.param([BAD_KEY, GOOD_HEADER], id="api-key-and-bearer"),
    ],
)
def test_a_second_key_does_not_make_up_for_a_bad_one(anonymous: Instance, headers: Header) -> None:
    assert_problem(anonymous.send("GET", f"{PREFIX}/keys", headers=headers), "key-invalid")


def test_an_empty_header_does_not_hide_a_key(anonymous: Instance) -> None:
    headers = [(b"authorization", b"Bearer "), GOOD_KEY]
    assert anonymous.send("GET", f"{PREFIX}/keys", headers=headers).status_code == 200


def test_failed_keys_are_logged_within_bounds(anonymous: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deps, "failed_keys", logs.Bounded())
    unknown = access.compose(bytes(access.ID_BYTES), "A" * 43)
    with structlog.testing.capture_logs() as lines:
        for number in range(100):
            for key in (unknown, f"nonsense-{number}"):
                anonymous.send("GET", f"{PREFIX}/keys", headers={"x-api-key": key})
    mine = [line for line in lines if line["event"] == "an API key opens nothing"]
    # A new second begins a few times on a busy machine.
    assert 2 <= len(mine) <= 20 * logs.LINES_A_SECOND
    assert [line["key_id"] for line in mine[:2]] == ["000000000000", None]
    assert all("nonsense" not in str(line) and "AAAA" not in str(line) for line in mine)
    assert all("source" in line for line in mine)


@pytest.mark.parametrize(
    ("key", "is_good"),
    [
        pytest.param("a" * 24, False, id="one-character"),
        pytest.param("changeme" * 3, False, id="seven-characters"),
        pytest.param("1234567" * 4, False, id="seven-digits"),
        pytest.param("12345678" * 3, True, id="eight-digits"),
        pytest.param("x" * 40 + "1234567", True, id="eight-of-many"),
        pytest.param(ADMIN_KEY, True, id="enough"),
    ],
)
def test_a_preset_key_that_can_be_guessed_opens_nothing(tmp_path: Path, key: str, is_good: bool) -> None:
    with structlog.testing.capture_logs() as lines:
        preset = preset_of(key)
    assert (of_preset(preset, key.encode()) is not None) is is_good
    assert [line["log_level"] for line in lines] == ([] if is_good else ["warning"])
    assert all("SHORTENER_ADMIN_KEY" in line["event"] and key not in str(line) for line in lines)


def test_visits_go_on_with_such_a_key(settings: Settings) -> None:
    weak = "changeme" * 3
    with Client(create_app(settings), headers=admin()) as client:
        client.post(f"{PREFIX}/links", json={"target": GOOD, "code": "there"})
    configured = Settings(_env_file=None, **{**settings.model_dump(), "admin_key": weak})
    with Client(create_app(configured), follow_redirects=False) as client:
        assert client.get("/there").status_code == 302
        assert client.get(f"{PREFIX}/keys", headers=bearer(weak)).status_code == 401


def test_methods_cannot_be_smuggled(anonymous: Instance, keys: dict[Scope, str]) -> None:
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        headers = {**bearer(keys[Scope.LINKS_READ]), name: "DELETE"}
        assert anonymous.send("GET", f"{PREFIX}/links/{CODE}", headers=headers).status_code == 200
        refused = anonymous.send("POST", f"{PREFIX}/links?_method=DELETE", headers={**headers, **JSON}, content=b"{}")
        assert_problem(refused, "scope-missing")


def test_the_host_header_opens_no_door(anonymous: Instance) -> None:
    """CVE-2026-48710: a Host with a path in it used to change what middleware took for the path."""
    for host in ("go.example/healthz", "go.example/healthz?", "go.example/#", "healthz", "", b"\xff", "a" * 10_000):
        for path in ("/links", "/keys", "/stats"):
            response = anonymous.send("GET", PREFIX + path, headers={"host": host})
            assert_problem(response, "key-missing" if host == "healthz" else "host-invalid")


def test_a_keys_own_secret_is_nowhere(anonymous: Instance) -> None:
    made = issue(anonymous, [Scope.ADMIN])
    secret = made["key"].split("_", 2)[2]
    seen = [
        anonymous.client.get(f"{PREFIX}/keys", headers=admin()).text,
        anonymous.client.get(f"{PREFIX}/keys/{made['id']}", headers=admin()).text,
        repr(anonymous.state()),
    ]
    assert all(made["id"] in text for text in seen)
    assert all(secret not in text and ADMIN_KEY not in text for text in seen)


def test_good_keys_are_let_in(anonymous: Instance, keys: dict[Scope, str]) -> None:
    """The other side: schemes are case-insensitive, space around a key is not part of it (RFC 9110 section 11.1)."""
    for value in (f"Bearer {ADMIN_KEY}", f"bearer  {ADMIN_KEY} ", f"BEARER {keys[Scope.ADMIN]}"):
        assert anonymous.send("GET", f"{PREFIX}/keys", headers={"authorization": value}).status_code == 200
    made = anonymous.client.post(
        f"{PREFIX}/links", json={"target": GOOD}, headers={"x-api-key": keys[Scope.LINKS_WRITE]}
    )
    assert made.status_code == 201
