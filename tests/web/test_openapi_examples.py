"""Every example in the description is accepted by the operation that it stands at: all of them are sent."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.web.refusals import instance_on
from tests.web.test_openapi import Description, operations, resolve

pytestmark = pytest.mark.unmeasured

#: Where examples can be sent: what the paths of these operations name is there.
NAMED = {
    "code": "sale",
    "alias": "s",
    "external_id": "campaign-17",
    "tag": "autumn sale",
    "name": "go.example.com",
}
#: What these create must not be there.
CREATING = {"links_create", "tags_create", "domains_create", "links_put_external"}
ELSEWHERE = {
    # The stream of events has no end.
    "stats_live_all",
    "stats_live_link",
    # What is deleted is not there for the next example; its parameters are those of other operations.
    "keys_revoke",
    "links_cancel",
    "links_remove",
}
#: Answers that an accepted example may have.
ACCEPTED = {200, 201, 204, 207, 302, 304}


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    logo = tmp_path_factory.mktemp("logo") / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    with instance_on("sqlite", tmp_path_factory.mktemp("examples"), request, qr_logo=logo) as opened:
        yield opened.client


@pytest.fixture(scope="module")
def description(client: TestClient) -> Description:
    found: Description = client.get("/openapi.json").json()
    return found


def clear(client: TestClient) -> None:
    """Deletes all links, tags and domains."""
    for link in client.get("/api/v1/links").json()["data"]:
        client.delete(f"/api/v1/links/{link['code']}", params={"domain": link["domain"]})
    for tag in client.get("/api/v1/tags").json()["data"]:
        client.delete(f"/api/v1/tags/{tag['name']}")
    for domain in client.get("/api/v1/domains").json()["data"]:
        client.delete(f"/api/v1/domains/{domain['name']}")


def make_what_is_named(client: TestClient) -> None:
    """Links, tags and a domain by the names of the examples."""
    client.post("/api/v1/domains", json={"name": "go.example.com"})
    for domain in ("", "go.example.com"):
        target = {"target": "https://example.com/"}
        assert client.put("/api/v1/links/sale", params={"domain": domain}, json=target).status_code == 201
    for tag in ("autumn sale", "sale"):
        client.post("/api/v1/tags", json={"name": tag})


def bodies(description: Description, schema: Description) -> Iterator[Any]:
    """Every example of a body with this schema: its own, those of its fields together, and those of each field."""
    schema = resolve(description, schema)
    yield from schema.get("examples", [])
    if schema.get("type") != "object":
        return
    required = {name: example(description, schema["properties"][name]) for name in schema.get("required", [])}
    yield required
    if "examples" not in schema:
        yield {name: example(description, field) for name, field in schema["properties"].items()}
    for name, field in schema["properties"].items():
        for each in resolve(description, field).get("examples", field.get("examples", [])):
            yield {**required, name: each}


def example(description: Description, field: Description) -> Any:
    """The first example of a field."""
    found = field.get("examples") or resolve(description, field).get("examples")
    if found:
        return found[0]
    kind = resolve(description, field)
    return kind["enum"][0] if "enum" in kind else kind.get("default")


def sent(description: Description) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Operation, method, path and what is sent, for every example."""
    for path, method, operation in operations(description):
        name = operation["operationId"]
        if name in ELSEWHERE:
            continue
        content = operation.get("requestBody", {}).get("content", {})
        media = content.get("application/json", {})
        found = [{"json": each} for each in bodies(description, media.get("schema", {}))]
        found += [{"json": media["example"]}] if "example" in media else []
        found += [{"json": each["value"]} for each in media.get("examples", {}).values()]
        usual = found[0] if found else {}
        for parameter in operation["parameters"]:
            for each in parameter["schema"].get("examples", []):
                if parameter["in"] == "query":
                    found.append({**usual, "params": {parameter["name"]: each}})
        for request in found:
            yield name, method, path, request


def test_every_example_is_accepted(client: TestClient, description: Description) -> None:
    key = client.post("/api/v1/keys", json={"name": "x", "scopes": ["stats:read"]}).json()["id"]
    refused, bodied, count = [], set(), 0
    is_made = False
    for name, method, path, request in sent(description):
        if name in CREATING or not is_made:
            clear(client)
        if name not in CREATING and not is_made:
            make_what_is_named(client)
        is_made = method == "get"  # what only reads leaves all as it was
        for part, value in {**NAMED, "id": key}.items():
            path = path.replace(f"{{{part}}}", value)
        answer = client.request(method, path, **request)
        if not is_accepted(answer):
            refused.append(f"{name}: {json.dumps(request)}: {answer.text[:300]}")
        count += 1
        bodied |= {name} if "json" in request else set()
    assert refused == []
    assert count > 150
    assert bodied == {op["operationId"] for _, _, op in operations(description) if "requestBody" in op} - ELSEWHERE


def is_accepted(answer: httpx2.Response) -> bool:
    items = answer.json()["data"] if answer.status_code == 207 else []
    return answer.status_code in ACCEPTED and all(item["status"] in ACCEPTED for item in items)


def test_no_example_is_missing(description: Description) -> None:
    for path, method, operation in operations(description):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert list(bodies(description, media["schema"])) or "example" in media, f"{method} {path}"
