"""Kinds of response that the framework does not bring."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope

#: In the state of a request: whether its answer ends only when somebody ends it.
_ENDLESS = "endless"
#: In the same place: what its answer is counted as, if not by its status.
_LABEL = "status_label"


class ORJSONResponse(JSONResponse):
    """JSON by orjson. Handlers return it ready made, so that nothing encodes their data a second time."""

    def render(self, content: Any) -> bytes:
        """`content` as JSON; moments end in Z."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class ProblemResponse(ORJSONResponse):
    """A problem document (RFC 9457)."""

    media_type = "application/problem+json"


class Redirect(RedirectResponse):
    """A redirect whose Location is what it is given, which must be a serialised URL.

    The framework would percent-encode characters that browsers leave as they are.
    """

    def __init__(self, location: str, status_code: int, headers: Mapping[str, str]) -> None:
        super().__init__(location, status_code, headers)
        self.headers["location"] = location


class NoContent(Response):
    """Done, and nothing to say."""

    def __init__(self) -> None:
        super().__init__(status_code=204)


def mark_endless(scope: Scope) -> None:
    """Says of a request that its answer, which has not begun, will not end by itself."""
    scope.setdefault("state", {})[_ENDLESS] = True


def is_endless(scope: Mapping[str, Any]) -> bool:
    """Whether that has been said of a request."""
    return _ENDLESS in scope.get("state", {})


def label_status(scope: Scope, label: str) -> None:
    """Has the answer to a request counted as `label` in the metrics, and not by its status."""
    scope.setdefault("state", {})[_LABEL] = label


def status_label(scope: Mapping[str, Any], status: int) -> str:
    """The label by which metrics count the answer to a request with `status`."""
    label: str = scope.get("state", {}).get(_LABEL, str(status))
    return label
