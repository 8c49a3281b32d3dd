"""OpenAPI components: parameters and error responses that several operations share stand there once."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from shortener.web.responses import ProblemResponse

Description = dict[str, Any]
#: Codes in the name of a shared response.
_MOST_CODES = 3


def operations(description: Description) -> Iterator[tuple[str, Description]]:
    """Path and operation, for each operation of a description."""
    for path, methods in description["paths"].items():
        for operation in methods.values():
            yield path, operation


def share(description: Description) -> Description:
    """Puts what several operations have in common into the components of `description`, which it returns."""
    parameters, responses = _Component("parameters"), _Component("responses")
    for _, operation in operations(description):
        parameters.count(operation.get("parameters", ()))
        responses.count(filter(_codes, operation["responses"].values()))
    for _, operation in operations(description):
        operation["parameters"] = [parameters.refer(each, each["name"]) for each in operation.get("parameters", ())]
        operation["responses"] = {
            status: responses.refer(each, _name(_codes(each))) for status, each in operation["responses"].items()
        }
    description["components"] |= {each.kind: each.shared for each in (parameters, responses)}
    return description


class _Component:
    """The components of one kind: count all uses first, then refer to those that are used twice."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.shared: Description = {}
        self._uses: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def count(self, uses: Any) -> None:
        self._uses.update(map(_key, uses))

    def refer(self, used: Description, name: str) -> Description:
        key = _key(used)
        if self._uses[key] < 2:
            return used
        if key not in self._names:
            self._names[key] = self._free(name)
            self.shared[self._names[key]] = used
        return {"$ref": f"#/components/{self.kind}/{self._names[key]}"}

    def _free(self, name: str) -> str:
        others = sum(taken.partition("__")[0] == name for taken in self.shared)
        return f"{name}__{others + 1}" if others else name


def _key(used: Description) -> str:
    return json.dumps(used, sort_keys=True)


def _codes(response: Description) -> list[str]:
    """The codes of the errors that a response is about; empty for any other response."""
    return list(response.get("content", {}).get(ProblemResponse.media_type, {}).get("examples", ()))


def _name(codes: list[str]) -> str:
    more = len(codes) - _MOST_CODES
    return ".".join([*codes[:_MOST_CODES], *([f"and-{more}-more"] if more > 0 else [])])
