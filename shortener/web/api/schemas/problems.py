"""Shapes of problem documents, and of what says whether the service works."""

from typing import Literal

from pydantic import Field

from shortener.web.api.schemas.fields import Out


class FieldProblemOut(Out):
    """What is wrong with one input."""

    field: str = Field(examples=["target"])
    code: str = Field(examples=["target-scheme"])
    message: str = Field(examples=["A target must start with http:// or https://."])


class ProblemOut(Out):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:shortener:problem:target-scheme"])
    title: str = Field(examples=["Target scheme"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["A target must start with http:// or https://."])
    code: str = Field(description="Stable; for programs.", examples=["target-scheme"])
    reason: Literal["disabled", "expired", "exhausted"] | None = Field(
        None, description="Of `link-gone`: the state of the link.", examples=["expired"]
    )
    errors: list[FieldProblemOut] | None = Field(None, description="One per input at fault.")


class HealthOut(Out):
    """The process is alive."""

    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])


class ReadinessOut(Out):
    """The state of each dependency: `ok` or unavailable; with an administrator's key, why."""

    status: Literal["ok", "failing"]
    checks: dict[str, str] = Field(examples=[{"database": "ok", "spool": "ok", "drainer": "ok"}])
    #: What works and should be set otherwise.
    warnings: list[str] = Field(examples=[[]])
