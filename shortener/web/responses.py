"""Kinds of response that the framework does not bring."""

from typing import Any

import orjson
from starlette.responses import JSONResponse, Response


class ORJSONResponse(JSONResponse):
    """JSON by orjson. Handlers return it ready made, so that nothing encodes their data a second time."""

    def render(self, content: Any) -> bytes:
        """`content` as JSON; moments end in Z."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class ProblemResponse(ORJSONResponse):
    """A problem document (RFC 9457)."""

    media_type = "application/problem+json"


class NoContent(Response):
    """Done, and nothing to say."""

    def __init__(self) -> None:
        super().__init__(status_code=204)
