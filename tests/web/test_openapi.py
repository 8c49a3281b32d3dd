"""What is described and what is served are the same; every field and error has an example; nothing is foreign."""

import json
import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from shortener.web.api.examples import OF_PAGES
from shortener.web.statuses import STATUS_OF_CODE

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

Description = dict[str, Any]
#: Served and on purpose not described: files, the same page with a slash, methods that are always refused.
UNDOCUMENTED = {
    *("/static/{path}", "/docs/", "/openapi.json"),
    *("/{code}/", "/{code}/{rest}", "//{code}", "//{code}/", "//{code}/{rest}"),
}
#: Pages for people, below these paths.
PAGES = ("/admin",)
#: Errors that belong to no operation: the text above all tells of them.
ABOVE_ALL = {
    *("not-found", "malformed-request", "host-invalid", "head-too-large"),
    *("too-many-bodies", "too-busy"),
}


@pytest.fixture
def description(client: TestClient) -> Description:
    result: Description = client.get("/openapi.json").json()
    return result


def operations(description: Description) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation, the latter with what it refers to in place of parameters and responses."""
    return [
        (path, method, {**op, **_shared(description, op)})
        for path, methods in description["paths"].items()
        for method, op in methods.items()
    ]


def _shared(description: Description, operation: Description) -> Description:
    responses = {status: resolve(description, each) for status, each in operation["responses"].items()}
    return {
        "parameters": [resolve(description, each) for each in operation["parameters"]],
        "responses": responses,
    }


def resolve(description: Description, found: Description) -> Description:
    """`found`, or what it refers to."""
    while "$ref" in found:
        place = found["$ref"].removeprefix("#/").split("/")
        found = reduce(lambda inner, name: inner[name], place, description)
    return found


def references(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for inner in found.values():
            yield from references(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from references(inner)


def test_every_reference_resolves(description: Description) -> None:
    found = set(references(description))
    assert {"#/components/schemas/BulkEdit", "#/components/schemas/BulkDelete"} <= found
    for reference in found:
        assert resolve(description, {"$ref": reference}), reference


def test_every_component_is_referred_to(description: Description) -> None:
    found = set(references(description))
    for kind in ("schemas", "parameters", "responses", "examples"):
        for name in description["components"][kind]:
            assert f"#/components/{kind}/{name}" in found or name in ABOVE_ALL, name


def test_what_operations_share_stands_once(description: Description) -> None:
    for kind in ("parameters", "responses"):
        single = [
            json.dumps(each)
            for methods in description["paths"].values()
            for operation in methods.values()
            for each in (operation[kind] if kind == "parameters" else operation[kind].values())
            if "$ref" not in each and (kind == "parameters" or "application/problem+json" in each.get("content", {}))
        ]
        assert len(single) == len(set(single)), kind


def test_the_description_is_small(client: TestClient) -> None:
    assert len(client.get("/openapi.json").content) < 300_000


def test_served_routes_are_documented_routes(app: FastAPI, description: Description) -> None:
    served = {
        (context.path_format, method.lower())
        for context in iter_route_contexts(app.routes)
        for method in getattr(context, "methods", None) or {"GET"}
        if context.path_format not in UNDOCUMENTED and method not in {"OPTIONS", "TRACE"}
        if not str(context.path_format).startswith(PAGES)
    }
    assert served == {(path, method) for path, method, _ in operations(description)}


def test_every_operation_is_described(description: Description) -> None:
    for path, method, operation in operations(description):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert operation["responses"], where
    ids = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(ids) == len(set(ids))


def test_every_field_is_typed_and_has_an_example(description: Description) -> None:
    for name, schema in description["components"]["schemas"].items():
        if name in {"HTTPValidationError", "ValidationError"}:
            pytest.fail("the framework's error shape is not ours")
        if "enum" in schema:
            continue
        for field, declared in schema.get("properties", {}).items():
            told = {"examples", "enum", "const", "$ref", "default"} & set(declared) or "$ref" in str(declared)
            assert told, f"{name}.{field} has no example"


def test_every_parameter_is_described(description: Description) -> None:
    for path, method, operation in operations(description):
        for parameter in operation.get("parameters", []):
            told = parameter.get("description") or parameter["in"] == "path"
            assert told, f"{method} {path} {parameter['name']}"


def test_every_error_that_can_be_answered_is_described(description: Description) -> None:
    documented: set[str] = set()
    for path, method, operation in operations(description):
        for status, response in operation["responses"].items():
            examples = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
            for code, reference in examples.items():
                example = resolve(description, reference)
                documented.add(code)
                assert str(STATUS_OF_CODE[code]) == status == str(example["value"]["status"]), f"{method} {path}"
    # Those that are answered where there is no operation to describe them by stand in the text above all.
    told = re.findall(r"`([a-z-]+)` \((\d+)\)", description["info"]["description"])
    assert all(STATUS_OF_CODE[code] == int(status) for code, status in told)
    assert documented | {code for code, _ in told} == set(STATUS_OF_CODE) - OF_PAGES


def test_every_number_that_is_asked_for_has_bounds(description: Description) -> None:
    """A database holds no larger ones than 64 bits."""
    for path, method, operation in operations(description):
        for parameter in operation["parameters"]:
            schema = parameter["schema"]
            if schema.get("type") == "integer":
                assert {"minimum", "maximum"} <= schema.keys(), f"{method} {path} {parameter['name']}"


def test_every_operation_may_be_asked_for_by_too_long_a_path(description: Description) -> None:
    """No parameter need be too long for that."""
    for path, method, operation in operations(description):
        assert "request-target-too-long" in str(operation["responses"].get("414")), f"{method} {path}"


def test_keys_are_asked_for_in_the_api_and_only_there(description: Description) -> None:
    for path, method, operation in operations(description):
        assert bool(operation.get("security")) == path.startswith("/api/"), f"{method} {path}"


def test_the_page_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert assets
    for asset in assets:
        assert asset.startswith(("/", "#")), asset
        if asset.startswith("/static/"):
            assert client.get(asset).status_code == 200
