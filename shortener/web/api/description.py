"""The OpenAPI description as a whole: what stands above the routes, and what the framework adds that is not so."""

from copy import deepcopy
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel

from shortener import errors
from shortener.web.api import examples
from shortener.web.api.schemas.bulk import BulkDelete, BulkEdit
from shortener.web.api.schemas.problems import ProblemOut
from shortener.web.api.sharing import operations, share
from shortener.web.responses import ProblemResponse
from shortener.web.statuses import STATUS_OF_CODE

TEXT = """Create short links, follow them, and ask who clicked.

Send an API key with every call to `/api/v1`: `Authorization: Bearer KEY`. Every error is a problem document
(RFC 9457) with a stable `code`. Moments are RFC 3339. GET routes answer HEAD too.

Some errors belong to no operation: `not-found` (404) where there is nothing at a path; `malformed-request` (400),
`host-invalid` (400) and `head-too-large` (431), which are about a request's head;
and `too-many-bodies` (429) and `too-busy` (503) where too many bodies are still coming.
"""
TAGS = [
    {"name": "links", "description": "Short codes and where they lead."},
    {"name": "tags", "description": "Words that links are grouped by."},
    {"name": "domains", "description": "Host names that links answer on."},
    {"name": "stats", "description": "Who clicked: how many, when, from where, with what."},
    {"name": "keys", "description": "Who may call this API."},
    {"name": "visits", "description": "Following short links. No key needed."},
    {"name": "operations", "description": "For operators and their machines. No key needed."},
]
#: The shape of validation errors that the framework would send, were ours not in its place.
_FOREIGN = ("HTTPValidationError", "ValidationError")
#: Shapes that the framework does not see, since routes name them only in their descriptions.
_NAMED: tuple[tuple[type[BaseModel], Literal["validation", "serialization"]], ...] = (
    (ProblemOut, "serialization"),
    (BulkEdit, "validation"),
    (BulkDelete, "validation"),
)


def install(app: FastAPI) -> None:
    """Makes `app` describe itself truly. The description is made once, when it is first asked for."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = _with_shapes(_without_foreign_errors(describe()))
            described = _with_long_targets(_with_unknown_parameters(described))
            app.openapi_schema = share(_with_examples(described))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the description


def _without_foreign_errors(description: dict[str, Any]) -> dict[str, Any]:
    """Takes away the framework's 422, which it adds to every route that has a parameter and no 422 of its own."""
    for _, operation in operations(description):
        if _FOREIGN[0] in str(operation["responses"].get("422")):
            del operation["responses"]["422"]
    for name in _FOREIGN:
        description["components"]["schemas"].pop(name, None)
    return description


def _with_shapes(description: dict[str, Any]) -> dict[str, Any]:
    """Adds the shapes that routes only name: problem documents, and the items of bulks."""
    schemas = description["components"]["schemas"]
    for model, mode in _NAMED:
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}", mode=mode)
        for name, inner in {**shape.pop("$defs", {}), model.__name__: shape}.items():
            schemas.setdefault(name, inner)
    return description


def _with_unknown_parameters(description: dict[str, Any]) -> dict[str, Any]:
    """Adds that each operation of the API refuses parameters that it does not have (web/api/route)."""
    (added,) = examples.refusals(errors.ValidationFailed).values()
    for path, operation in operations(description):
        if not path.startswith("/api/"):
            continue
        present = operation["responses"].setdefault("422", deepcopy(added))
        media = present["content"][ProblemResponse.media_type]
        if errors.ValidationFailed.code not in media["examples"]:
            media["examples"] = {**added["content"][ProblemResponse.media_type]["examples"], **media["examples"]}
            present["description"] = f"{added['description']}, {present['description']}"
    return description


def _with_long_targets(description: dict[str, Any]) -> dict[str, Any]:
    """Adds that path and query together may be too long, although no parameter is (web/middleware)."""
    (added,) = examples.refusals(errors.RequestTargetTooLong).values()
    for _, operation in operations(description):
        operation["responses"].setdefault(str(STATUS_OF_CODE[errors.RequestTargetTooLong.code]), deepcopy(added))
    return description


def _with_examples(description: dict[str, Any]) -> dict[str, Any]:
    """Adds the examples of errors, which responses only refer to."""
    description["components"]["examples"] = examples.of_errors()
    return description
