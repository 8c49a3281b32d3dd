"""Shapes of single clicks."""

from typing import Any

from pydantic import AwareDatetime, Field

from shortener.domain.click import ClickClass
from shortener.web.api.schemas.fields import Out

#: A click.
EXAMPLE: dict[str, Any] = {
    "time": "2026-11-22T17:31:08.412Z",
    "code": "summer-sale",
    "domain": "",
    "class": "human",
    "unique": True,
    "referrer": "news.example.org",
    "referrer_url": "https://news.example.org",
    "browser": "Firefox",
    "os": "Linux",
    "device": "desktop",
    "country": "DE",
    "region": "Bavaria",
    "city": "Munich",
    "language": "de",
    "utm_source": "newsletter",
}


def _value(name: str, description: str | None = None) -> Any:
    return Field(None, description=description, examples=[EXAMPLE.get(name)])


class ClickOut(Out):
    """A click. What is not known of it is null."""

    time: AwareDatetime = Field(description="To the millisecond, in UTC.", examples=[EXAMPLE["time"]])
    code: str | None = Field(
        description="The code that was visited; an alias is a code too. Of an orphan: the path.",
        examples=["summer-sale"],
    )
    domain: str | None = Field(
        description="Empty: the default one. null: it is not known, or there is no such domain any more.",
        examples=[""],
    )
    click_class: str = Field(
        alias="class", description=f"One of {', '.join(kind.label for kind in ClickClass)}.", examples=["human"]
    )
    unique: bool = Field(description="Whether it was its visitor's first of the day on its link.", examples=[True])
    referrer: str | None = _value("referrer", "Host of the page that led here.")
    referrer_url: str | None = _value("referrer_url")
    browser: str | None = _value("browser")
    os: str | None = _value("os")
    device: str | None = _value("device")
    country: str | None = _value("country", "ISO 3166 code.")
    region: str | None = _value("region")
    city: str | None = _value("city")
    language: str | None = _value("language")
    utm_source: str | None = _value("utm_source")
    utm_medium: str | None = _value("utm_medium")
    utm_campaign: str | None = _value("utm_campaign")
    utm_term: str | None = _value("utm_term")
    utm_content: str | None = _value("utm_content")
    variant: str | None = _value("variant", "Which side of a rule's split was served.")
    trigger: str | None = _value(
        "trigger",
        "`qr`: a scan of a QR code of ours; `typed`: a path that only nearly was the link's, such as `/sale.`.",
    )
