"""Query parameters that a route of the API does not have are refused, on every route."""

from collections.abc import Iterator

import pytest

from tests.web.refusals import Instance, Wrong, assert_problem, assert_refused, instance_on
from tests.web.test_authorization import NEEDED, PREFIX, UNKNOWN

#: Names that no route has, and what of them the refusal blames.
NAMES = {
    "a filter": ("colour=red", "colour"),
    "a typing mistake": ("limti=3", "limti"),
    "another case": ("LIMIT=3", "LIMIT"),
    "without a value": ("colour", "colour"),
    "no name": ("=red", ""),
    "brackets": ("tag[]=print", "tag[]"),
    "white space": ("limit%20=3", "limit "),
    "behind a good one": ("domain=&limit=1&colour=red", "colour"),
    "very long": ("x" * 500 + "=1", "x" * 40),
    "another script": ("%D0%BB%D0%B8%D0%BC%D0%B8%D1%82=1", "лимит"),
}


@pytest.fixture(scope="module")
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with instance_on("sqlite", tmp_path_factory.mktemp("parameters"), request) as opened:
        yield opened


def filled(path: str) -> str:
    for part, value in UNKNOWN.items():
        path = path.replace(part, value)
    return PREFIX + path


@pytest.mark.parametrize(("method", "path"), NEEDED, ids=[f"{method} {path}" for method, path in NEEDED])
def test_every_route_refuses_unknown_parameters(instance: Instance, method: str, path: str) -> None:
    response = instance.send(method, f"{filled(path)}?colour=red")
    assert_refused(response, Wrong("colour", "unknown-parameter"))


@pytest.mark.parametrize("path", ["/links", "/stats", "/keys/0123456789ab"])
@pytest.mark.parametrize(("query", "blamed"), NAMES.values(), ids=NAMES)
def test_unknown_names(instance: Instance, path: str, query: str, blamed: str) -> None:
    if "domain=" in query and path != "/links":
        query = query.partition("limit=1&")[2]
    assert_refused(instance.send("GET", f"{PREFIX}{path}?{query}"), Wrong(blamed, "unknown-parameter"))


MEANT = {
    "the nearest": ("/links", "limti=3", "Did you mean 'limit'? There are: clicked_end, "),
    "nothing like it": ("/keys", "colour=1", "here. There are: cursor, limit."),
    "no parameters at all": ("/keys/0123456789ab", "limit=1", "This operation has no parameters in the query."),
}


@pytest.mark.parametrize(("path", "query", "told"), MEANT.values(), ids=MEANT)
def test_the_refusal_says_what_would_be_right(instance: Instance, path: str, query: str, told: str) -> None:
    assert told in instance.send("GET", f"{PREFIX}{path}?{query}").json()["errors"][0]["message"]


def test_the_key_is_asked_for_first(instance: Instance) -> None:
    response = instance.send("GET", f"{PREFIX}/links?colour=red", headers={"authorization": ""})
    assert_problem(response, "key-missing")
