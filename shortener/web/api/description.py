"""The OpenAPI description as a whole: what stands above the routes, and what the framework adds that is not so."""

from typing import Any

from fastapi import FastAPI

from shortener.web.api.schemas.problems import ProblemOut

TEXT = """Create short links, follow them, and ask who clicked.

Send an API key with every call to `/api/v1`: `Authorization: Bearer KEY`. Every error is a problem document
(RFC 9457) with a stable `code`. Moments are RFC 3339. GET routes answer HEAD too.

Two errors belong to no operation: `not-found` (404) where there is nothing at a path, and `head-too-large` (431)
where request line and headers exceed 64 KiB.
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


def install(app: FastAPI) -> None:
    """Makes `app` describe itself truly. The description is made once, when it is first asked for."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(_without_foreign_errors(describe()))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the description


def _without_foreign_errors(description: dict[str, Any]) -> dict[str, Any]:
    """Takes away the framework's 422, which it adds to every route that has a parameter and no 422 of its own."""
    for methods in description["paths"].values():
        for operation in methods.values():
            if _FOREIGN[0] in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in _FOREIGN:
        description["components"]["schemas"].pop(name, None)
    return description


def _with_problems(description: dict[str, Any]) -> dict[str, Any]:
    """Adds the shape of problem documents, which routes only name."""
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    description["components"]["schemas"].update({**problem.pop("$defs"), "ProblemOut": problem})
    return description
