"""What is described and what is served are the same; every field and error has an example; nothing is foreign."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from shortener.web.statuses import STATUS_OF_CODE

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

Description = dict[str, Any]
#: Served and on purpose not described: files, the same page with a slash, methods that are always refused.
UNDOCUMENTED = {"/static/{path}", "/docs/", "/{code}/", "/{code}/{rest}", "/openapi.json"}


@pytest.fixture
def description(client: TestClient) -> Description:
    result: Description = client.get("/openapi.json").json()
    return result


def operations(description: Description) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, methods in description["paths"].items() for method, op in methods.items()]


def test_served_routes_are_documented_routes(app: FastAPI, description: Description) -> None:
    served = {
        (context.path_format, method.lower())
        for context in iter_route_contexts(app.routes)
        for method in getattr(context, "methods", None) or {"GET"}
        if context.path_format not in UNDOCUMENTED and method not in {"OPTIONS", "TRACE"}
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
            for code, example in examples.items():
                documented.add(code)
                assert str(STATUS_OF_CODE[code]) == status == str(example["value"]["status"]), f"{method} {path}"
    # Those that are answered where there is no operation to describe them by stand in the text above all.
    told = re.findall(r"`([a-z-]+)` \((\d+)\)", description["info"]["description"])
    assert all(STATUS_OF_CODE[code] == int(status) for code, status in told)
    assert documented | {code for code, _ in told} == set(STATUS_OF_CODE)


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
