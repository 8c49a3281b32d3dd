"""Shapes of rules."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StrictInt

from shortener.domain import device
from shortener.domain import rule as rules
from shortener.domain.condition import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Condition
from shortener.domain.language import LEAST_QUALITY
from shortener.domain.rule import Rule, Variant
from shortener.web.api.schemas.fields import In, Out, one_line, with_example

#: An example.
A_RULE = {
    "name": "Phones",
    "conditions": [{"type": "device", "value": "ios"}, {"type": "language", "value": "de"}],
    "target": "https://apps.example.com/",
}


class Kind(NamedTuple):
    """How a kind of condition is explained to people."""

    meaning: str
    value: str | None
    key: str | None = None


#: Every kind, with an example of key and value.
KINDS = {
    "device": Kind(f"one of {', '.join(device.NAMES)}; `mobile` is phones and tablets", "ios"),
    "operating-system": Kind("its name, as statistics show it", "Windows"),
    "browser": Kind("its name, as statistics show it; `chrome` is also `Chrome Mobile`", "Firefox"),
    "language": Kind(
        f"one that the visitor accepts with quality {LEAST_QUALITY} or more; `de` takes in `de-AT`", "pt-BR"
    ),
    "geolocation-country-code": Kind("two letters (ISO 3166-1)", "DE"),
    "geolocation-region-name": Kind("in English; needs a geographic database with regions", "Bavaria"),
    "geolocation-city-name": Kind("in English; needs a geographic database with cities", "Munich"),
    "query-param": Kind("the query has `key` with this value", "autumn", "campaign"),
    "any-value-query-param": Kind("the query has `key`", None, "campaign"),
    "valueless-query-param": Kind("the query has `key` without a value", None, "debug"),
    "referrer-host": Kind("the host that led here; `*.example.com` takes in `example.com`", "*.example.com"),
    "ip-address": Kind("an address, a network or a pattern such as `192.0.*.*`", "192.0.2.0/24"),
    "before-date": Kind("until that moment", "2027-01-31T12:00:00Z"),
    "after-date": Kind("from that moment on", "2027-01-31T13:00:00+01:00"),
    "weekly-schedule": Kind(
        "a time zone, then days and hours by its clocks", "Europe/Berlin mon-fri 09:00-17:00; fri,sat 22:00-02:00"
    ),
    "visitor-class": Kind("human, bot, preview, prefetch or monitor", "human"),
}


def _explained() -> str:
    lines = (
        f"- `{name}`: {kind.meaning}. Example: {f'key `{kind.key}`' if kind.key else ''}"
        f"{', ' if kind.key and kind.value else ''}{f'value `{kind.value}`' if kind.value else ''}"
        for name, kind in KINDS.items()
    )
    return "What it is about, and what `value` is then:\n" + "\n".join(lines)


class ConditionIn(In):
    """Something that must be so."""

    type: str = Field(description=_explained(), examples=["device"], json_schema_extra={"enum": list(KINDS)})
    key: Annotated[str, Field(max_length=MAX_KEY_LENGTH), one_line] | None = Field(
        None, description="A parameter of the query, where the type is about one.", examples=[None]
    )
    value: Annotated[str, Field(max_length=MAX_VALUE_LENGTH), one_line] | None = Field(
        None, description="Depends on the type.", examples=["ios"]
    )


class VariantIn(In):
    """One of the targets between which visitors are split."""

    name: Annotated[str, Field(max_length=rules.MAX_NAME_LENGTH), one_line] = Field(
        "", description="What statistics call it; left out, it is called a, b, …", examples=["blue"]
    )
    target: str = Field(description="An absolute http or https URL.", examples=["https://example.com/blue"])
    weight: Annotated[StrictInt, Field(ge=0, le=rules.MAX_WEIGHT)] = Field(
        1, description="Its share of the visitors is this by the sum of all.", examples=[90]
    )


class RuleIn(In):
    """Where visits lead that meet all of its conditions. The first rule of a link that matches decides."""

    model_config = with_example(**A_RULE)

    name: Annotated[str, Field(max_length=rules.MAX_NAME_LENGTH), one_line] | None = Field(
        None, description="For people.", examples=["Phones"]
    )
    conditions: list[ConditionIn] = Field(
        [],
        max_length=rules.MAX_CONDITIONS,
        description="All must hold. Without any, the rule always matches.",
        examples=[[{"type": "device", "value": "ios"}, {"type": "language", "value": "de"}]],
    )
    target: str | None = Field(
        None,
        description="Where it leads: an absolute http or https URL. Either this or `split`.",
        examples=["https://apps.example.com/"],
    )
    split: list[VariantIn] = Field(
        [],
        max_length=rules.MAX_VARIANTS,
        description="2 to 10 targets. A visitor always gets the same one, without a cookie.",
        examples=[[]],
    )
    status: Literal[301, 302, 307, 308] | None = Field(
        None, description="Status of the redirect; null for the link's own.", examples=[None]
    )


class ConditionOut(Out):
    """Something that must be so."""

    type: str = Field(examples=["device"])
    key: str | None = Field(examples=[None])
    value: str | None = Field(examples=["ios"])


class VariantOut(Out):
    """One of the targets between which visitors are split."""

    name: str = Field(examples=["blue"])
    target: str = Field(examples=["https://example.com/blue"])
    weight: int = Field(examples=[90])


class RuleOut(Out):
    """Where visits lead that meet all of its conditions."""

    name: str | None = Field(examples=["Phones"])
    conditions: list[ConditionOut]
    target: str | None = Field(examples=["https://apps.example.com/"])
    split: list[VariantOut] = Field(examples=[[]])
    status: int | None = Field(examples=[None])


def draft_rules(given: Sequence[RuleIn]) -> tuple[Rule, ...]:
    """The rules that `given` asks for, still to be checked by domain.rule."""
    return tuple(
        Rule(
            conditions=tuple(Condition(each.type, each.key, each.value) for each in rule.conditions),
            target=rule.target,
            split=tuple(Variant(each.name, each.target, each.weight) for each in rule.split),
            status=rule.status,
            name=rule.name,
        )
        for rule in given
    )
