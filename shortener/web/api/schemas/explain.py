"""Shapes of explanations."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

from shortener.domain import visitor
from shortener.web.api.schemas.fields import A_MOMENT, In, Moment, Out, one_line
from shortener.web.api.schemas.rules import ConditionOut


def _address(value: str) -> str:
    if visitor.parse_address(value) is None:
        raise PydanticCustomError("address_invalid", "Write an IP address: 203.0.113.7 or 2001:db8::7.")
    return value


_Header = Annotated[str, Field(max_length=2048), one_line]


class ExplainIn(In):
    """A visitor. What is left out is taken from whoever asks."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field("GET", examples=["GET"])
    user_agent: _Header | None = Field(None, examples=["Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) …"])
    accept_language: _Header | None = Field(None, examples=["de-CH, fr;q=0.8"])
    address: Annotated[str, Field(max_length=64), AfterValidator(_address)] | None = Field(
        None, examples=["203.0.113.7"]
    )
    referrer: _Header | None = Field(None, examples=["https://news.example.com/"])
    query: Annotated[str, Field(max_length=8192), one_line] = Field("", examples=["ref=mail"])
    path: Annotated[str, Field(max_length=8192), one_line] = Field(
        "", description="What stands behind the code.", examples=[""]
    )
    at: Moment | None = Field(None, description="When; left out, now.", examples=[A_MOMENT])
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        None, description="Instead of where the address is.", examples=["CH"]
    )
    region: Annotated[str, Field(max_length=200), one_line] | None = Field(None, examples=["Zurich"])
    city: Annotated[str, Field(max_length=200), one_line] | None = Field(None, examples=["Zurich"])


class ConditionVerdictOut(ConditionOut):
    """A condition, and whether it holds."""

    holds: bool = Field(examples=[True])


class RuleVerdictOut(Out):
    """How a rule fared."""

    rule: int = Field(description="Counted from 0.", examples=[0])
    name: str | None = Field(examples=["iPhones"])
    matched: bool = Field(description="Whether all of its conditions hold.", examples=[True])
    decided: bool = Field(description="Whether it was the first that matched.", examples=[True])
    conditions: list[ConditionVerdictOut]


class VisitorOut(Out):
    """What rules saw of the visitor."""

    device: str | None = Field(examples=["mobile"])
    os: str | None = Field(examples=["iOS"])
    browser: str | None = Field(examples=["Mobile Safari"])
    languages: list[str] = Field(examples=[["de-ch", "fr"]])
    country: str | None = Field(examples=["CH"])
    region: str | None = Field(examples=[None])
    city: str | None = Field(examples=[None])
    referrer_host: str | None = Field(examples=["news.example.com"])
    click_class: str = Field(alias="class", examples=["human"])
    at: AwareDatetime = Field(examples=[A_MOMENT])


class ExplainOut(Out):
    """What a visit would be answered, and why. Nothing is counted, and no slot of a limit is taken."""

    outcome: Literal[
        "redirect",
        "preview",
        "not-found",
        "gone",
        "method-not-allowed",
        "too-many-parameters",
        "location-too-long",
    ] = Field(examples=["redirect"])
    state: Literal["live", "scheduled", "disabled", "expired", "exhausted"] = Field(examples=["live"])
    status: int = Field(description="Of the answer.", examples=[302])
    location: str | None = Field(examples=["https://apps.example.com/ios"])
    rule: int | None = Field(description="Which rule decided; null: the link's own target.", examples=[0])
    variant: str | None = Field(description="Which side of a split.", examples=[None])
    needs_password: bool = Field(description="Whether a password is asked for before that.", examples=[False])
    needs_slot: bool = Field(description="Whether a slot of `max_clicks` would be taken.", examples=[False])
    visitor: VisitorOut
    rules: list[RuleVerdictOut]
